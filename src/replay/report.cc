#include "replay/report.h"

#include "era/bound.h"

namespace replay {
namespace {

PolicySummary summary_of(const Outcome& outcome, const Report& report) {
  PolicySummary line{.name = outcome.policy,
                     .value_share = outcome.value / report.workload.requested_value,
                     .bound_share = std::nullopt,
                     .utilisation = outcome.utilisation,
                     .accepted = outcome.accepted,
                     .on_time = outcome.on_time,
                     .late = outcome.late,
                     .revenue = outcome.revenue,
                     .decide_us_p50 = outcome.decide_us_p50,
                     .decide_us_p99 = outcome.decide_us_p99,
                     .wall_s = outcome.wall_s,
                     .by_estimate = by_estimate(report.workload, outcome)};
  if (report.bound && *report.bound > 0) line.bound_share = outcome.value / *report.bound;
  return line;
}

}  // namespace

double bound_of(const Workload& workload) {
  std::vector<era::BoundBid> bids;
  bids.reserve(workload.jobs.size());
  for (const Job& job : workload.jobs) {
    bids.push_back({job.bid.arrival, job.bid.deadline, job.needed,
                    static_cast<double>(job.bid.gpus), job.bid.value});
  }
  return era::upper_bound(bids, {.capacity = static_cast<double>(workload.gpus)}).value;
}

Summary summary_of(const Report& report) {
  const Workload& workload = report.workload;
  Summary summary{.jobs = std::ssize(workload.jobs),
                  .gpus = workload.gpus,
                  .slots = workload.slots,
                  .slot_s = workload.slot_s,
                  .load = workload.load,
                  .too_wide = workload.too_wide,
                  .requested_value = workload.requested_value,
                  .bound_share_of_requested = std::nullopt,
                  .policies = {}};
  if (report.bound) summary.bound_share_of_requested = *report.bound / workload.requested_value;
  for (const Outcome& outcome : report.outcomes) {
    summary.policies.push_back(summary_of(outcome, report));
  }
  return summary;
}

}  // namespace replay
