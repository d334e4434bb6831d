#include <algorithm>

#include "base/check.h"
#include "ledger/jobs/dependencies.h"
#include "ledger/jobs/index.h"
#include "ledger/jobs/jobs.h"
#include "ledger/jobs/reliability.h"
#include "ledger/jobs/widths.h"

namespace ledger::jobs {
namespace {

using domain::JobState;
using domain::Money;
using domain::Time;

constexpr std::size_t kKeptEndedJobs = 10'000;
constexpr std::size_t kKeptAttempts = 20;
constexpr std::size_t kKeptTransitions = 100;

/// What `apply` changes. The plan is derived from the jobs and follows them.
struct Change {
  State& state;
  era::Plan& plan;
  Time at;
};

/// A job taken out of the indexes while it is changed, and put back by what it has become.
class Edit {
 public:
  Edit(State& state, domain::JobId id) : state_(state), job_(find_job(state, id)) {
    unindex(state_, job_);
  }
  ~Edit() { index(state_, job_); }
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;
  Job& operator*() { return job_; }
  Job* operator->() { return &job_; }

 private:
  static Job& find_job(State& state, domain::JobId id) {
    const auto found = state.jobs.find(id);
    CHECK(found != state.jobs.end(), "a fact speaks of a job that exists");
    return found->second;
  }
  State& state_;
  Job& job_;
};

void enter(Job& job, JobState to, const std::string& cause, Time at) {
  job.state = to;
  job.cause = cause;
  if (job.history.size() >= kKeptTransitions) job.history.erase(job.history.begin());
  job.history.push_back({at, to, cause});
}

/// What stays the same for as long as a job is known.
void enter(State& state, const Job& job) {
  state.by_command.emplace(job.command, job.id);
  state.by_team[job.team].insert(job.id);
}

void leave(State& state, const Job& job) {
  state.by_command.erase(job.command);
  const auto team = state.by_team.find(job.team);
  team->second.erase(job.id);
  if (team->second.empty()) state.by_team.erase(team);
}

void forget_oldest(State& state) {
  while (state.ended.size() > kKeptEndedJobs) {
    const auto oldest = *state.ended.begin();
    state.ended.erase(state.ended.begin());
    const auto found = state.jobs.find(oldest.second);
    leave(state, found->second);
    state.jobs.erase(found);
  }
}

Attempt& current_attempt(Job& job, std::int32_t number) {
  CHECK(!job.attempts.empty() && job.attempts.back().number == number,
        "facts follow the newest attempt");
  return job.attempts.back();
}

Rank& rank_of(Job& job, std::int32_t attempt, std::int32_t rank) {
  auto& ranks = current_attempt(job, attempt).ranks;
  CHECK(rank >= 0 && static_cast<std::size_t>(rank) < ranks.size(), "the rank belongs to the gang");
  return ranks[static_cast<std::size_t>(rank)];
}

template <class Fact>
Job new_job(const Fact& fact, Time at) {
  Job job;
  job.id = fact.job;
  job.command = fact.command;
  job.user = fact.user;
  job.team = fact.team;
  job.spec = fact.spec;
  job.job_class = fact.spec.bid.job_class;
  job.submitted = at;
  job.place = {fact.spec.priority, fact.job.value, fact.job};
  return job;
}

void add(Change change, Job job) {
  change.state.next_job = std::max(change.state.next_job, job.id.value + 1);
  enter(change.state, job);
  const auto [entry, is_new] = change.state.jobs.emplace(job.id, std::move(job));
  CHECK(is_new, "a job is made once");
  index(change.state, entry->second);
}

void apply_one(Change change, const BidRefused& fact) {
  Job job = new_job(fact, change.at);
  job.refusal = fact.refusal;
  job.choice = fact.choice;
  job.ended = change.at;
  enter(job, JobState::refused, "the bid was refused", change.at);
  add(change, std::move(job));
  forget_oldest(change.state);
}

era::Booking booking_of(const Job& job, const era::Offer& offer) {
  era::Booking booking = era::booking_of(job.id, job.spec.bid, offer);
  booking.resumes = job.attempts_made > 0;
  return booking;
}

void apply_one(Change change, const JobAccepted& fact) {
  Job job = new_job(fact, change.at);
  job.price = fact.price;
  job.charged = fact.spec.bid.duration;
  job.choice = fact.choice;
  job.waits_for = open(change.state, fact.spec.after);
  if (fact.offer) {
    job.deadline = fact.spec.bid.deadline;
    job.charged = charged_for(fact.spec.bid, *fact.offer);
    if (fact.spec.bid.firm) job.promised_start = fact.offer->start;
    job.booking = booking_of(job, *fact.offer);
    change.plan.book(*job.booking);
    enter(job, JobState::reserved, "the bid was accepted", change.at);
  } else {
    ++change.state.queued;
    enter(job, JobState::queued,
          job.waits_for.empty() ? "waits for idle capacity"
                                : fmt::format("waits for job {}", job.waits_for[0].job.value),
          change.at);
  }
  add(change, std::move(job));
  keep_in_order(change.state, change.plan, fact.job);
}

void apply_one(Change change, const BookingsMoved& fact) {
  for (const auto& move : fact.moves) change.plan.unbook(move.job);
  for (const auto& move : fact.moves) {
    Edit job(change.state, move.job);
    era::Booking booking = job->booking.value_or(booking_of(*job, {}));
    booking.pool = move.pool;
    booking.start = move.start;
    booking.finish = move.finish;
    booking.nodes = move.nodes;
    booking.later = move.later;
    booking.earliest = std::max(booking.earliest, job->retry_at);
    booking.deadline = job->deadline;
    job->booking = booking;
    // Where it runs it stays, even if the node has closed since.
    if (live_attempt(*job) != nullptr) {
      change.plan.restore(booking);
    } else {
      change.plan.book(booking);
    }
  }
  for (const auto& move : fact.moves) keep_in_order(change.state, change.plan, move.job);
  ++change.state.freed;
}

void apply_one(Change change, const BookingLost& fact) {
  {
    Edit job(change.state, fact.job);
    change.plan.unbook(fact.job);
    job->booking.reset();
  }
  keep_in_order(change.state, change.plan, fact.job);
  ++change.state.freed;
}

void extend(Change change, const JobExtended& fact) {
  Edit job(change.state, fact.job);
  job->price += fact.price;
  job->charged = job->charged + fact.added;
  job->extended = job->extended || fact.added > domain::Duration{};
  if (!job->booking) return;
  change.plan.unbook(fact.job);
  Time& finish =
      job->booking->later.empty() ? job->booking->finish : job->booking->later.back().finish;
  finish = std::max(finish, fact.finish);
  job->deadline = std::max(job->deadline, fact.finish);
  job->booking->deadline = job->deadline;
  change.plan.restore(
      *job->booking);  // Its nodes may have closed since; it runs there all the same.
}

void apply_one(Change change, const JobExtended& fact) {
  extend(change, fact);
  keep_in_order(change.state, change.plan, fact.job);
}

void apply_one(Change change, const AttemptStarted& fact) {
  Edit job(change.state, fact.job);
  if (job->attempts.size() >= kKeptAttempts) job->attempts.erase(job->attempts.begin());
  Attempt attempt;
  attempt.number = fact.attempt;
  attempt.pool = fact.pool;
  attempt.started = change.at;
  attempt.ranks = fact.ranks;
  attempt.master_port = fact.master_port;
  attempt.resume_from = fact.resume_from;
  attempt.mtbf = fact.mtbf;
  job->attempts.push_back(std::move(attempt));
  job->attempts_made = fact.attempt;
  if (job->booking) {
    job->booking->movable = false;
    change.plan.pin(fact.job);
  }
  const Attempt& added = job->attempts.back();
  for (std::int32_t rank = 0; rank < static_cast<std::int32_t>(added.ranks.size()); ++rank) {
    hold_place(change.state, *job, added, rank);
  }
  enter(*job, JobState::starting, fmt::format("attempt {} starts", fact.attempt), change.at);
}

void apply_one(Change change, const RankStarted& fact) {
  Edit job(change.state, fact.job);
  rank_of(*job, fact.attempt, fact.rank).started = change.at;
  Attempt& attempt = current_attempt(*job, fact.attempt);
  const bool all =
      std::ranges::all_of(attempt.ranks, [](const Rank& rank) { return rank.started > Time{}; });
  if (!all || attempt.state != AttemptState::starting) return;
  attempt.state = AttemptState::running;
  enter(*job, JobState::running, fmt::format("attempt {} runs", fact.attempt), change.at);
}

void apply_one(Change change, const RankEnded& fact) {
  Edit job(change.state, fact.job);
  Rank& rank = rank_of(*job, fact.attempt, fact.rank);
  CHECK(rank.ended == Time{}, "a rank ends once");
  rank.ended = change.at;
  rank.cause = fact.cause;
  rank.exit_code = fact.exit_code;
  rank.signal = fact.signal;
  rank.detail = fact.detail;
  free_place(change.state, *job, job->attempts.back(), fact.rank);
}

void apply_one(Change change, const AttemptStopping& fact) {
  Edit job(change.state, fact.job);
  Attempt& attempt = current_attempt(*job, fact.attempt);
  attempt.state = AttemptState::stopping;
  attempt.stop = fact.kind;
  attempt.stop_reason = fact.reason;
}

void apply_one(Change change, const AttemptEnded& fact) {
  Edit job(change.state, fact.job);
  Attempt& attempt = current_attempt(*job, fact.attempt);
  attempt.state = AttemptState::ended;
  attempt.ended = change.at;
  attempt.cause = fact.cause;
  attempt.detail = fact.detail;
  if (fact.cause != domain::ExitCause::node_lost)
    job->used = job->used + used_by(*job, attempt, attempt.ended);
  learn(change.state.reliability, attempt);
}

/// The next piece of `job`'s booking becomes its first.
void go_to_next_piece(Change change, Job& job) {
  change.plan.unbook(job.id);
  era::go_to_next_piece(*job.booking);
  change.plan.restore(*job.booking);
  ++change.state.freed;
}

void interrupt(Change change, const JobInterrupted& fact) {
  Edit job(change.state, fact.job);
  job->retry_at = fact.retry_at;
  job->retries_used = fact.retries_used;
  if (fact.paused) go_to_next_piece(change, *job);
  if (fact.job_class == domain::JobClass::flex && job->booking) {
    change.plan.unbook(fact.job);
    job->booking.reset();
    job->deadline = domain::kNever;
    ++change.state.freed;
  }
  job->job_class = fact.job_class;
  if (job->job_class == domain::JobClass::flex) ++change.state.queued;
  ++change.state.closed;  // Its place may have gone while it ran.
  enter(*job, JobState::interrupted, fact.cause, change.at);
}

void apply_one(Change change, const JobInterrupted& fact) {
  interrupt(change, fact);
  keep_in_order(change.state, change.plan, fact.job);
}

void apply_one(Change change, const CheckpointKept& fact) {
  Edit job(change.state, fact.job);
  job->checkpoint = fact.name;
  job->checkpoint_step = fact.step;
}

void apply_one(Change change, const PromiseBroken& fact) {
  Edit job(change.state, fact.job);
  job->promise_broken = true;
}

void apply_one(Change change, const QueueMoved& fact) {
  for (const QueuePlace& place : fact.places) {
    Edit job(change.state, place.job);
    job->place = place;
  }
  ++change.state.queued;
}

void apply_one(Change change, const JobEnded& fact) {
  {
    Edit job(change.state, fact.job);
    job->ended = change.at;
    job->booking.reset();
    enter(*job, fact.state, fact.cause, change.at);
  }
  change.plan.unbook(fact.job);
  settle_children(change.state, change.plan, fact.job, change.at);
  keep_in_order(change.state, change.plan, fact.job);
  ++change.state.freed;
  forget_oldest(change.state);
}

void apply_one(Change change, const accounts::MoneyMoved& fact) {
  const auto found = change.state.jobs.find(fact.job);
  if (found == change.state.jobs.end()) return;
  Job& job = found->second;
  const auto hold = accounts::hold_account(fact.job);
  if (fact.to == hold) job.held += fact.amount;
  if (fact.from == hold) job.held -= fact.amount;
  if (fact.to == accounts::house_account()) job.paid += fact.amount;
}

void apply_one(Change change, const nodes::NodeStateSet&) { ++change.state.closed; }

}  // namespace

void apply(State& state, era::Plan& plan, const Event& event, Time at) {
  std::visit([&](const auto& fact) { apply_one(Change{state, plan, at}, fact); }, event);
}

void rebuild(State& state, era::Plan& plan) {
  for (auto& [id, job] : state.jobs) {
    enter(state, job);
    index(state, job);
    if (job.booking) plan.restore(*job.booking);
    const Attempt* attempt = live_attempt(job);
    if (attempt == nullptr) continue;
    for (std::int32_t rank = 0; rank < static_cast<std::int32_t>(attempt->ranks.size()); ++rank) {
      if (attempt->ranks[static_cast<std::size_t>(rank)].ended == Time{})
        hold_place(state, job, *attempt, rank);
    }
  }
}

const Job* find(const State& state, domain::JobId id) {
  const auto found = state.jobs.find(id);
  return found == state.jobs.end() ? nullptr : &found->second;
}

std::map<domain::NodeId, domain::Resources> flex_in_use(const State& state) {
  return state.flex_held;
}

}  // namespace ledger::jobs
