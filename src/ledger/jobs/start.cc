#include "ledger/jobs/start.h"

#include <algorithm>
#include <set>

#include "ledger/jobs/closing.h"
#include "ledger/jobs/quota.h"
#include "ledger/jobs/reliability.h"

namespace ledger::jobs {
namespace {

using domain::NodeId;
using domain::Resources;

constexpr std::int32_t kFirstPort = 21'000;
constexpr std::int32_t kPorts = 8'000;

const std::vector<Held>& held_on(const View& view, const NodeId& node) {
  static const std::vector<Held> none;
  const auto found = view.jobs.held.find(node);
  return found == view.jobs.held.end() ? none : found->second;
}

Resources in_use(const View& view, const NodeId& node) {
  Resources sum;
  for (const Held& held : held_on(view, node)) sum = sum + held.amount;
  return sum;
}

bool takes(const View& view, const NodeId& id, const Job& job) {
  const auto node = view.nodes.nodes.find(id);
  if (node == view.nodes.nodes.end() || closes_on(view, job, id)) return false;
  const auto state = node->second.state;
  return state == domain::NodeState::ready || (job.booking && state == domain::NodeState::draining);
}

/// GPUs of the node that nobody holds, in inventory order.
std::vector<std::string> free_gpus(const View& view, const nodes::Node& node) {
  std::set<std::string> taken;
  for (const Held& held : held_on(view, node.name))
    taken.insert(held.gpu_uuids.begin(), held.gpu_uuids.end());
  std::vector<std::string> free;
  for (const auto& gpu : node.inventory.gpus) {
    if (nodes::is_usable(node, gpu) && !taken.contains(gpu.uuid)) free.push_back(gpu.uuid);
  }
  return free;
}

/// Gives each rank on `node` its GPUs; false if there are too few, or too little of the rest.
bool take_places(const View& view, const Job& job, const NodeId& node, std::vector<Rank>& ranks) {
  const auto known = view.nodes.nodes.find(node);
  if (known == view.nodes.nodes.end()) return false;
  const auto& per_rank = job.spec.bid.shape.per_rank;
  const auto here = std::ranges::count(ranks, node, &Rank::node);
  if (!(in_use(view, node) + per_rank * here).fits_in(nodes::capacity(known->second))) return false;
  const auto free = free_gpus(view, known->second);
  const auto wanted = static_cast<std::size_t>(per_rank.gpus);
  if (free.size() < wanted * static_cast<std::size_t>(here)) return false;
  auto next = free.begin();
  for (Rank& rank : ranks) {
    if (rank.node != node) continue;
    rank.gpu_uuids.assign(next, next + static_cast<std::ptrdiff_t>(wanted));
    next += static_cast<std::ptrdiff_t>(wanted);
  }
  return true;
}

/// A port that no live attempt with a rank on `node` leases: another one for each attempt, so that
/// stale peers of an earlier one cannot join.
std::int32_t lease_port(const View& view, const Job& job, const NodeId& node,
                        std::int32_t attempt) {
  std::set<std::int32_t> leased;
  for (const Held& held : held_on(view, node)) {
    const Attempt* other = live_attempt(view.jobs.jobs.at(held.job));
    if (other != nullptr) leased.insert(other->master_port);
  }
  const std::int64_t wish = job.id.value * 7 + attempt;
  for (std::int64_t step = 0; step < kPorts; ++step) {
    const auto port = static_cast<std::int32_t>(kFirstPort + (wish + step) % kPorts);
    if (!leased.contains(port)) return port;
  }
  return kFirstPort;
}

/// What will still be held on `node` when a booking starts there at `start`.
Resources held_at(const View& view, const NodeId& node, domain::Time start) {
  Resources sum;
  for (const Held& held : held_on(view, node)) {
    const Job& other = view.jobs.jobs.at(held.job);
    if (held.flex || !other.booking || other.booking->finish > start) sum = sum + held.amount;
  }
  return sum;
}

/// Jobs that hold something on `node` as flex: what is over a soft quota first, then the youngest.
std::vector<const Job*> flex_on(const View& view, const NodeId& node) {
  std::set<domain::JobId> ids;
  for (const Held& held : held_on(view, node)) {
    if (held.flex) ids.insert(held.job);
  }
  std::vector<const Job*> jobs;
  for (const auto& id : ids) jobs.push_back(&view.jobs.jobs.at(id));
  std::ranges::sort(jobs, [](const Job* a, const Job* b) {
    return std::pair(a->attempts.back().started, a->id) >
           std::pair(b->attempts.back().started, b->id);
  });
  const auto lent = borrowed(view);
  std::ranges::stable_partition(
      jobs, [&](const Job* job) { return std::ranges::find(lent, job) != lent.end(); });
  return jobs;
}

Resources held_by(const View& view, const NodeId& node, domain::JobId job) {
  Resources sum;
  for (const Held& held : held_on(view, node)) {
    if (held.job == job) sum = sum + held.amount;
  }
  return sum;
}

/// True if `amount` has some of what is short where `sum` is more than `capacity`.
bool helps(const Resources& amount, const Resources& sum, const Resources& capacity) {
  return (sum.gpus > capacity.gpus && amount.gpus > 0) ||
         (sum.cpu_millis > capacity.cpu_millis && amount.cpu_millis > 0) ||
         (sum.memory_bytes > capacity.memory_bytes && amount.memory_bytes > 0);
}

}  // namespace

std::optional<AttemptStarted> start_attempt(const View& view, const Job& job,
                                            const domain::PoolId& pool,
                                            const std::vector<NodeId>& nodes) {
  AttemptStarted fact;
  fact.job = job.id;
  fact.attempt = job.attempts_made + 1;
  fact.pool = pool;
  fact.resume_from = job.checkpoint;
  for (const NodeId& node : nodes) {
    Rank rank;
    rank.node = node;
    fact.ranks.push_back(std::move(rank));
  }
  const std::set<NodeId> different(nodes.begin(), nodes.end());
  for (const NodeId& node : different) {
    if (!takes(view, node, job)) return std::nullopt;
    if (!take_places(view, job, node, fact.ranks)) return std::nullopt;
  }
  fact.mtbf = mean_time_between_failures(view.jobs.reliability, job, std::ssize(different));
  fact.master_port = lease_port(view, job, nodes.front(), fact.attempt);
  return fact;
}

std::vector<Event> clear_way(const View& view, const Job& job) {
  std::vector<Event> events;
  std::set<domain::JobId> asked;
  const auto& booking = *job.booking;
  for (const NodeId& node : std::set<NodeId>(booking.nodes.begin(), booking.nodes.end())) {
    const auto known = view.nodes.nodes.find(node);
    if (known == view.nodes.nodes.end()) continue;
    const auto ranks = std::ranges::count(booking.nodes, node);
    Resources sum = held_at(view, node, booking.start) + booking.per_rank * ranks;
    const Resources capacity = nodes::capacity(known->second);
    for (const Job* flex : flex_on(view, node)) {
      const Resources amount = held_by(view, node, flex->id);
      if (!helps(amount, sum, capacity)) continue;
      sum = sum - amount;
      const Attempt& attempt = flex->attempts.back();
      if (attempt.stop != StopKind::none || !asked.insert(flex->id).second) continue;
      events.push_back(AttemptStopping{flex->id, attempt.number, StopKind::give_way,
                                       fmt::format("gives way to job {}", job.id.value)});
    }
  }
  return events;
}

}  // namespace ledger::jobs
