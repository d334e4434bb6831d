#pragma once
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "domain/job.h"
#include "era/quote.h"

namespace ledger::jobs {

/// Where one rank of an attempt runs, and how far it is.
struct Rank {
  domain::NodeId node;
  std::vector<std::string> gpu_uuids;
  domain::Time started;  ///< 0: not yet.
  domain::Time ended;    ///< 0: not yet. Set only when every process of it is verified gone (P4).
  domain::ExitCause cause = domain::ExitCause::success;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(Rank, (), (node, gpu_uuids, started, ended, cause, exit_code, signal, detail))

enum class AttemptState { starting, running, stopping, ended };
BOOST_DESCRIBE_ENUM(AttemptState, starting, running, stopping, ended)

/// Why an attempt is being stopped, which decides what follows when it is gone.
enum class StopKind {
  none,
  cancel,       ///< The job ends cancelled.
  give_way,     ///< Flex: back to the queue.
  overrun,      ///< Reserved: its time is over; goes on as flex.
  expire,       ///< Its time and money are over; the job ends expired.
  peer_failed,  ///< Another rank ended badly; the attempt's cause is that rank's.
  pause,        ///< Preemptible: goes on in its next piece.
};
BOOST_DESCRIBE_ENUM(StopKind, none, cancel, give_way, overrun, expire, peer_failed, pause)

struct Attempt {
  std::int32_t number = 1;
  AttemptState state = AttemptState::starting;
  domain::PoolId pool;
  domain::Time started;
  domain::Time ended;
  std::vector<Rank> ranks;
  std::int32_t master_port = 0;
  std::string resume_from;
  domain::Duration mtbf;
  StopKind stop = StopKind::none;
  std::string stop_reason;
  domain::ExitCause cause = domain::ExitCause::success;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(Attempt, (),
                      (number, state, pool, started, ended, ranks, master_port, resume_from, mtbf,
                       stop, stop_reason, cause, detail))

/// One line of a job's history.
struct Transition {
  domain::Time at;
  domain::JobState state = domain::JobState::queued;
  std::string cause;
};
BOOST_DESCRIBE_STRUCT(Transition, (), (at, state, cause))

/// A queued job's place among those of its team: the higher priority first, then the smaller order.
struct QueuePlace {
  std::int32_t priority = 0;
  std::int64_t order = 0;
  domain::JobId job;
  friend bool operator==(const QueuePlace&, const QueuePlace&) = default;
  friend bool operator<(const QueuePlace& a, const QueuePlace& b);
};
BOOST_DESCRIBE_STRUCT(QueuePlace, (), (priority, order, job))

/// What one of several bids would have got.
struct Option {
  domain::Bid bid;
  std::optional<domain::Money> price;  ///< None: refused.
  domain::Time start;                  ///< 0 where nothing is promised.
  domain::Time finish;
  std::optional<era::RefusalReason> refused;
};
BOOST_DESCRIBE_STRUCT(Option, (), (bid, price, start, finish, refused))

/// Which of several bids was taken, and what all of them would have got.
struct Choice {
  std::int32_t taken = -1;  ///< Into `options`; -1: all were refused.
  std::vector<Option> options;
};
BOOST_DESCRIBE_STRUCT(Choice, (), (taken, options))

struct Job {
  domain::JobId id;
  domain::CommandId command;  ///< That bid it.
  domain::UserId user;
  domain::TeamId team;
  domain::JobSpec spec;
  domain::JobState state = domain::JobState::queued;
  domain::JobClass job_class =
      domain::JobClass::flex;  ///< As it runs now: an overrun goes on as flex.
  std::string cause;           ///< Of the state, for a person.
  domain::Time submitted;
  domain::Time ended;
  domain::Time deadline = domain::kNever;        ///< Promised; kNever for flex.
  domain::Time promised_start = domain::kNever;  ///< Firm bids only.
  domain::Money
      price;  ///< The most it can cost. Never rises but by an extension asked for or allowed.
  domain::Money held;  ///< Of that, still held.
  domain::Money paid;
  domain::Duration charged;  ///< Duration that `price` is for.
  domain::Duration used;     ///< By attempts that are over and count.
  std::optional<era::Booking>
      booking;  ///< None for flex, and while a lost node's jobs look for a place.
  std::optional<era::Refusal> refusal;
  std::vector<Attempt> attempts;  ///< The newest 20.
  QueuePlace place;               ///< Where it stands while it is queued.
  std::int32_t attempts_made = 0;
  std::int32_t retries_used = 0;
  domain::Time retry_at;
  std::string checkpoint;
  std::int64_t checkpoint_step = 0;
  bool promise_broken = false;
  std::vector<Transition> history;  ///< The newest 100.
  /// Of spec.after, what has not come yet.
  std::vector<domain::Dependency> waits_for;
  bool extended = false;  ///< It got more time than it had bid for.
  std::optional<Choice> choice;
};
BOOST_DESCRIBE_STRUCT(Job, (),
                      (id, command, user, team, spec, state, job_class, cause, submitted, ended,
                       deadline, promised_start, price, held, paid, charged, used, booking, refusal,
                       place, attempts, attempts_made, retries_used, retry_at, checkpoint,
                       checkpoint_step, promise_broken, history, waits_for, extended, choice))

/// The attempt that is not over, if any: there is never more than one (P3).
const Attempt* live_attempt(const Job& job);

/// What a live rank holds on its node, until it is verified gone.
struct Held {
  domain::JobId job;
  std::int32_t attempt = 0;
  std::int32_t rank = 0;
  domain::Resources amount;
  std::vector<std::string> gpu_uuids;
  bool flex = false;  ///< Runs outside bookings: counts as in use for the planner, and gives way.
};

/// Flex jobs that ask for the same: if one has no place now, none has.
struct QueueKey {
  domain::Shape shape;
  domain::Duration duration;
  friend bool operator==(const QueueKey&, const QueueKey&) = default;
  friend bool operator<(const QueueKey& a, const QueueKey& b);
};

struct QueueEntry {
  QueueKey key;
  QueuePlace place;
};

/// The queued jobs of one team in groups, and the first of each group. O(log jobs) a change.
struct TeamQueue {
  std::map<QueueKey, std::set<QueuePlace>> groups;
  std::map<QueuePlace, QueueKey> heads;

