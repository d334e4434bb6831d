#include <algorithm>
#include <functional>
#include <utility>

#include "era/width_pieces.h"
#include "ledger/jobs/answer.h"
#include "ledger/jobs/closing.h"
#include "ledger/jobs/dependencies.h"
#include "ledger/jobs/flex.h"
#include "ledger/jobs/index.h"
#include "ledger/jobs/outcome.h"
#include "ledger/jobs/power.h"
#include "ledger/jobs/settle.h"
#include "ledger/jobs/start.h"
#include "ledger/jobs/widths.h"

namespace ledger::jobs {
namespace {

using domain::Duration;
using domain::JobClass;
using domain::JobState;
using domain::Money;
using domain::Time;
using Events = std::vector<Event>;

/// How often what has not started is looked at anew, and how much of it is moved at once.
constexpr Duration kReplanEvery{10 * 60'000};
constexpr std::size_t kMovesAtOnce = 64;

/// Stops the ranks whose peer has ended badly.
Events stop_torn(const View& view) {
  if (view.jobs.torn.empty()) return {};
  const Job& job = view.jobs.jobs.at(*view.jobs.torn.begin());
  return {AttemptStopping{job.id, job.attempts.back().number, StopKind::peer_failed,
                          "another rank ended badly"}};
}

/// Paid time that a job has not had, because its place was taken or lost for a while: it may use it
/// now at no cost, if whoever else was promised the place has another.
Events make_up(const View& view, const Job& job, const Attempt& attempt) {
  const Duration owed = job.charged - job.used - used_by(job, attempt, view.now);
  if (owed < domain::kSecond) return {};
  const Time finish = view.now + on_ranks(job.spec.bid, owed, std::ssize(attempt.ranks));
  const auto answer = more_time(view, job, finish);
  const auto* given = std::get_if<era::Extension>(&answer);
  if (given == nullptr) return {};
  Events events = make_way(view, job, given->moves);
  events.push_back(JobExtended{job.id, {}, finish, {}, "started late"});
  return events;
}

/// More time for a job whose time is over, if whoever was promised its place has another and the
/// team can pay; else it is stopped.
Events overrun(const View& view, const Job& job, const Attempt& attempt) {
  if (auto late = make_up(view, job, attempt); !late.empty()) return late;
  Duration step{std::clamp(job.charged.ms / 4, domain::kMinute.ms, domain::kHour.ms)};
  const std::int64_t ranks = std::ssize(attempt.ranks);
  Time finish = job.booking->finish + on_ranks(job.spec.bid, step, ranks);
  // Others make way for it up to its deadline only, which too long a step would pass.
  if (job.booking->finish < job.booking->deadline && job.booking->deadline < finish) {
    finish = job.booking->deadline;
    step = as_asked(job.spec.bid, finish - job.booking->finish, ranks);
  }
  const auto answer = more_time(view, job, finish);
  if (const auto* refusal = std::get_if<era::Refusal>(&answer); refusal && !refusal->quota) {
    if (auto released = release_children(view, job, finish); !released.empty()) return released;
  }
  if (const auto* given = std::get_if<era::Extension>(&answer)) {
    const Money price = given->price;
    const bool allowed = !job.spec.bid.max_price || job.price + price <= *job.spec.bid.max_price;
    if (allowed && price <= spendable(view, job.team)) {
      Events events = make_way(view, job, given->moves);
      events.push_back(JobExtended{job.id, step, finish, price, "ran over its time"});
      if (price > Money{}) events.push_back(hold(job.team, job.id, price, "extend"));
      return events;
    }
  }
  return {AttemptStopping{job.id, attempt.number, StopKind::overrun, "its time is over"}};
}

/// The job that has waited too long and for which nodes are set aside where `attempt` runs.
const Job* awaits(const View& view, const Job& job, const Attempt& attempt) {
  const auto aside = set_aside(view);
  if (!aside || !aside->leaving.contains(job.id)) return nullptr;
  const bool here = std::ranges::any_of(attempt.ranks, [&](const Rank& rank) {
    return std::ranges::find(aside->nodes, rank.node) != aside->nodes.end();
  });
  return here ? aside->job : nullptr;
}

Events overrun_flex(const View& view, const Job& job, const Attempt& attempt) {
  // What started without paid time has none yet: it would start and leave for ever.
  const Job* waiting = job.charged > job.used ? awaits(view, job, attempt) : nullptr;
  if (waiting != nullptr) {
    return {AttemptStopping{job.id, attempt.number, StopKind::give_way,
                            fmt::format("gives way to job {}", waiting->id.value)}};
  }
  domain::Bid more = job.spec.bid;
  more.duration = flex_step(job);
  const auto answer = era::flex_price(view.plan, more);
  const auto* price = std::get_if<Money>(&answer);
  const bool allowed = price != nullptr && *price <= spendable(view, job.team) &&
                       (!job.spec.bid.max_price || job.price + *price <= *job.spec.bid.max_price);
  if (!allowed) {
    return {AttemptStopping{job.id, attempt.number, StopKind::expire,
                            "its time is over and its money does not reach for more"}};
  }
  Events events{JobExtended{job.id, more.duration, {}, *price, "ran over its time"}};
  if (*price > Money{}) events.push_back(hold(job.team, job.id, *price, "extend"));
  return events;
}

/// A promised job without an attempt: it starts if it is time and its place is free, and before
/// that flex jobs are asked out of its way.
Events start_booked(const View& view, const Job& job) {
  if (!job.waits_for.empty() && job.booking->start <= view.now) return wait_on(view, job);
  const bool is_time = job.booking->start <= view.now && job.retry_at <= view.now;
  QuotaWay way = clear_quota_way(view, job);
  if (!way.events.empty()) return std::move(way.events);
  if (is_time && !way.must_wait) {
    if (auto started = start_attempt(view, job, job.booking->pool, job.booking->nodes))
      return {*std::move(started)};
  }
  return clear_way(view, job);
}

Events break_promise(const View& view, const Job& job) {
  const std::string why = why_broken(view.jobs, job);
  Events events{PromiseBroken{job.id, why}};
  for (auto& event : end_job(view, job, JobState::lost, why)) events.push_back(std::move(event));
  return events;
}

/// A job whose piece is over stops until the next one. Had it no chance to run in that piece, what
/// it was to do there has to be planned anew.
Events pause(const View& view, const Job& job, const Attempt* attempt) {
  if (pause_time(job) > view.now) return {};
  if (attempt == nullptr) {
    const bool ran = !job.attempts.empty() && job.attempts.back().started >= job.booking->start;
    if (ran) return {paused(job, view.now)};
    return {BookingLost{job.id, "its place was not free in time"}};
  }
  return {AttemptStopping{job.id, attempt->number, StopKind::pause, "pauses until its next piece"}};
}

Events act_on_due(const View& view, const Job& job) {
  const Attempt* attempt = live_attempt(job);
  if (job.booking && !job.booking->later.empty()) {
    if (auto events = pause(view, job, attempt); !events.empty()) return events;
    if (attempt != nullptr) return {};
  }
  if (attempt != nullptr) {
    if (job.booking)
      return job.booking->finish <= view.now ? overrun(view, job, *attempt) : Events{};
    return flex_finish(job, *attempt) <= view.now ? overrun_flex(view, job, *attempt) : Events{};
  }
  if (job.booking) return start_booked(view, job);
  if (job.job_class == JobClass::flex && queue_deadline(job) <= view.now) {
    return end_job(view, job, JobState::expired,
                   "its deadline passed before there was idle capacity");
  }
  return {};
}

/// The first job that is due and for which something can be done.
Events due_jobs(const View& view) {
  for (const auto& [time, id] : view.jobs.due) {
    if (time > view.now) break;
    if (auto events = act_on_due(view, view.jobs.jobs.at(id)); !events.empty()) return events;
  }
  return {};
}

/// What has not started goes where it costs least today; what it pays stays as promised.
Events replan(const View& view) {
  auto moves = era::replan(view.plan, view.now, kMovesAtOnce);
  // Each stands on those before it, so that only the last can be left out.
  while (!moves_keep_quotas(view, moves)) moves.resize(moves.size() / 2);
  if (moves.empty()) return {};
  return {moved(view, moves, "a better time at today's prices")};
}

constexpr const char* kNodeTakesNone = "its node takes no work then";

/// Bookings that have not started and lie on nodes that are gone, or closed then, get another
/// place, or none for now.
Events mend_displaced(const View& view) {
  std::vector<domain::JobId> displaced;
  bool preemptible = false;  // Some that runs may go on elsewhere.
  Events events;
  for (const auto id : view.plan.displaced()) {
    const Job& job = view.jobs.jobs.at(id);
    if (live_attempt(job) != nullptr) {
      preemptible = preemptible || job.spec.bid.preemptible;
    } else if (job.attempts_made > 0) {
      events.push_back(BookingLost{id, kNodeTakesNone});  // What it still needs is worked out anew.
    } else {
      displaced.push_back(id);
    }
  }
  if (!events.empty()) return events;
  if (displaced.empty()) return preemptible ? replan(view) : events;
  const era::Mended mended = era::mend(view.plan, displaced, view.now);
  for (const auto id : mended.broken) events.push_back(BookingLost{id, kNodeTakesNone});
  if (!mended.moves.empty()) events.push_back(moved(view, mended.moves, kNodeTakesNone));
  return events;
}

/// How much of its duration a job without a place still needs: what its checkpoint saved is done.
Duration still_needed(const Job& job) {
  const Duration whole = job.charged;
  if (job.checkpoint.empty()) return whole;
  const Duration done = std::min(job.used, whole);
  return std::max(whole - done, domain::kMinute);
}

/// A promised job that lost its place: another one inside its promise, or the promise is broken
/// when its deadline can no longer be met.
Events place_again(const View& view, const Job& job) {
  domain::Bid bid = job.spec.bid;
  bid.job_class = JobClass::reserved;
  bid.duration = still_needed(job);
  const Duration needed = era::shortest(bid);
  bid.earliest = std::max({bid.earliest, view.now, job.retry_at, not_before(view, job, needed)});
  bid.deadline = job.deadline;
  bid.max_price.reset();
  bid.firm = bid.firm && job.attempts_made == 0;
  if (bid.firm) {
    if (job.promised_start < view.now) return break_promise(view, job);
    bid.earliest = job.promised_start;
    bid.deadline = job.promised_start + bid.duration;
  }
  if (bid.earliest + needed > bid.deadline) return break_promise(view, job);
  era::Answer answer = reserve(view, {job.user, job.team}, bid);
  // A promise is worth more than a quota.
  if (std::holds_alternative<era::Refusal>(answer)) answer = era::quote(view.plan, bid, view.now);
  const auto* offer = std::get_if<era::Offer>(&answer);
  if (offer == nullptr) return {};
  auto fact = moved(view, offer->moves,
                    job.waits_for.empty() ? "its place was lost" : "what it waits for ends later");
  fact.moves.push_back(
      {job.id, offer->start, offer->finish, offer->pool, offer->nodes, offer->later});
  return {std::move(fact)};
}

Events place_unplaced(const View& view) {
  for (const auto id : view.jobs.unplaced) {
    if (auto events = place_again(view, view.jobs.jobs.at(id)); !events.empty()) return events;
  }
  return {};
}

Events start_early(const View& view) {
  const auto allowed = [&](domain::JobId id) {
    const Job& job = view.jobs.jobs.at(id);
    return job.retry_at <= view.now && job.waits_for.empty() && may_start_early(view, job);
  };
  const auto moves = era::early_starts(view.plan, view.jobs.flex_held, view.now, 1, allowed);
  if (moves.empty()) return {};
  // Free by promise is not yet free: what ran there may still be dying.
  const era::Move& move = moves.front();
  const Job& job = view.jobs.jobs.at(move.job);
  if (!start_attempt(view, job, job.booking->pool, move.nodes)) return {};
  return {moved(view, moves, "its place is free already")};
}

/// Whether time alone may have made something possible: a minute has begun, or a job may start now.
bool is_time_to_look(const View& view, const Memo& memo) {
  const auto minute = [](Time t) { return t.ms / domain::kMinute.ms; };
  if (minute(view.now) != minute(memo.looked)) return true;
  const auto wake =
      view.jobs.wakes.upper_bound({memo.looked, domain::JobId{std::int64_t{1} << 62}});
  return wake != view.jobs.wakes.end() && wake->first <= view.now;
}

}  // namespace

std::vector<Event> next(const View& view, Memo& memo) {
  const State& jobs = view.jobs;
  if (!jobs.over.empty()) return conclude(view, jobs.jobs.at(*jobs.over.begin()));
  if (!jobs.unreachable.empty())
    return end_unreachable(view, jobs.jobs.at(*jobs.unreachable.begin()));
  if (auto events = stop_torn(view); !events.empty()) return events;
  if (auto events = due_jobs(view); !events.empty()) return events;

  const bool time_tells = is_time_to_look(view, memo);
  const std::uint64_t room = jobs.freed + jobs.closed;
  // Runs `step` unless nothing has changed since it last found nothing to do.
  const auto run = [&](std::uint64_t& seen, std::uint64_t version, auto step) {
    if (seen == version && !time_tells) return Events{};
    auto events = step(view);
    if (events.empty()) seen = version;
    return events;
  };
  if (auto events = run(memo.booked_off, room, switch_on_booked); !events.empty()) return events;
  if (auto events = run(memo.displaced, jobs.closed, mend_displaced); !events.empty())
    return events;
  if (auto events = run(memo.closing, jobs.closed, leave_closing); !events.empty()) return events;
  if (auto events = run(memo.unplaced, room, place_unplaced); !events.empty()) return events;
  if (auto events = run(memo.waited, room, start_waited); !events.empty()) return events;
  if (auto events = run(memo.late, room + jobs.reordered, mend_late); !events.empty())
    return events;
  if (auto events = run(memo.early, room, start_early); !events.empty()) return events;
  const std::int64_t period = view.now.ms / kReplanEvery.ms;
  if (std::exchange(memo.replanned, period) != period) {
    if (auto events = replan(view); !events.empty()) return events;
  }
  if (auto events = run(memo.flex, room + jobs.queued, start_flex); !events.empty()) return events;
  if (auto events = run(memo.power, room + jobs.queued, switch_by_need); !events.empty())
    return events;
  memo.looked = view.now;
  return {};
}

std::vector<Event> lose_ranks(const View& view, const domain::NodeId& node,
                              const std::string& cause) {
  std::vector<Event> events;
  const auto held = view.jobs.held.find(node);
  if (held == view.jobs.held.end()) return events;
  for (const Held& place : held->second) {
    events.push_back(
        RankEnded{place.job, place.attempt, place.rank, domain::ExitCause::node_lost, 0, 0, cause});
  }
  return events;
}

}  // namespace ledger::jobs
