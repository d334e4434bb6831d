#include "ledger/jobs/outcome.h"

#include <algorithm>
#include <array>
#include <set>

#include "ledger/jobs/index.h"
#include "ledger/jobs/settle.h"

namespace ledger::jobs {
namespace {

using domain::ExitCause;
using domain::JobClass;
using domain::JobState;
using Events = std::vector<Event>;

enum class Remedy {
  retry,       ///< Something passing: again, after a pause, as often as the job allows.
  retry_free,  ///< Not the job's doing: again, not counted.
  retry_once,  ///< Most likely the program's own fault: again once, and once more after each
               ///< checkpoint that is newer.
  retry_away,  ///< The node is bad: it is quarantined, and again elsewhere. Where a job meets the
               ///< same a second time, it is the job that is bad.
  give_up,     ///< It would end the same way again.
};

struct Rule {
  ExitCause cause;
  Remedy remedy;
};
/// Gravest first: what an attempt with several bad ends is said to have ended of.
constexpr std::array kRules{
    Rule{ExitCause::node_lost, Remedy::retry_free}, Rule{ExitCause::gpu_fault, Remedy::retry_away},
    Rule{ExitCause::shim_lost, Remedy::retry},      Rule{ExitCause::out_of_memory, Remedy::give_up},
    Rule{ExitCause::disk_full, Remedy::retry},      Rule{ExitCause::port_in_use, Remedy::retry},
    Rule{ExitCause::cannot_start, Remedy::give_up}, Rule{ExitCause::crashed, Remedy::retry},
    Rule{ExitCause::failed, Remedy::give_up},       Rule{ExitCause::stopped, Remedy::retry_free},
    Rule{ExitCause::success, Remedy::give_up},
};

/// Signals that a program brings on itself, by their numbers on Linux: SIGILL, SIGTRAP, SIGBUS,
/// SIGFPE, SIGSEGV, SIGSYS. SIGABRT is none of them: libraries raise it for what may pass, such as
/// a peer that does not answer.
constexpr std::array kFaults{4, 5, 7, 8, 11, 31};

bool is_fault(const Rank& rank) {
  return rank.cause == ExitCause::crashed &&
         std::ranges::find(kFaults, rank.signal) != kFaults.end();
}

struct Verdict {
  Rule rule = kRules.back();
  std::string detail;
  domain::NodeId node;
};

Verdict judge(const Attempt& attempt) {
  for (const Rule& rule : kRules) {
    const auto rank = std::ranges::find(attempt.ranks, rule.cause, &Rank::cause);
    if (rank == attempt.ranks.end()) continue;
    std::string detail = rank->detail;
    if (attempt.ranks.size() > 1 && rule.cause != ExitCause::success) {
      detail =
          fmt::format("rank {} on {}: {}", rank - attempt.ranks.begin(), rank->node.value, detail);
    }
    Verdict verdict{rule, std::move(detail), rank->node};
    if (is_fault(*rank)) verdict.rule.remedy = Remedy::retry_once;
    return verdict;
  }
  return {};
}

domain::Duration backoff(std::int32_t retries) {
  return {std::min<std::int64_t>(60'000, std::int64_t{1'000} << std::min(retries, 10))};
}

void end(const View& view, const Job& job, JobState state, const std::string& cause,
         Events& events) {
  for (auto& event : end_job(view, job, state, cause)) events.push_back(std::move(event));
}

/// Goes on as flex, for as long again, if the team can pay for it.
void go_on_as_flex(const View& view, const Job& job, Events& events) {
  domain::Bid more = job.spec.bid;
  more.duration = flex_step(job);
  const auto answer = era::flex_price(view.plan, more);
  const auto* price = std::get_if<domain::Money>(&answer);
  const auto& most = job.spec.bid.max_price;
  const bool allowed = price != nullptr && *price <= spendable(view, job.team) &&
                       (!most || job.price + *price <= *most);
  if (!allowed) {
    end(view, job, JobState::expired, "its time is over and its money does not reach for more",
        events);
    return;
  }
  events.push_back(
      JobExtended{job.id, more.duration, job.booking->finish, *price, "goes on as flex"});
  if (*price > domain::Money{}) events.push_back(hold(job.team, job.id, *price, "extend"));
  events.push_back(JobInterrupted{job.id, "its time is over; goes on as flex", view.now,
                                  job.retries_used, JobClass::flex});
}

/// A fault that was met before, and nothing was reached since.
bool is_same_fault(const Job& job, const Verdict& verdict) {
  if (verdict.rule.remedy != Remedy::retry_once) return false;
  const bool has_advanced = job.checkpoint != job.attempts.back().resume_from;
  return !has_advanced && std::ranges::any_of(job.attempts, [](const Attempt& attempt) {
    return attempt.state == AttemptState::ended && std::ranges::any_of(attempt.ranks, is_fault);
  });
}

/// Whether an earlier attempt failed with its GPU: then it is the job that is bad.
bool has_met_bad_gpu(const Job& job) {
  return std::ranges::any_of(job.attempts, [](const Attempt& attempt) {
    return attempt.state == AttemptState::ended && attempt.cause == ExitCause::gpu_fault;
  });
}

/// Nodes on which a GPU failed take no more work, however else the attempt ended.
void quarantine(const View& view, const Job& job, Events& events) {
  if (has_met_bad_gpu(job)) return;
  std::set<domain::NodeId> bad;
  for (const Rank& rank : job.attempts.back().ranks) {
    const bool fails = rank.cause == ExitCause::gpu_fault && view.nodes.nodes.contains(rank.node);
    if (!fails || !bad.insert(rank.node).second) continue;
    events.push_back(nodes::NodeStateSet{rank.node, domain::NodeState::quarantined, rank.detail,
                                         domain::NodeState::quarantined});
  }
}

void retry(const View& view, const Job& job, const Verdict& verdict, Events& events) {
  if (is_same_fault(job, verdict)) {
    end(view, job, JobState::failed,
        fmt::format("{}, again and with no newer checkpoint", verdict.detail), events);
    return;
  }
  const bool free_of_charge = verdict.rule.remedy == Remedy::retry_free;
  if (verdict.rule.remedy == Remedy::retry_away && has_met_bad_gpu(job)) {
    end(view, job, JobState::failed, fmt::format("{}, as before on another node", verdict.detail),
        events);
    return;
  }
  if (!free_of_charge && job.retries_used >= job.spec.program.max_retries) {
    end(view, job, JobState::failed,
        fmt::format("{}; no retries left of {}", verdict.detail, job.retries_used), events);
    return;
  }
  const auto pause = free_of_charge ? domain::Duration{} : backoff(job.retries_used);
  events.push_back(JobInterrupted{job.id, verdict.detail, view.now + pause,
                                  job.retries_used + (free_of_charge ? 0 : 1), job.job_class});
  // What a lost node took from its time is given back, as far as its promise allows.
  if (free_of_charge && job.booking) events.push_back(BookingLost{job.id, verdict.detail});
}

}  // namespace

