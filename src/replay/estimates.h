#pragma once
#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "replay/replay.h"

namespace replay {

/// Jobs whose owners misjudged alike how long they run, and what became of them. Sums over all
/// groups are those of the outcome.
struct EstimateGroup {
  std::string stated;  ///< Of the true length: less, exact, up_to_1.5, up_to_2 or more.
  std::int64_t bids = 0;
  std::int64_t accepted = 0;
  std::int64_t on_time = 0;
  std::int64_t late = 0;  ///< Stopped, or done after the deadline: worth nothing.
  double requested_value = 0;
  double value = 0;  ///< Of what was on time, in credits.
  double paid = 0;
};
BOOST_DESCRIBE_STRUCT(EstimateGroup, (),
                      (stated, bids, accepted, on_time, late, requested_value, value, paid))

/// All five groups in their order; none where every owner knows. O(jobs).
std::vector<EstimateGroup> by_estimate(const Workload& workload, const Outcome& outcome);

}  // namespace replay
