#pragma once
#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domain/resources.h"

// What the controller offers for a bid, or says in place of an offer.
namespace cli {

struct Piece {
  std::int64_t start = 0;
  std::int64_t finish = 0;
  std::vector<std::string> nodes;
};
BOOST_DESCRIBE_STRUCT(Piece, (), (start, finish, nodes))

struct Offer {
  std::string pool;
  std::int64_t start = 0;
  std::int64_t finish = 0;
  std::int64_t price = 0;
  std::vector<std::string> nodes;
  std::vector<Piece> later;
};
BOOST_DESCRIBE_STRUCT(Offer, (), (pool, start, finish, price, nodes, later))

struct Change {
  std::optional<std::int64_t> max_price;
  std::optional<std::int64_t> deadline;
  std::optional<std::int64_t> ranks;
  std::optional<std::int64_t> duration;
  std::optional<domain::Resources> per_rank;
  Offer offer;
};
BOOST_DESCRIBE_STRUCT(Change, (), (max_price, deadline, ranks, duration, per_rank, offer))

struct Refusal {
  std::string reason;
  std::vector<std::int64_t> blocking;
  std::optional<std::int64_t> blocked_until;
  std::optional<std::int64_t> price;
  std::vector<Change> changes;
  std::optional<Offer> cheaper;
};
BOOST_DESCRIBE_STRUCT(Refusal, (), (reason, blocking, blocked_until, price, changes, cheaper))

}  // namespace cli
