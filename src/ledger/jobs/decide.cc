#include <algorithm>
#include <utility>

#include "ledger/jobs/answer.h"
#include "ledger/jobs/offers.h"
#include "ledger/jobs/queue_move.h"
#include "ledger/jobs/series.h"
#include "ledger/jobs/settle.h"
#include "ledger/jobs/together.h"
#include "ledger/jobs/widths.h"

namespace ledger::jobs {
namespace {

using base::ErrorCode;
using base::Result;
using domain::JobClass;
using domain::JobState;
using domain::Money;
using Events = std::vector<Event>;

struct Context {
  const View& view;
  const domain::CommandId& id;
};

Events refuse(Context context, const MakeBid& wish, Answered answered) {
  return {BidRefused{{context.view.jobs.next_job},
                     context.id,
                     wish.user,
                     wish.team,
                     std::move(answered.spec),
                     std::get<era::Refusal>(std::move(answered.answer)),
                     std::move(answered.choice)}};
}

Events accept(Context context, const MakeBid& wish, Answered answered) {
  const domain::JobId job{context.view.jobs.next_job};
  const bool flex = answered.spec.bid.job_class == JobClass::flex;
  auto& offer = std::get<era::Offer>(answered.answer);
  const Money price = offer.price;
  Events events;
  if (!offer.moves.empty()) {
    const std::string why = fmt::format("makes room for job {}", job.value);
    events.push_back(moved(context.view, std::exchange(offer.moves, {}), why));
  }
  events.push_back(JobAccepted{job, context.id, wish.user, wish.team, std::move(answered.spec),
                               price, flex ? std::nullopt : std::optional(std::move(offer)),
                               std::move(answered.choice)});
  if (price > Money{}) events.push_back(hold(wish.team, job, price, "hold"));
  return events;
}

Result<Events> decide_one(Context context, const MakeBid& wish) {
  if (context.id.value.empty()) return base::invalid("command", "a bid needs an id");
  if (context.view.jobs.by_command.contains(context.id)) return Events{};
  if (auto ok = check(wish.spec, context.view.now); !ok) return base::pass(ok);
  if (wish.spec.repeat) return base::invalid("repeat", "only a whole submission is repeated");
  if (context.view.jobs.live.size() >= kMostLiveJobs) {
    return base::fail(ErrorCode::resource_exhausted,
                      "there are {} live jobs, the most there may be", kMostLiveJobs);
  }
  const Owner owner{wish.user, wish.team};
  auto answered = wish.quoted ? answer_quoted(context.view, owner, wish.spec, *wish.quoted)
                              : answer(context.view, owner, wish.spec);
  if (!answered) return base::pass(answered);
  if (wish.choice) answered->choice = wish.choice;
  const bool accepted = std::holds_alternative<era::Offer>(answered->answer);
  return accepted ? accept(context, wish, *std::move(answered))
                  : refuse(context, wish, *std::move(answered));
}

Result<const Job*> live_job(const View& view, domain::JobId id) {
  const Job* job = find(view.jobs, id);
  if (job == nullptr) return base::fail(ErrorCode::not_found, "there is no job {}", id.value);
  return job;
}

Result<Events> decide_one(Context context, const MakeBids& wish) {
  return decide_together(context.view, context.id, wish);
}

/// Takes back every bid of the series that has not started.
Result<Events> cancel_series(Context context, const Job& job, const std::string& reason) {
  Events events;
  for (const domain::JobId id : bid_together(context.view.jobs, job)) {
    const Job& each = context.view.jobs.jobs.at(id);
    if (domain::is_final(each.state) || each.attempts_made > 0) continue;
    for (auto& event : end_job(context.view, each, JobState::cancelled, reason))
      events.push_back(std::move(event));
  }
  return events;
}

Result<Events> decide_one(Context context, const CancelJob& wish) {
  auto found = live_job(context.view, wish.job);
  if (!found) return base::pass(found);
  const Job& job = **found;
  if (wish.series) return cancel_series(context, job, wish.reason);
  if (job.state == JobState::cancelled) return Events{};
  if (domain::is_final(job.state)) {
    return base::fail(ErrorCode::conflict, "job {} has ended already", wish.job.value);
  }
  const Attempt* attempt = live_attempt(job);
  if (attempt == nullptr) return end_job(context.view, job, JobState::cancelled, wish.reason);
  if (attempt->stop == StopKind::cancel) return Events{};
  return Events{AttemptStopping{job.id, attempt->number, StopKind::cancel, wish.reason}};
}

Result<Events> extend_flex(Context context, const ExtendJob& wish, const Job& job) {
  domain::Bid bid = job.spec.bid;
  bid.duration = wish.added;
  const auto price = era::flex_price(context.view.plan, bid);
  if (!std::holds_alternative<Money>(price)) {
    return base::fail(ErrorCode::conflict, "no pool can run job {} any more", job.id.value);
  }
  const Money amount = std::get<Money>(price);
  if (wish.max_price && amount > *wish.max_price) {
    return base::fail(ErrorCode::conflict, "it would cost {} micro-credits more", amount.micros);
  }
  if (amount > spendable(context.view, job.team)) {
    return base::fail(ErrorCode::resource_exhausted, "the balance of team {} does not reach",
                      job.team.value);
  }
  Events events{JobExtended{job.id, wish.added, {}, amount, "asked for"}};
  if (amount > Money{}) events.push_back(hold(job.team, job.id, amount, "extend"));
  return events;
}

Result<Events> decide_one(Context context, const ExtendJob& wish) {
  auto found = live_job(context.view, wish.job);
  if (!found) return base::pass(found);
  const Job& job = **found;
  if (domain::is_final(job.state))
    return base::fail(ErrorCode::conflict, "job {} has ended already", wish.job.value);
  if (wish.added <= domain::Duration{} || wish.added > domain::kDay * 90) {
    return base::invalid("duration", "must be more than 0 and at most 90 days");
  }
  if (!job.booking && job.job_class != JobClass::flex) {
    return base::fail(ErrorCode::conflict, "job {} looks for another place; ask again later",
                      job.id.value);
  }
  if (!job.booking) return extend_flex(context, wish, job);
  const domain::Time finish = era::end_of(*job.booking) + wish.added;
  const auto answer = more_time(context.view, job, finish);
  if (const auto* refusal = std::get_if<era::Refusal>(&answer)) {
    if (refusal->quota)
      return base::fail(ErrorCode::resource_exhausted, "{}", said(*refusal->quota));
    const std::string who = refusal->blocking.empty()
                                ? std::string("another promise")
                                : fmt::format("job {}", refusal->blocking[0].value);
    return base::fail(ErrorCode::conflict, "{} needs the place of job {} then", who, job.id.value);
  }
  const auto& [price, moves] = std::get<era::Extension>(answer);
  if (wish.max_price && price > *wish.max_price) {
    return base::fail(ErrorCode::conflict, "it would cost {} micro-credits more", price.micros);
  }
  if (price > spendable(context.view, job.team)) {
    return base::fail(ErrorCode::resource_exhausted, "the balance of team {} does not reach",
                      job.team.value);
  }
  const auto added = as_asked(job.spec.bid, wish.added, last_ranks(*job.booking));
  Events events = make_way(context.view, job, moves);
  events.push_back(JobExtended{job.id, added, finish, price, "asked for"});
  if (price > Money{}) events.push_back(hold(job.team, job.id, price, "extend"));
  return events;
}

/// The rank that `seen` speaks of, if it is one of the live attempt and lies on that node.
const Rank* place_of(const View& view, const domain::NodeId& node, const SeenRank& seen) {
  const Job* job = find(view.jobs, seen.job);
  const Attempt* attempt = job == nullptr ? nullptr : live_attempt(*job);
  if (attempt == nullptr || attempt->number != seen.attempt) return nullptr;
  if (seen.rank < 0 || static_cast<std::size_t>(seen.rank) >= attempt->ranks.size()) return nullptr;
  const Rank& rank = attempt->ranks[static_cast<std::size_t>(seen.rank)];
  return rank.node == node ? &rank : nullptr;
}

/// A good end is exit code 0 without a signal, whatever else is said (P7).
domain::ExitCause cause_of(const RankEnded& end) {
  if (end.cause != domain::ExitCause::success) return end.cause;
  if (end.signal != 0) return domain::ExitCause::crashed;
  return end.exit_code == 0 ? domain::ExitCause::success : domain::ExitCause::failed;
}

/// A newer checkpoint of a job that goes on; also one that came through only after its attempt.
std::optional<CheckpointKept> checkpoint_in(const View& view, const domain::NodeId& node,
                                            const SeenRank& seen) {
  const Job* job = find(view.jobs, seen.job);
  if (job == nullptr || domain::is_final(job->state) || seen.checkpoint.empty())
    return std::nullopt;
  if (!job->checkpoint.empty() && seen.checkpoint_step <= job->checkpoint_step) return std::nullopt;
  const auto attempt = std::ranges::find(job->attempts, seen.attempt, &Attempt::number);
  const bool ran_here =
      attempt != job->attempts.end() &&
      std::ranges::find(attempt->ranks, node, &Rank::node) != attempt->ranks.end();
  if (!ran_here) return std::nullopt;
  return CheckpointKept{seen.job, seen.checkpoint, seen.checkpoint_step};
}

/// What of `seen` the state does not know yet.
void observe(const Rank& rank, const SeenRank& seen, Events& events) {
  if (seen.started && rank.started == domain::Time{}) {
    events.push_back(RankStarted{seen.job, seen.attempt, seen.rank});
  }
  if (!seen.ended) return;
  RankEnded end = seen.end;
  end.job = seen.job;
  end.attempt = seen.attempt;
  end.rank = seen.rank;
  end.cause = cause_of(end);
  events.push_back(std::move(end));
}

Result<Events> decide_one(Context context, const ObserveNode& wish) {
  Events events;
  std::set<std::pair<domain::JobId, std::int32_t>> told;  // An agent may say a thing twice.
  std::map<domain::JobId, CheckpointKept> checkpoints;    // Every rank tells its job's newest.
  for (const SeenRank& seen : wish.ranks) {
    if (auto kept = checkpoint_in(context.view, wish.node, seen)) {
      const auto& known = checkpoints.try_emplace(seen.job, *kept).first->second;
      if (known.step < kept->step) checkpoints.insert_or_assign(seen.job, *std::move(kept));
    }
  }
  for (auto& [job, kept] : checkpoints) events.push_back(std::move(kept));
  for (const SeenRank& seen : wish.ranks) {
    const Rank* rank = place_of(context.view, wish.node, seen);
    if (rank == nullptr || rank->ended > domain::Time{}) continue;
    if (told.emplace(seen.job, seen.rank).second) observe(*rank, seen, events);
  }
  return events;
}

Result<Events> decide_one(Context context, const MoveInQueue& wish) {
  return move_in_queue(context.view, wish);
}

Result<Events> decide_one(Context context, const LoseRanks& wish) {
  return lose_ranks(context.view, wish.node, wish.cause);
}

}  // namespace

Result<Events> decide(const View& view, const domain::CommandId& id, const Command& command) {
  return std::visit([&](const auto& wish) { return decide_one(Context{view, id}, wish); }, command);
}

}  // namespace ledger::jobs
