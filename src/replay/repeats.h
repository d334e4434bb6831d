#pragma once
#include <deque>
#include <map>

#include "domain/ids.h"
#include "domain/job.h"
#include "domain/time.h"

namespace replay {

/// A bid and what became of it.
struct AskedBid {
  domain::TeamId team;
  domain::UserId user;
  domain::Program program;
  bool refused = false;
  domain::Time at;
  domain::Time deadline;
};

/// Tells who was refused and asks again, which is no more demand.
class Repeats {
 public:
  /// Notes a bid; true if its user was refused the same program before and the time for that has
  /// not passed. O(64).
  bool note(const AskedBid& bid);

 private:
  std::map<domain::TeamId, std::deque<AskedBid>> asked_;  ///< The newest first.
};

}  // namespace replay
