#include "report/jobs.h"

#include <algorithm>

namespace report {
namespace {

using domain::JobClass;
using domain::JobState;
using domain::Time;
using ledger::jobs::StopKind;

/// Called off on purpose while it started: that says nothing of how well jobs start.
bool is_called_off(StopKind stop) {
  return stop != StopKind::none && stop != StopKind::peer_failed;
}

void count_end(Ends& ends, JobState state) {
  ++ends.ended;
  if (state == JobState::succeeded) ++ends.succeeded;
  if (state == JobState::failed) ++ends.failed;
  if (state == JobState::cancelled) ++ends.cancelled;
  if (state == JobState::expired) ++ends.expired;
  if (state == JobState::lost) ++ends.lost;
}

era::Pieces pieces_of(const era::Piece& first, const era::Pieces& later) {
  era::Pieces all{first};
  all.insert(all.end(), later.begin(), later.end());
  return all;
}

}  // namespace

Jobs::Live* Jobs::find(domain::JobId job) {
  const auto found = live_.find(job);
  return found == live_.end() ? nullptr : &found->second;
}

void Jobs::settle_booking(Live& job, Time until) {
  for (const era::Piece& piece : job.booked) {
    const Time from = std::max(piece.start, job.booked_since);
    const auto ranks = std::ssize(piece.nodes);
    promised_.add(job.per_rank * ranks, period_.overlap(from, std::min(piece.finish, until)));
  }
  job.booked_since = std::max(job.booked_since, until);
}

void Jobs::take(const ledger::jobs::BidRefused& fact, Time at) {
  if (!period_.has(at)) return;
  count(fact.spec.bid.job_class, [](Line& line) { ++line.refused; });
}

void Jobs::take(const ledger::jobs::JobAccepted& fact, Time at) {
  const domain::Bid& bid = fact.spec.bid;
  Live job;
  job.id = fact.job;
  job.job_class = bid.job_class;
  job.per_rank = bid.shape.per_rank;
  job.ready = std::max(at, bid.earliest);
  job.booked_since = at;
  if (fact.offer) {
    job.is_promised = true;
    job.deadline = bid.deadline;
    job.booked =
        pieces_of({fact.offer->start, fact.offer->finish, fact.offer->nodes}, fact.offer->later);
  }
  for (const domain::Dependency& parent : fact.spec.after) {
    if (live_.contains(parent.job)) children_.emplace(parent.job, fact.job);
  }
  live_[fact.job] = std::move(job);
  if (period_.has(at)) count(bid.job_class, [](Line& line) { ++line.accepted; });
}

void Jobs::take(const ledger::jobs::BookingsMoved& fact, Time at) {
  for (const auto& move : fact.moves) {
    Live* job = find(move.job);
    if (job == nullptr) continue;
    settle_booking(*job, at);
    job->booked = pieces_of({move.start, move.finish, move.nodes}, move.later);
  }
}

void Jobs::take(const ledger::jobs::BookingLost& fact, Time at) {
  Live* job = find(fact.job);
  if (job == nullptr) return;
  settle_booking(*job, at);
  job->booked.clear();
}

void Jobs::take(const ledger::jobs::JobExtended& fact, Time at) {
  Live* job = find(fact.job);
  if (job == nullptr || job->booked.empty()) return;
  settle_booking(*job, at);
  job->booked.back().finish = std::max(job->booked.back().finish, fact.finish);
  job->deadline = std::max(job->deadline, fact.finish);
}

void Jobs::take(const ledger::jobs::AttemptStarted& fact, Time at) {
  Live* job = find(fact.job);
  if (job == nullptr) return;
  if (job->first_attempt == Time{}) job->first_attempt = at;
  job->attempt_started = at;
  job->started.clear();
  job->stop = StopKind::none;
  job->ranks.clear();
  for (const auto& rank : fact.ranks) {
    job->ranks.push_back({rank.node});
    machines_.hold(rank.node, job->per_rank, at);
  }
}

void Jobs::take(const ledger::jobs::RankStarted& fact, Time at) {
  Live* job = find(fact.job);
  if (job == nullptr) return;
  job->started.insert(fact.rank);
  if (!job->has_run && job->started.size() == job->ranks.size()) ran(*job, at);
}

/// Every rank has started, for the first time.
void Jobs::ran(Live& job, Time at) {
  tried(job, true, at);
  job.has_run = true;
  if (!period_.has(at)) return;
  count(job.job_class, [&](Line& line) {
    line.waiting.add(job.first_attempt - job.ready);
    line.starting.add(at - job.first_attempt);
    line.total.add(at - std::min(job.ready, job.first_attempt));
  });
}

/// It is known how an attempt to start went; of two, no more are looked at.
void Jobs::tried(Live& job, bool started, Time at) {
  const int before = job.failed_tries;
  if (!started) ++job.failed_tries;
  if (before > 1 || !period_.has(at)) return;
  count(job.job_class, [&](Line& line) {
    Tries& tries = before == 0 ? line.first_try : line.second_try;
    ++tries.made;
    if (started) ++tries.started;
  });
}

/// `rank` has held its place from the start of the attempt.
void Jobs::use(Live& job, Time until, std::size_t rank) {
  job.ranks[rank].is_held = false;
  Area held;
  held.add(job.per_rank, period_.overlap(job.attempt_started, until));
  job.used = job.used + held;
  count(job.job_class, [&](Line& line) { line.used = line.used + held; });
}

void Jobs::take(const ledger::jobs::RankEnded& fact, Time at) {
  Live* job = find(fact.job);
  const auto rank = static_cast<std::size_t>(fact.rank);
  if (job == nullptr || rank >= job->ranks.size() || !job->ranks[rank].is_held) return;
  use(*job, at, rank);
  machines_.release(job->ranks[rank].node, job->per_rank, at);
}

void Jobs::take(const ledger::jobs::AttemptStopping& fact, Time) {
  if (Live* job = find(fact.job)) job->stop = fact.kind;
}

void Jobs::take(const ledger::jobs::AttemptEnded& fact, Time at) {
  Live* job = find(fact.job);
  if (job == nullptr) return;
  job->cause = fact.cause;
  if (!job->has_run && !is_called_off(job->stop)) tried(*job, false, at);
}

void Jobs::take(const ledger::jobs::JobInterrupted& fact, Time at) {
  Live* job = find(fact.job);
  if (job == nullptr || job->booked.empty()) return;
  settle_booking(*job, at);
  if (fact.paused) job->booked.erase(job->booked.begin());
  if (fact.job_class != JobClass::flex) return;
  job->booked.clear();
}

void Jobs::take(const ledger::jobs::PromiseBroken& fact, Time) {
  if (Live* job = find(fact.job)) job->is_broken = true;
}

void Jobs::count_promise(const Live& job, JobState state, Time at) {
  count(job.job_class, [&](Line& line) {
    if (job.is_broken || state == JobState::lost) {
      ++line.promises.broken;
    } else if (state != JobState::succeeded) {
      ++line.promises.unused;
    } else if (at <= job.deadline) {
      ++line.promises.on_time;
    } else {
      ++line.promises.late;
    }
  });
}

/// Until its parents had ended a job could not start.
void Jobs::release_children(domain::JobId parent, Time at) {
  const auto [first, last] = children_.equal_range(parent);
  for (auto each = first; each != last; ++each) {
    if (Live* child = find(each->second)) child->ready = std::max(child->ready, at);
  }
  children_.erase(first, last);
}

void Jobs::take(const ledger::jobs::JobEnded& fact, Time at) {
  Live* job = find(fact.job);
  if (job == nullptr) return;
  settle_booking(*job, at);
  if (period_.has(at)) {
    count(job->job_class, [&](Line& line) {
      count_end(line.ends, fact.state);
      if (fact.state == JobState::succeeded) line.succeeded = line.succeeded + job->used;
    });
    if (job->is_promised) count_promise(*job, fact.state, at);
    if (fact.state != JobState::succeeded) {
      ++causes_[{fact.state, job->cause}];
    }
  }
  release_children(fact.job, at);
  live_.erase(fact.job);
}

void Jobs::close() {
  for (auto& [id, job] : live_) {
    settle_booking(job, period_.to);
    for (std::size_t rank = 0; rank < job.ranks.size(); ++rank) {
      if (job.ranks[rank].is_held) use(job, period_.to, rank);
    }
  }
}

std::vector<ClassReport> Jobs::classes() const {
  constexpr std::array kNames{"all", "reserved", "eager", "flex"};
  std::vector<ClassReport> all;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const Line& line = lines_[i];
    all.push_back({kNames[i], line.accepted, line.refused, line.waiting.spread(),
                   line.starting.spread(), line.total.spread(), line.first_try, line.second_try,
                   line.ends, line.promises, line.used.hours(), line.succeeded.hours().gpu_hours});
  }
  return all;
}

std::vector<Cause> Jobs::causes() const {
  std::vector<Cause> all;
  for (const auto& [key, jobs] : causes_) all.push_back({key.first, key.second, jobs});
  return all;
}

}  // namespace report
