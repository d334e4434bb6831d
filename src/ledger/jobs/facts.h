#pragma once
#include <boost/describe/class.hpp>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ledger/accounts/accounts.h"
#include "ledger/jobs/job.h"
#include "ledger/limits/limits.h"
#include "ledger/nodes/nodes.h"

namespace ledger::jobs {

// ---- Facts. What has happened; never renamed, never reinterpreted, only added to. ----

/// A no is a fact too: the forecast learns from it and the page explains with it.
struct BidRefused {
  domain::JobId job;
  domain::CommandId command;
  domain::UserId user;
  domain::TeamId team;
  domain::JobSpec spec;
  era::Refusal refusal;
  std::optional<Choice> choice{};  ///< If it had alternatives.
};
BOOST_DESCRIBE_STRUCT(BidRefused, (), (job, command, user, team, spec, refusal, choice))

struct JobAccepted {
  domain::JobId job;
  domain::CommandId command;
  domain::UserId user;
  domain::TeamId team;
  domain::JobSpec spec;
  domain::Money price;
  std::optional<era::Offer> offer;  ///< None: flex.
  std::optional<Choice> choice{};   ///< If it had alternatives.
};
BOOST_DESCRIBE_STRUCT(JobAccepted, (), (job, command, user, team, spec, price, offer, choice))

/// One booking has other nodes or another time, inside its promise.
struct MovedBooking {
  domain::JobId job;
  domain::Time start;
  domain::Time finish;
  domain::PoolId pool;
  std::vector<domain::NodeId> nodes;
  era::Pieces later;
};
BOOST_DESCRIBE_STRUCT(MovedBooking, (), (job, start, finish, pool, nodes, later))

/// Bookings that moved together: none of them need fit before the others have made room.
struct BookingsMoved {
  std::vector<MovedBooking> moves;
  std::string why;
};
BOOST_DESCRIBE_STRUCT(BookingsMoved, (), (moves, why))

/// A node that a booking needs is gone and there is no other place yet.
struct BookingLost {
  domain::JobId job;
  std::string why;
};
BOOST_DESCRIBE_STRUCT(BookingLost, (), (job, why))

/// More time for a job: `finish` of its booking (reserved) or of what its hold pays for (flex).
struct JobExtended {
  domain::JobId job;
  domain::Duration added;
  domain::Time finish;
  domain::Money price;  ///< On top.
  std::string why;
};
BOOST_DESCRIBE_STRUCT(JobExtended, (), (job, added, finish, price, why))

struct AttemptStarted {
  domain::JobId job;
  std::int32_t attempt = 1;
  domain::PoolId pool;
  std::vector<Rank> ranks;  ///< Only their places.
  std::int32_t master_port = 0;
  std::string resume_from;
  domain::Duration mtbf;  ///< What it has to expect; see mean_time_between_failures.
};
BOOST_DESCRIBE_STRUCT(AttemptStarted, (),
                      (job, attempt, pool, ranks, master_port, resume_from, mtbf))

struct RankStarted {
  domain::JobId job;
  std::int32_t attempt = 1;
  std::int32_t rank = 0;
};
BOOST_DESCRIBE_STRUCT(RankStarted, (), (job, attempt, rank))

/// Every process of the rank is gone, verified by its agent or by the end of its lease.
struct RankEnded {
  domain::JobId job;
  std::int32_t attempt = 1;
  std::int32_t rank = 0;
  domain::ExitCause cause = domain::ExitCause::success;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(RankEnded, (), (job, attempt, rank, cause, exit_code, signal, detail))

struct AttemptStopping {
  domain::JobId job;
  std::int32_t attempt = 1;
  StopKind kind = StopKind::none;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(AttemptStopping, (), (job, attempt, kind, reason))

struct AttemptEnded {
  domain::JobId job;
  std::int32_t attempt = 1;
  domain::ExitCause cause = domain::ExitCause::success;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(AttemptEnded, (), (job, attempt, cause, detail))

/// The job goes on with another attempt from `retry_at` on.
struct JobInterrupted {
  domain::JobId job;
  std::string cause;
  domain::Time retry_at;
  std::int32_t retries_used = 0;
  domain::JobClass job_class = domain::JobClass::flex;
  bool paused = false;  ///< A piece of its booking is over: the next one becomes its first.
};
BOOST_DESCRIBE_STRUCT(JobInterrupted, (), (job, cause, retry_at, retries_used, job_class, paused))

struct CheckpointKept {
  domain::JobId job;
  std::string name;
  std::int64_t step = 0;
};
BOOST_DESCRIBE_STRUCT(CheckpointKept, (), (job, name, step))

struct PromiseBroken {
  domain::JobId job;
  std::string why;
};
BOOST_DESCRIBE_STRUCT(PromiseBroken, (), (job, why))

/// Where queued jobs of one team stand from now on.
struct QueueMoved {
  domain::JobId job;  ///< That was to be moved; others made room.
  std::vector<QueuePlace> places;
};
BOOST_DESCRIBE_STRUCT(QueueMoved, (), (job, places))

struct JobEnded {
  domain::JobId job;
  domain::JobState state = domain::JobState::succeeded;
  std::string cause;
};
BOOST_DESCRIBE_STRUCT(JobEnded, (), (job, state, cause))

using Event = std::variant<BidRefused, JobAccepted, BookingsMoved, BookingLost, JobExtended,
                           AttemptStarted, RankStarted, RankEnded, AttemptStopping, AttemptEnded,
                           JobInterrupted, CheckpointKept, PromiseBroken, QueueMoved, JobEnded,
                           accounts::MoneyMoved, nodes::NodeStateSet>;

// ---- Wishes. ----

struct MakeBid {
  domain::UserId user;
  domain::TeamId team;
  domain::JobSpec spec;
  std::optional<era::Offer> quoted{};  ///< Exactly this, or `gone`.
  std::optional<Choice> choice{};      ///< Of the quote, if the spec had alternatives.
};
/// Bids of which all are accepted or none. A name in `after` means those before it first.
struct MakeBids {
  domain::UserId user;
  domain::TeamId team;
  std::vector<domain::JobSpec> specs;
};
struct CancelJob {
  domain::JobId job;
  std::string reason;
  bool series = false;  ///< All that were bid together with it and have not started.
};
struct ExtendJob {
  domain::JobId job;
  domain::Duration added;
  std::optional<domain::Money> max_price;
};
enum class QueueSpot { top, bottom, before, after };
BOOST_DESCRIBE_ENUM(QueueSpot, top, bottom, before, after)
/// Changes the order of queued jobs of one team.
struct MoveInQueue {
  domain::JobId job;
  QueueSpot spot = QueueSpot::top;
  domain::JobId other;               ///< For before and after.
  std::optional<domain::UserId> of;  ///< Only among the jobs of this user; none: all of the team.
};
/// One rank as its agent sees it.
struct SeenRank {
  domain::JobId job;
  std::int32_t attempt = 1;
  std::int32_t rank = 0;
  bool started = false;
  bool ended = false;
  RankEnded end;  ///< Meaningful if ended.
  std::string checkpoint;
  std::int64_t checkpoint_step = 0;
};
/// What an agent reports; only what is new becomes facts.
struct ObserveNode {
  domain::NodeId node;
  std::vector<SeenRank> ranks;
};

/// The lease of the node's agent is over: whatever ran there is dead.
struct LoseRanks {
  domain::NodeId node;
  std::string cause;
};

using Command =
    std::variant<MakeBid, MakeBids, CancelJob, ExtendJob, MoveInQueue, ObserveNode, LoseRanks>;

}  // namespace ledger::jobs
