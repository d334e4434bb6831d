#include "era/demand.h"

#include <algorithm>

#include "era/price_table.h"
#include "era/request.h"

namespace era {

using domain::Bid;
using domain::Duration;
using domain::Money;
using domain::Time;

namespace {

__extension__ using Wide = __int128;

/// GPUs, or cores where the lane has no GPUs.
std::int64_t units_of(const Candidate& candidate) {
  return candidate.lane->has_gpus() ? candidate.ask.gang.gpus : candidate.ask.gang.core_units;
}

std::int64_t size_of(const Lane& lane) {
  const bool gpus = lane.has_gpus();
  std::int64_t size = 0;
  for (const NodeLine& line : lane.nodes()) {
    if (!line.present) continue;
    size += gpus ? line.node.capacity.gpus : line.node.capacity.cpu_millis / 1000;
  }
  return size;
}

/// What `bid` would pay for each of `units` and hour; no more than any unit may cost.
Money rate_of(const Plan& plan, const Bid& bid, const Lane& lane, std::int64_t units) {
  const PriceList& prices = plan.prices();
  const bool gpus = lane.has_gpus();
  const std::int32_t permille = class_permille(prices, bid);
  if (!bid.max_price || permille == 0) {
    return gpus ? gpu_hour_rate(prices, lane.key().gpu_model) : prices.core_hour;
  }
  const Wide paid = Wide{bid.max_price->micros} * domain::kHour.ms * 1000;
  const Wide rate = paid / (Wide{units} * bid.duration.ms * permille);
  const Money dearest = gpus ? kDearestGpuHour : kDearestCoreHour;
  return {static_cast<std::int64_t>(std::min(rate, Wide{dearest.micros}))};
}

}  // namespace

std::vector<LaneDemand> demand_of(const Plan& plan, const Bid& bid, Time now) {
  if (bid.job_class == domain::JobClass::flex) return {};
  const auto lanes = lanes_for(plan.ground(), bid.shape);
  const auto window = window_of(plan, bid, now);
  const auto* candidates = std::get_if<std::vector<Candidate>>(&lanes);
  const auto* when = std::get_if<Window>(&window);
  if (candidates == nullptr || when == nullptr) return {};

  std::int64_t together = 0;
  for (const Candidate& candidate : *candidates) together += size_of(*candidate.lane);
  std::vector<LaneDemand> demands;
  for (const Candidate& candidate : *candidates) {
    const std::int64_t units = units_of(candidate);
    if (units == 0 || together == 0) continue;
    const Duration room = when->only_first ? bid.duration : when->finish_by - when->first;
    const auto milli =
        static_cast<std::int64_t>(Wide{units} * 1000 * size_of(*candidate.lane) / together);
    demands.push_back({candidate.lane->key(),
                       {milli, bid.duration, std::max(Duration{}, when->first - now), room,
                        rate_of(plan, bid, *candidate.lane, units)}});
  }
  return demands;
}

}  // namespace era
