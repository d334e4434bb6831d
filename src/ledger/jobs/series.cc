#include "ledger/jobs/series.h"

#include <algorithm>

#include "ledger/jobs/jobs.h"

namespace ledger::jobs {
namespace {

using domain::JobId;

constexpr int kMostLookedAt = 20'000;

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// "k#" of "k#17"; empty if it has no number.
std::string_view prefix_of(std::string_view command) {
  const std::size_t mark = command.rfind('#');
  if (mark == command.npos || !is_number(command.substr(mark + 1))) return {};
  return command.substr(0, mark + 1);
}

/// Calls `use(id)` for each job of the series until it says false.
template <class Use>
void for_each_of(const State& state, std::string_view prefix, const Use& use) {
  auto at = state.by_command.lower_bound({std::string(prefix)});
  for (; at != state.by_command.end() && at->first.value.starts_with(prefix); ++at) {
    if (prefix_of(at->first.value) == prefix && !use(at->second)) return;
  }
}

}  // namespace

std::vector<JobId> bid_together(const State& state, const Job& job) {
  const std::string_view prefix = prefix_of(job.command.value);
  if (prefix.empty()) return {job.id};
  std::vector<JobId> jobs;
  for_each_of(state, prefix, [&](JobId id) {
    jobs.push_back(id);
    return true;
  });
  std::ranges::sort(jobs);
  return jobs;
}

JobId series_of(const State& state, const Job& job) {
  JobId first = job.id;
  const std::string_view prefix = prefix_of(job.command.value);
  if (prefix.empty()) return first;
  for_each_of(state, prefix, [&](JobId id) {
    first = std::min(first, id);
    return false;
  });
  return first;
}

std::vector<JobId> newest_named(const State& state, const domain::TeamId& team,
                                std::string_view name) {
  const auto theirs = state.by_team.find(team);
  if (theirs == state.by_team.end()) return {};
  int looked_at = 0;
  for (auto at = theirs->second.rbegin(); at != theirs->second.rend(); ++at) {
    if (++looked_at > kMostLookedAt) return {};
    const Job& job = state.jobs.at(*at);
    if (job.spec.name != name) continue;
    auto jobs = bid_together(state, job);
    std::erase_if(jobs, [&](JobId id) { return state.jobs.at(id).spec.name != name; });
    return jobs;
  }
  return {};
}

}  // namespace ledger::jobs
