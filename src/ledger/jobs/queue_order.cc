#include "ledger/jobs/queue_order.h"

#include <algorithm>
#include <tuple>

namespace ledger::jobs {
namespace {

using domain::TeamId;

__extension__ using Wide = __int128;

/// Groups of equal asks that are looked at, over all teams.
constexpr std::size_t kMostGroups = 512;
constexpr std::size_t kFewestGroupsOfATeam = 4;
/// What runs counts as used for so long ahead: else a team could start all it has at one moment,
/// in which nothing is used up yet.
constexpr std::int64_t kAheadMs = domain::kHour.ms;

auto as_tuple(const QueueKey& key) {
  const auto& shape = key.shape;
  return std::tuple(shape.ranks, shape.per_rank.gpus, shape.per_rank.cpu_millis,
                    shape.per_rank.memory_bytes, std::tie(shape.gpu_model, shape.pool),
                    shape.placement, key.duration);
}

struct Claim {
  std::int64_t used = 0;
  std::int32_t weight = 1;
  const TeamId* team = nullptr;
  const TeamQueue* queue = nullptr;
};

/// Less used against its share.
bool operator<(const Claim& a, const Claim& b) {
  const Wide left = Wide{a.used} * b.weight;
  const Wide right = Wide{b.used} * a.weight;
  return left != right ? left < right : *a.team < *b.team;
}

Claim claim_of(const View& view, const TeamId& team, const TeamQueue& queue) {
  const auto usage = view.limits.usage.find(team);
  const std::int64_t rate = usage == view.limits.usage.end() ? 0 : usage->second.rate;
  return {limits::usage_at(view.limits, team, view.now) + rate * kAheadMs / 1'000,
          limits::weight_of(view.limits, team), &team, &queue};
}

/// The first job of the group that may start now.
const Job* first_of(const View& view, const std::set<QueuePlace>& group) {
  for (const QueuePlace& place : group) {
    const Job& job = view.jobs.jobs.at(place.job);
    if (job.retry_at <= view.now && job.spec.bid.earliest <= view.now) return &job;
  }
  return nullptr;
}

/// Appends the first `most` jobs of a team, one of each group.
void take_first(const View& view, const TeamQueue& queue, std::size_t most,
                std::vector<const Job*>& into) {
  const std::size_t before = into.size();
  for (const auto& [place, key] : queue.heads) {
    if (into.size() - before >= most) break;
    const Job* job = first_of(view, queue.groups.at(key));
    if (job != nullptr) into.push_back(job);
  }
  // A group whose head waits is represented by a job further back.
  std::sort(into.begin() + static_cast<std::ptrdiff_t>(before), into.end(),
            [](const Job* a, const Job* b) { return a->place < b->place; });
}

}  // namespace

bool operator<(const QueueKey& a, const QueueKey& b) { return as_tuple(a) < as_tuple(b); }

bool operator<(const QueuePlace& a, const QueuePlace& b) {
  return std::tuple(-a.priority, a.order, a.job) < std::tuple(-b.priority, b.order, b.job);
}

void TeamQueue::insert(const QueueEntry& entry) {
  auto& group = groups[entry.key];
  const bool is_first = group.empty() || entry.place < *group.begin();
  if (is_first && !group.empty()) heads.erase(*group.begin());
  group.insert(entry.place);
  if (is_first) heads.emplace(entry.place, entry.key);
}

void TeamQueue::erase(const QueueEntry& entry) {
  const auto found = groups.find(entry.key);
  if (found == groups.end() || found->second.erase(entry.place) == 0) return;
  if (heads.erase(entry.place) > 0 && !found->second.empty()) {
    heads.emplace(*found->second.begin(), entry.key);
  }
  if (found->second.empty()) groups.erase(found);
}

std::vector<const Job*> flex_order(const View& view) {
  std::vector<Claim> claims;
  for (const auto& [team, queue] : view.jobs.queue) claims.push_back(claim_of(view, team, queue));
  std::ranges::sort(claims, [](const Claim& a, const Claim& b) { return a < b; });
  std::vector<const Job*> order;
  if (claims.empty()) return order;
  const std::size_t each = std::max(kFewestGroupsOfATeam, kMostGroups / claims.size());
  for (const Claim& claim : claims) {
    const std::size_t left = order.size() < kMostGroups ? kMostGroups - order.size() : 1;
    take_first(view, *claim.queue, std::min(each, left), order);
  }
  return order;
}

std::size_t ahead_in_team(const State& state, const Job& job, std::size_t most) {
  const auto team = state.queue.find(job.team);
  std::size_t ahead = 0;
  if (team == state.queue.end()) return ahead;
  for (const auto& [key, group] : team->second.groups) {
    for (const QueuePlace& place : group) {
      if (!(place < job.place) || ahead >= most) break;
      ++ahead;
    }
  }
  return ahead;
}

}  // namespace ledger::jobs
