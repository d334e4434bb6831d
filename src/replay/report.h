#pragma once
#include <boost/describe/class.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "replay/estimates.h"
#include "replay/replay.h"

namespace replay {

/// What a replay found out.
struct Report {
  Workload workload;
  std::optional<double> bound;  ///< No schedule earns more, in credits; none: not asked for.
  std::vector<Outcome> outcomes;
};

/// The least known bound on what any schedule of `workload` earns, in credits, given what jobs
/// really run. O(400 x jobs x window).
double bound_of(const Workload& workload);

/// A policy's line of the report. Shares are of the value requested and of the bound.
struct PolicySummary {
  std::string name;
  double value_share = 0;
  std::optional<double> bound_share;
  double utilisation = 0;
  std::int64_t accepted = 0;
  std::int64_t on_time = 0;
  std::int64_t late = 0;
  double revenue = 0;
  double decide_us_p50 = 0;
  double decide_us_p99 = 0;
  double wall_s = 0;
  std::vector<EstimateGroup> by_estimate;  ///< Empty where every owner knows.
};
BOOST_DESCRIBE_STRUCT(PolicySummary, (),
                      (name, value_share, bound_share, utilisation, accepted, on_time, late,
                       revenue, decide_us_p50, decide_us_p99, wall_s, by_estimate))

struct Summary {
  std::int64_t jobs = 0;
  std::int32_t gpus = 0;
  std::int32_t slots = 0;
  std::int32_t slot_s = 0;
  double load = 0;
  std::int64_t too_wide = 0;  ///< Jobs left out: they ask for more GPUs than there are.
  double requested_value = 0;
  std::optional<double> bound_share_of_requested;
  std::vector<PolicySummary> policies;
};
BOOST_DESCRIBE_STRUCT(Summary, (),
                      (jobs, gpus, slots, slot_s, load, too_wide, requested_value,
                       bound_share_of_requested, policies))

Summary summary_of(const Report& report);

/// Drawings as SVG, by file name: utilisation over time, value by policy, accepted by size, and for
/// each policy that asks a price, what a GPU-hour cost by day and hour.
std::map<std::string, std::string> plots(const Report& report);

}  // namespace replay
