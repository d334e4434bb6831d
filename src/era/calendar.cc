#include <algorithm>
#include <map>
#include <tuple>

#include "era/quote.h"
#include "era/request.h"

namespace era {

using domain::Money;
using domain::Time;

namespace {

/// What one more unit costs in every slot of `slots`, whether there is room or not.
struct NextUnit {
  std::int64_t gpu = 0;
  std::int64_t core = 0;
};

/// Adds what `lane` has over one hour to that hour of its pool.
NextUnit add_lane(const Lane& lane, SlotRange slots, CalendarHour& hour) {
  CalendarHour here;
  NextUnit next;
  bool first = true;
  for (Stages stage(lane, slots.first); stage.from() < slots.end; stage.next()) {
    const Run& run = stage.run();
    const Capacity& capacity = lane.capacity_of(run);
    const std::int64_t length = std::min(slots.end, stage.end()) - stage.from();
    next.gpu += capacity.gpu_prices[stage.lead()]->cost(run.gpus_promised, 1) * length;
    next.core += capacity.core_prices[stage.lead()]->cost(run.core_units, 1) * length;
    here.capacity_gpus = std::max(here.capacity_gpus, capacity.gpus);
    here.capacity_cpu_millis = std::max(here.capacity_cpu_millis, capacity.cpu_millis);
    here.free_gpus = first ? run.gpus_free : std::min(here.free_gpus, run.gpus_free);
    here.free_cpu_millis =
        first ? run.cpu_millis_free : std::min(here.free_cpu_millis, run.cpu_millis_free);
    first = false;
  }
  hour.capacity_gpus += here.capacity_gpus;
  hour.capacity_cpu_millis += here.capacity_cpu_millis;
  hour.free_gpus += here.free_gpus;
  hour.free_cpu_millis += here.free_cpu_millis;
  return next;
}

CalendarHour hour_of(const Plan& plan, const std::vector<const Lane*>& lanes, Time from) {
  const domain::Duration slot = plan.settings().slot;
  CalendarHour hour;
  hour.pool = lanes.front()->key().pool;
  hour.from = from;
  const SlotRange slots = touched(from, from + domain::kHour, slot);
  bool any_gpu = false;
  bool any_core = false;
  for (const Lane* lane : lanes) {
    const NextUnit next = add_lane(*lane, slots, hour);
    const Money core = price_of(next.core, slot, 1000);
    if (!any_core || core < hour.next_core_hour) hour.next_core_hour = core;
    any_core = true;
    if (!lane->has_gpus()) continue;
    const Money gpu = price_of(next.gpu, slot, 1000);
    if (!any_gpu || gpu < hour.next_gpu_hour) hour.next_gpu_hour = gpu;
    any_gpu = true;
  }
  return hour;
}

}  // namespace

std::vector<CalendarHour> calendar(const Plan& plan, Time from, std::int32_t hours) {
  std::map<domain::PoolId, std::vector<const Lane*>> pools;
  for (const auto& [key, lane] : plan.ground().lanes()) pools[key.pool].push_back(&lane);
  std::vector<CalendarHour> found;
  for (const auto& [pool, lanes] : pools) {
    for (std::int32_t i = 0; i < hours; ++i) {
      const Time hour = from + domain::kHour * i;
      if (hour + domain::kHour > plan.horizon_end()) break;
      if (hour >= plan.begin() - domain::kHour) found.push_back(hour_of(plan, lanes, hour));
    }
  }
  return found;
}

}  // namespace era