  void insert(const QueueEntry& entry);
  void erase(const QueueEntry& entry);
};

/// For how long attempts ran, times the nodes of each, and how many of them a machine's failure
/// ended.
struct Reliability {
  domain::Duration node_time;
  std::int64_t failures = 0;
};
BOOST_DESCRIBE_STRUCT(Reliability, (), (node_time, failures))

struct State {
  std::map<domain::JobId, Job> jobs;  ///< All that are live, and the newest 10,000 that ended.
  std::int64_t next_job = 1;
  Reliability reliability;
  // Derived from the jobs:
  std::map<domain::NodeId, std::vector<Held>> held;
  std::map<domain::TeamId, TeamQueue> queue;
  std::set<domain::JobId> live;                          ///< Jobs not in a final state.
  std::set<domain::JobId> unplaced;                      ///< Promised, but without a booking.
  std::set<std::pair<domain::Time, domain::JobId>> due;  ///< When a job next needs something done.
  std::set<std::pair<domain::Time, domain::JobId>> wakes;  ///< When a queued job may first start.
  std::map<domain::CommandId, domain::JobId> by_command;
  std::map<domain::TeamId, std::set<domain::JobId>> by_team;
  /// Jobs that have a booking or run.
  std::map<domain::TeamId, std::set<domain::JobId>> busy_of_team;
  std::map<domain::UserId, std::set<domain::JobId>> busy_of_user;
  std::set<std::pair<domain::Time, domain::JobId>> ended;  ///< Oldest first, for forgetting.
  std::set<domain::JobId> over;  ///< Jobs of whose live attempt every rank has ended.
  std::set<domain::JobId> torn;  ///< Some rank ended badly, others run, nothing is stopped yet.
  std::map<domain::NodeId, domain::Resources> flex_held;
  std::map<domain::JobId, std::set<domain::JobId>> children;  ///< Who waits for a job's end.
  std::set<domain::JobId> unreachable;  ///< Waits for an end that can no longer come.
  std::set<domain::JobId> late;         ///< Booked before the booked end of a parent.
  // Counted up when something happens that `next` must look at; see Memo.
  std::uint64_t freed = 1;      ///< Capacity came free.
  std::uint64_t closed = 1;     ///< A node changed.
  std::uint64_t queued = 1;     ///< The queue of flex jobs grew.
  std::uint64_t reordered = 1;  ///< The window of a parent or a child changed.
};
BOOST_DESCRIBE_STRUCT(State, (), (jobs, next_job, reliability))

}  // namespace ledger::jobs
