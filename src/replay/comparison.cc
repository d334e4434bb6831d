#include "replay/comparison.h"

#include <algorithm>

namespace replay {
namespace {

constexpr std::int64_t kDay_ms = 86'400'000;
constexpr std::int32_t kFine_s = 60;
constexpr std::int32_t kCoarse_s = 600;
constexpr std::int32_t kHorizonDays = 60;
/// Of the horizon, the part within which bids are due: the rest is for those that come late.
constexpr std::int64_t kLongestWindow_ms = kHorizonDays / 2 * kDay_ms;

/// What is played to every policy.
struct Game {
  Cluster cluster;
  Workload workload;
};

std::int64_t arrival_ms(const LivedBid& bid) { return std::max(bid.at_ms, bid.earliest_ms); }

std::int32_t slots_of(std::int64_t ms, std::int32_t slot_s) {
  const std::int64_t slot_ms = std::int64_t{slot_s} * 1'000;
  return static_cast<std::int32_t>((ms + slot_ms - 1) / slot_ms);
}

std::int64_t window_ms(const LivedBid& bid) {
  constexpr std::int64_t kLengths = 10;
  const std::int64_t open = std::max(7 * kDay_ms, kLengths * bid.stated_ms);
  const std::int64_t window = bid.deadline_ms ? *bid.deadline_ms - arrival_ms(bid) : open;
  return std::clamp<std::int64_t>(window, 0, kLongestWindow_ms);
}

Job job_of(const LivedBid& lived, std::int64_t first_ms, std::int32_t slot_s) {
  constexpr double kHour_ms = 3'600'000;
  const std::int64_t stated_ms = std::clamp<std::int64_t>(lived.stated_ms, 1, kLongestWindow_ms);
  Job job;
  // Both ends are rounded the same way, so that a window holds what it held.
  job.bid.arrival = static_cast<std::int32_t>((arrival_ms(lived) - first_ms) / 1'000 / slot_s);
  job.bid.length = slots_of(stated_ms, slot_s);
  job.bid.deadline = job.bid.arrival + std::max(slots_of(window_ms(lived), slot_s), job.bid.length);
  job.bid.gpus = lived.gpus;
  job.bid.value = lived.value.value_or(static_cast<double>(stated_ms) / kHour_ms * lived.gpus);
  job.bid.preemptible = lived.preemptible;
  job.bid.restart = slots_of(lived.restart_ms, slot_s);
  job.needed =
      std::max(1, slots_of(std::min(lived.ran_ms.value_or(stated_ms), kLongestWindow_ms), slot_s));
  return job;
}

Game prepare(std::vector<LivedBid> bids, const std::vector<NodeSize>& nodes) {
  Game game;
  game.cluster.nodes = nodes;
  game.cluster.gpus = gpus_of(nodes);
  game.cluster.horizon_s = kHorizonDays * 24 * 3'600;
  Workload& workload = game.workload;
  workload.gpus = game.cluster.gpus;
  std::erase_if(bids, [&](const LivedBid& bid) {
    return bid.gpus < 1 || bid.gpus > workload.gpus || bid.stated_ms <= 0;
  });
  if (bids.empty()) return game;
  std::ranges::stable_sort(bids, {}, arrival_ms);
  const std::int64_t first_ms = arrival_ms(bids.front());
  const bool is_short = arrival_ms(bids.back()) - first_ms <= 2 * kDay_ms;
  workload.slot_s = is_short ? kFine_s : kCoarse_s;
  game.cluster.slot_s = workload.slot_s;
  for (const LivedBid& bid : bids) {
    Job job = job_of(bid, first_ms, workload.slot_s);
    job.bid.job = static_cast<std::int32_t>(workload.jobs.size());
    workload.slots = job.bid.arrival + 1;
    workload.requested_value += job.bid.value;
    workload.jobs.push_back(job);
  }
  return game;
}

struct Waits {
  std::int64_t started = 0;
  std::int64_t mean_ms = 0;
};

Waits waits(const Outcome& outcome, const Workload& workload) {
  std::int64_t sum = 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < outcome.fates.size(); ++i) {
    const Fate& fate = outcome.fates[i];
    if (fate.started == Fate::kNever) continue;
    sum += fate.started - workload.jobs[i].bid.arrival;
    ++count;
  }
  return {count, count == 0 ? 0 : sum * workload.slot_s * 1'000 / count};
}

/// In GPU-slots.
struct Use {
  double capacity = 0;
  double used = 0;
  double on_time = 0;  ///< By what was done by its deadline.
};

/// From the first bid until the last job is done, not until the last bid has come: what runs after
/// it is most of a short time.
Use use(const Outcome& outcome, const Workload& workload) {
  Use all;
  double slots = 0;
  for (std::size_t i = 0; i < outcome.in_use.size(); ++i) {
    all.used += outcome.in_use[i];
    if (outcome.in_use[i] > 0) slots = static_cast<double>(i) + 1;
  }
  all.capacity = slots * workload.gpus;
  for (std::size_t i = 0; i < outcome.fates.size(); ++i) {
    const Job& job = workload.jobs[i];
    const auto needed = static_cast<double>(job.bid.gpus) * job.needed;
    if (outcome.fates[i].kind == Fate::Kind::on_time) all.on_time += needed;
  }
  return all;
}

ComparedPolicy line_of(const Outcome& outcome, const Workload& workload, bool economy) {
  constexpr double kHour_s = 3'600;
  const auto jobs = static_cast<double>(workload.jobs.size());
  ComparedPolicy line{.name = outcome.policy, .economy = economy, .value = outcome.value};
  if (workload.requested_value > 0) line.value_share = outcome.value / workload.requested_value;
  line.on_time = outcome.on_time;
  line.on_time_share = static_cast<double>(outcome.on_time) / jobs;
  line.late = outcome.late;
  const Waits waited = waits(outcome, workload);
  line.started_share = static_cast<double>(waited.started) / jobs;
  line.mean_wait_ms = waited.mean_ms;
  const Use made = use(outcome, workload);
  if (made.capacity > 0) line.utilisation = made.used / made.capacity;
  if (made.on_time > 0) line.unit_cost = made.capacity / made.on_time;
  const double used_hours = made.used * workload.slot_s / kHour_s;
  if (used_hours > 0) line.paid_per_gpu_hour = outcome.revenue / used_hours;
  return line;
}

}  // namespace

std::optional<Comparison> compare(const std::vector<LivedBid>& bids,
                                  const std::vector<NodeSize>& nodes,
                                  const CompareProgress& progress) {
  const Game game = prepare(bids, nodes);
  const Workload& workload = game.workload;
  if (workload.jobs.empty()) return std::nullopt;
  Comparison all{.bids = std::ssize(workload.jobs),
                 .left_out = std::ssize(bids) - std::ssize(workload.jobs),
                 .gpus = workload.gpus,
                 .slot_s = workload.slot_s,
                 .policies = {}};
  const std::vector<NamedPolicy> played{
      {"era", make_era}, {"first-fit", make_first_fit}, {"backfill", make_backfill}};
  for (const NamedPolicy& policy : played) {
    const auto tell = [&](std::int32_t slot, std::int32_t slots) {
      if (progress) progress(policy.name, slot, slots);
    };
    const Outcome outcome = play(workload, game.cluster, policy, tell);
    all.policies.push_back(line_of(outcome, workload, policy.name == "era"));
  }
  return all;
}

}  // namespace replay
