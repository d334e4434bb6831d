#include <fmt/format.h>

#include <algorithm>

#include "agent/manifest.h"
#include "ledger/jobs/dependencies.h"
#include "ledger/jobs/widths.h"
#include "sim/checks.h"

// What runs where, from which checkpoint, how it is stopped, and who asked for it.
namespace sim {

using domain::Duration;
using domain::JobId;
using domain::NodeId;
using domain::NodeState;
using domain::Time;
using ledger::jobs::AttemptStarted;

namespace {

/// A checkpoint that was whole so long before its attempt ended is known to the controller.
constexpr Duration kKnownAfter{15'000};
/// From the first file of a checkpoint to its last.
constexpr Duration kWhole{4'000};

/// Of "step-00000120"; 0 for none.
std::int64_t step_of(const std::string& checkpoint) {
  const auto name = agent::parse_checkpoint_name(checkpoint);
  return name ? name->step : 0;
}

/// The nodes as the facts so far tell them.
struct Seen {
  std::map<NodeId, NodeState> states;
  std::map<NodeId, domain::Inventory> inventories;
  std::map<JobId, const AttemptStarted*> attempts;
  std::map<JobId, NodeId> faults;  ///< Where a GPU failed in the attempt that has just ended.

  void take(const ledger::Event& event) {
    if (const auto* reported = std::get_if<ledger::nodes::NodeReported>(&event)) {
      inventories[reported->node] = reported->inventory;
    } else if (const auto* set = std::get_if<ledger::nodes::NodeStateSet>(&event)) {
      states[set->node] = set->state;
    } else if (const auto* started = std::get_if<AttemptStarted>(&event)) {
      attempts[started->job] = started;
      faults.erase(started->job);
    } else if (const auto* ended = std::get_if<ledger::jobs::RankEnded>(&event)) {
      if (ended->cause != domain::ExitCause::gpu_fault) return;
      const auto& ranks = attempts.at(ended->job)->ranks;
      faults.emplace(ended->job, ranks.at(static_cast<std::size_t>(ended->rank)).node);
    } else if (const auto* over = std::get_if<ledger::jobs::AttemptEnded>(&event)) {
      if (over->cause != domain::ExitCause::gpu_fault) faults.erase(over->job);
    }
  }

  bool is_in_order(const NodeId& node, const std::string& uuid) const {
    const auto& gpus = inventories.at(node).gpus;
    return std::ranges::any_of(gpus, [&](const domain::Gpu& gpu) {
      return gpu.uuid == uuid && gpu.enabled && gpu.health == "ok";
    });
  }
};

}  // namespace

/// P9: no work for a node that is out of use, nor for a GPU that was reported bad; a GPU that
/// failed takes its node out.
void Checks::check_bad_nodes() {
  Seen seen;
  for (const auto& fact : head_.facts()) {
    seen.take(fact.event);
    if (const auto* interrupted = std::get_if<ledger::jobs::JobInterrupted>(&fact.event)) {
      const auto fault = seen.faults.find(interrupted->job);
      if (fault == seen.faults.end() || seen.states[fault->second] != NodeState::ready) continue;
      note("P9", fmt::format("a GPU of {} failed, and it takes new work", fault->second.value));
    }
    const auto* started = std::get_if<AttemptStarted>(&fact.event);
    if (started == nullptr) continue;
    for (const auto& rank : started->ranks) {
      const NodeState state = seen.states[rank.node];
      if (state != NodeState::ready && state != NodeState::draining) {
        note("P9", fmt::format("job {} starts on {}, which is out of use", started->job.value,
                               rank.node.value));
      }
      for (const auto& uuid : rank.gpu_uuids) {
        if (seen.is_in_order(rank.node, uuid)) continue;
        note("P9", fmt::format("job {} is given {}, which is bad", started->job.value, uuid));
      }
    }
  }
}

/// A retry is offered the newest checkpoint that is kept, and never a torn one.
void Checks::check_offers_of_checkpoints() {
  for (const auto& host : hosts_) {
    for (const auto& what : host->torn_offers()) note("resume", what);
  }
  std::map<JobId, ledger::jobs::CheckpointKept> newest;
  for (const auto& fact : head_.facts()) {
    if (const auto* kept = std::get_if<ledger::jobs::CheckpointKept>(&fact.event)) {
      auto& known = newest[kept->job];
      if (!known.name.empty() && kept->step <= known.step) {
        note("resume", fmt::format("job {} goes back to {}", kept->job.value, kept->name));
      }
      known = *kept;
    }
    const auto* started = std::get_if<AttemptStarted>(&fact.event);
    if (started == nullptr || started->resume_from == newest[started->job].name) continue;
    note("resume",
         fmt::format("attempt {} of job {} resumes from '{}', not from '{}'", started->attempt,
                     started->job.value, started->resume_from, newest[started->job].name));
  }
}

/// Where nothing else goes wrong, what was whole well before the end is what the next attempt
/// resumes from.
void Checks::check_newest_checkpoints() {
  if (perils_.any()) return;
  for (const auto& [id, job] : head_.state().jobs.jobs) {
    const auto every = job.spec.program.env.find("CHECKPOINT_EVERY_MS");
    if (every == job.spec.program.env.end()) continue;
    const Duration step{std::stoll(every->second)};
    for (std::size_t i = 0; i + 1 < job.attempts.size(); ++i) {
      const auto& rank = job.attempts[i].ranks.front();
      if (rank.started == Time{} || rank.ended == Time{}) continue;
      const Duration ran = rank.ended - rank.started;
      const std::int64_t whole = (ran.ms - kKnownAfter.ms - kWhole.ms) / step.ms;
      if (whole < 1) continue;
      const auto& bid = job.spec.bid;
      const Duration done =
          ledger::jobs::as_asked(bid, step * whole, std::ssize(job.attempts[i].ranks));
      const std::int64_t rounding = bid.widths.empty() ? 0 : 1;
      const std::int64_t from = step_of(job.attempts[i].resume_from) + done.ms / 1'000 - rounding;
      const std::int64_t got = step_of(job.attempts[i + 1].resume_from);
      if (got >= from) continue;
      note("resume", fmt::format("attempt {} of job {} resumes from step {}, but {} was whole",
                                 job.attempts[i + 1].number, id.value, got, from));
    }
  }
}

/// What is stopped hears of it, and has its grace time, unless its machine is cut off.
void Checks::check_grace() {
  if (perils_.loses_hardware() || perils_.disks) return;
  for (const auto& host : hosts_) {
    for (const auto& stop : host->machine().stops()) {
      const auto& job = head_.state().jobs.jobs.at(stop.key.job);
      if (!stop.terminated || !stop.was_told) {
        note("grace", fmt::format("job {} was stopped without a word", job.id.value));
        continue;
      }
      const Duration grace = std::min(job.spec.program.grace, ledger::jobs::kMostGraceInTheWay);
      if (!stop.killed || *stop.killed - *stop.terminated >= grace) continue;
      note("grace", fmt::format("job {} had {} ms of its grace of {} ms", job.id.value,
                                (*stop.killed - *stop.terminated).ms, grace.ms));
    }
  }
}

/// P10: what somebody asked for says who.
void Checks::check_attribution() {
  for (const auto& fact : head_.facts()) {
    if (!fact.command.value.empty() && fact.by.value.empty()) {
      note("P10", fmt::format("{} came about by nobody", ledger::type_of(fact.event)));
    }
    const auto* accepted = std::get_if<ledger::jobs::JobAccepted>(&fact.event);
    if (accepted != nullptr && (fact.by != accepted->user || fact.command != accepted->command)) {
      note("P10", fmt::format("job {} is not its bidder's", accepted->job.value));
    }
  }
}

/// P6: a job starts when those that it waits for have ended as it wants, not before; and none waits
/// for what can no longer come.
void Checks::check_order() {
  const auto& jobs = head_.state().jobs;
  for (const auto& [at, started] : all<AttemptStarted>()) {
    const auto* job = ledger::jobs::find(jobs, started->job);
    if (job == nullptr) continue;
    for (const auto& wish : job->spec.after) {
      const auto* parent = ledger::jobs::find(jobs, wish.job);
      const bool came =
          parent != nullptr && ledger::jobs::meets(wish.when, parent->state) && parent->ended <= at;
      if (!came) {
        note("P6", fmt::format("job {} started before job {} had ended as it wanted",
                               started->job.value, wish.job.value));
      }
    }
  }
  if (!jobs.unreachable.empty() || !jobs.children.empty())
    note("P7", "a job waits for what can no longer come");
}

}  // namespace sim
