#include "ledger/jobs/index.h"

#include <algorithm>

#include "base/check.h"

namespace ledger::jobs {
namespace {

using domain::JobClass;
using domain::Time;

/// The moments at which `next` must look at the job, as far as they follow from its members.
std::vector<Time> due_times(const Job& job) {
  const Attempt* attempt = live_attempt(job);
  if (attempt != nullptr) {
    if (attempt->state == AttemptState::stopping) return {};
    if (!job.booking) return {flex_finish(job, *attempt)};
    return {job.booking->later.empty() ? job.booking->finish : pause_time(job)};
  }
  if (job.booking) {
    const Time start = std::max(job.booking->start, job.retry_at);
    if (job.booking->later.empty()) return {start - kLead, start};
    return {start - kLead, start, pause_time(job)};
  }
  return {job.job_class == JobClass::flex ? queue_deadline(job) : job.deadline};
}

/// When a queued job may first start; 0 if it could at once.
Time first_start(const Job& job) {
  const Time earliest = job.spec.bid.earliest > job.submitted ? job.spec.bid.earliest : Time{};
  return std::max(earliest, job.retry_at);
}

bool is_torn(const Attempt& attempt) {
  const auto ended_badly = [](const Rank& rank) {
    return rank.ended > Time{} && rank.cause != domain::ExitCause::success;
  };
  return attempt.stop == StopKind::none && std::ranges::any_of(attempt.ranks, ended_badly);
}

bool is_over(const Attempt& attempt) {
  return std::ranges::all_of(attempt.ranks, [](const Rank& rank) { return rank.ended > Time{}; });
}

/// Whether `job` waits for an end that can no longer come. Ends that have come are taken out of
/// `waits_for`, so what is left of a job that has ended never will.
bool is_unreachable(const State& state, const Job& job) {
  return std::ranges::any_of(job.waits_for, [&](const domain::Dependency& wish) {
    const Job* parent = find(state, wish.job);
    return parent == nullptr || domain::is_final(parent->state);
  });
}

template <class Change>
void index_by_parents(State& state, const Job& job, const Change& change) {
  for (const auto& wish : job.waits_for) change(state.children[wish.job], job.id);
  if (is_unreachable(state, job)) change(state.unreachable, job.id);
  if (job.booking && job.booking->start < job.booking->earliest) change(state.late, job.id);
}

template <class Change>
void for_each_index(State& state, const Job& job, const Change& change) {
  if (domain::is_final(job.state)) {
    change(state.ended, std::pair{job.ended, job.id});
    return;
  }
  change(state.live, job.id);
  for (const Time time : due_times(job)) change(state.due, std::pair{time, job.id});
  const Attempt* attempt = live_attempt(job);
  if (attempt != nullptr || job.booking) {
    change(state.busy_of_team[job.team], job.id);
    change(state.busy_of_user[job.user], job.id);
  }
  if (attempt != nullptr) {
    if (is_over(*attempt)) {
      change(state.over, job.id);
    } else if (is_torn(*attempt)) {
      change(state.torn, job.id);
    }
    return;
  }
  if (!job.waits_for.empty()) index_by_parents(state, job, change);
  if (job.job_class == JobClass::flex) {
    if (!job.waits_for.empty()) return;
    change(state.queue[job.team],
           QueueEntry{{job.spec.bid.shape, job.spec.bid.duration}, job.place});
    if (first_start(job) > Time{}) change(state.wakes, std::pair{first_start(job), job.id});
  } else if (!job.booking) {
    change(state.unplaced, job.id);
  }
}

template <class Index, class Key>
void erase_if_empty(Index& index, const Key& key) {
  const auto found = index.find(key);
  if (found != index.end() && found->second.empty()) index.erase(found);
}

}  // namespace

const Attempt* live_attempt(const Job& job) {
  if (job.attempts.empty() || job.attempts.back().state == AttemptState::ended) return nullptr;
  return &job.attempts.back();
}

domain::Time flex_finish(const Job& job, const Attempt& attempt) {
  return attempt.started + (job.charged - job.used);
}

domain::Time pause_time(const Job& job) {
  return job.booking->finish -
         std::min({job.spec.program.grace, kMostGraceInTheWay, job.booking->restart});
}

JobInterrupted paused(const Job& job, Time now) {
  return {job.id, "pauses until its next piece", now, job.retries_used, job.job_class, true};
}

domain::Duration flex_step(const Job& job) {
  return std::max(job.spec.bid.duration, domain::kMinute);
}

domain::Time queue_deadline(const Job& job) {
  const auto& bid = job.spec.bid;
  return bid.job_class == JobClass::flex ? bid.deadline : domain::kNever;
}

void index(State& state, const Job& job) {
  for_each_index(state, job, [](auto& set, const auto& entry) { set.insert(entry); });
}

void unindex(State& state, const Job& job) {
  for_each_index(state, job, [](auto& set, const auto& entry) { set.erase(entry); });
  const auto team = state.queue.find(job.team);
  if (team != state.queue.end() && team->second.groups.empty()) state.queue.erase(team);
  erase_if_empty(state.busy_of_team, job.team);
  erase_if_empty(state.busy_of_user, job.user);
  for (const auto& wish : job.waits_for) {
    const auto children = state.children.find(wish.job);
    if (children != state.children.end() && children->second.empty())
      state.children.erase(children);
  }
}

void hold_place(State& state, const Job& job, const Attempt& attempt, std::int32_t rank) {
  const Rank& place = attempt.ranks.at(static_cast<std::size_t>(rank));
  const bool flex = !job.booking;
  const auto& amount = job.spec.bid.shape.per_rank;
  // In order, so that a rebuilt state lists them as the lived one does.
  auto& held = state.held[place.node];
  const auto at =
      std::ranges::upper_bound(held, std::pair(job.id, rank), {},
                               [](const Held& entry) { return std::pair(entry.job, entry.rank); });
  held.insert(at, {job.id, attempt.number, rank, amount, place.gpu_uuids, flex});
  if (flex) state.flex_held[place.node] = state.flex_held[place.node] + amount;
}

void free_place(State& state, const Job& job, const Attempt& attempt, std::int32_t rank) {
  const Rank& place = attempt.ranks.at(static_cast<std::size_t>(rank));
  auto& held = state.held[place.node];
  const auto found = std::ranges::find_if(held, [&](const Held& entry) {
    return entry.job == job.id && entry.attempt == attempt.number && entry.rank == rank;
  });
  CHECK(found != held.end(), "a place is freed once, by the rank that held it");
  if (found->flex) {
    auto& amount = state.flex_held[place.node];
    amount = amount - found->amount;
    if (amount == domain::Resources{}) state.flex_held.erase(place.node);
  }
  held.erase(found);
  if (held.empty()) state.held.erase(place.node);
  ++state.freed;
}

domain::Time next_wake(const State& state, Time now) {
  const auto after = state.due.upper_bound({now, domain::JobId{std::int64_t{1} << 62}});
  const auto first_start = state.wakes.upper_bound({now, domain::JobId{std::int64_t{1} << 62}});
  Time wake = domain::kNever;
  if (after != state.due.end()) wake = after->first;
  if (first_start != state.wakes.end()) wake = std::min(wake, first_start->first);
  // What waits is looked at every minute: time alone may have opened a place.
  const bool waits = !state.unplaced.empty() || !state.queue.empty() || !state.due.empty();
  return waits ? std::min(wake, Time{(now.ms / domain::kMinute.ms + 1) * domain::kMinute.ms})
               : wake;
}

}  // namespace ledger::jobs
