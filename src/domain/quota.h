#pragma once
#include <boost/describe/class.hpp>

#include <optional>
#include <string>

#include "domain/ids.h"
#include "domain/time.h"

namespace domain {

/// How many GPUs a team or a user may have promised or in use at any one moment. Exactly one of
/// `team` and `user` is set.
struct Quota {
  TeamId team;
  UserId user;
  std::string gpu_model;  ///< In lower case. Empty: of all models together.
  std::int32_t gpus = 0;
  bool soft = false;  ///< Above it only flex runs, on what is idle, and gives way first.
  friend bool operator==(const Quota&, const Quota&) = default;
};
BOOST_DESCRIBE_STRUCT(Quota, (), (team, user, gpu_model, gpus, soft))

/// Whether both limit the same: a quota that is set replaces the one that does.
inline bool limits_the_same(const Quota& a, const Quota& b) {
  return a.team == b.team && a.user == b.user && a.gpu_model == b.gpu_model;
}

/// A quota that leaves no room for what was asked.
struct QuotaReached {
  Quota quota;
  std::int32_t used = 0;          ///< Promised or in use when it would have been exceeded.
  std::optional<Time> room_from;  ///< When it next leaves room for what was asked.
  friend bool operator==(const QuotaReached&, const QuotaReached&) = default;
};
BOOST_DESCRIBE_STRUCT(QuotaReached, (), (quota, used, room_from))

}  // namespace domain
