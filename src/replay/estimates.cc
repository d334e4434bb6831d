#include "replay/estimates.h"

#include <algorithm>

namespace replay {
namespace {

constexpr std::size_t kExact = 1;

std::size_t group_of(const Job& job) {
  const std::int64_t stated = job.bid.length;
  const std::int64_t needed = job.needed;
  if (stated < needed) return 0;
  if (stated == needed) return kExact;
  if (2 * stated <= 3 * needed) return 2;
  return stated <= 2 * needed ? 3 : 4;
}

void add(EstimateGroup& group, const Job& job, const Fate& fate) {
  ++group.bids;
  group.requested_value += job.bid.value;
  if (fate.kind == Fate::Kind::refused) return;
  ++group.accepted;
  group.paid += fate.price;
  if (fate.kind == Fate::Kind::late) {
    ++group.late;
    return;
  }
  ++group.on_time;
  group.value += job.bid.value;
}

}  // namespace

std::vector<EstimateGroup> by_estimate(const Workload& workload, const Outcome& outcome) {
  std::vector<EstimateGroup> groups;
  for (const char* stated : {"less", "exact", "up_to_1.5", "up_to_2", "more"})
    groups.push_back({.stated = stated});
  for (std::size_t i = 0; i < workload.jobs.size(); ++i)
    add(groups[group_of(workload.jobs[i])], workload.jobs[i], outcome.fates[i]);
  if (groups[kExact].bids == std::ssize(workload.jobs)) return {};
  return groups;
}

}  // namespace replay
