#pragma once
#include <optional>

#include "era/quote.h"
#include "era/search.h"

namespace era {

/// A bid and what it is asked of.
struct Question {
  const Plan& plan;
  const domain::Bid& bid;
  domain::Time now;
};

/// What `find_offer` may cost within the bid's max_price.
Goal within_max_price(const Question& asked, bool soonest);

/// A real quote of `bid` in place of the one that was asked for; none if it is refused.
std::optional<Offer> accepted(const Question& asked, const domain::Bid& bid);

/// An offer for `bid` within the price that was asked for and without anybody moving.
std::optional<Offer> has_room(const Question& asked, const domain::Bid& bid);

}  // namespace era