std::vector<Event> conclude(const View& view, const Job& job) {
  const Attempt& attempt = job.attempts.back();
  const Verdict verdict = judge(attempt);
  const bool succeeded = verdict.rule.cause == ExitCause::success;
  Events events{AttemptEnded{job.id, attempt.number, verdict.rule.cause, verdict.detail}};
  quarantine(view, job, events);
  if (succeeded) {
    end(view, job, JobState::succeeded, "every rank exited with 0", events);
  } else if (attempt.stop == StopKind::cancel) {
    end(view, job, JobState::cancelled, attempt.stop_reason, events);
  } else if (attempt.stop == StopKind::expire) {
    end(view, job, JobState::expired, attempt.stop_reason, events);
  } else if (attempt.stop == StopKind::overrun) {
    go_on_as_flex(view, job, events);
  } else if (attempt.stop == StopKind::pause && !job.booking->later.empty()) {
    events.push_back(paused(job, view.now));
  } else if (attempt.stop == StopKind::give_way || attempt.stop == StopKind::pause) {
    events.push_back(
        JobInterrupted{job.id, attempt.stop_reason, view.now, job.retries_used, job.job_class});
  } else if (verdict.rule.remedy == Remedy::give_up) {
    end(view, job, JobState::failed, verdict.detail, events);
  } else {
    retry(view, job, verdict, events);
  }
  return events;
}

bool is_passing_failure(ExitCause cause) {
  const auto* const rule = std::ranges::find(kRules, cause, &Rule::cause);
  return rule->remedy != Remedy::give_up && cause != ExitCause::stopped;
}

bool is_machine_failure(ExitCause cause) {
  return cause == ExitCause::node_lost || cause == ExitCause::shim_lost ||
         cause == ExitCause::gpu_fault;
}

}  // namespace ledger::jobs
