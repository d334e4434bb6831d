#pragma once
#include <vector>

#include "domain/bid.h"
#include "era/forecast.h"
#include "era/plan.h"

namespace era {

/// What a bid tells about the demand for one lane.
struct LaneDemand {
  LaneKey lane;
  Demand demand;
};

/// What `bid` asks of each lane that it may run in, divided by their sizes. Its rate is what it
/// offers for a unit and an hour, or the base rate if it names no price. Nothing for flex bids,
/// which take what is left, and for those that no lane could hold or no window.
std::vector<LaneDemand> demand_of(const Plan& plan, const domain::Bid& bid, domain::Time now);

}  // namespace era
