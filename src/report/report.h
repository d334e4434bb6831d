#pragma once
#include <boost/describe/class.hpp>

#include <optional>
#include <string>
#include <vector>

#include "domain/job.h"
#include "report/durations.h"
#include "report/machines.h"

namespace report {

/// Attempts to start a job of which it is known how they went: every rank started, or not. One that
/// was called off on the way is neither.
struct Tries {
  std::int64_t made = 0;
  std::int64_t started = 0;
};
BOOST_DESCRIBE_STRUCT(Tries, (), (made, started))

/// Jobs that ended in the period.
struct Ends {
  std::int64_t ended = 0;
  std::int64_t succeeded = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
  std::int64_t expired = 0;
  std::int64_t lost = 0;
};
BOOST_DESCRIBE_STRUCT(Ends, (), (ended, succeeded, failed, cancelled, expired, lost))

/// What became of the promises to jobs that ended in the period. Each is counted once.
struct Promises {
  std::int64_t on_time = 0;  ///< Succeeded by the deadline.
  std::int64_t late = 0;     ///< Succeeded after it: longer than it had said.
  std::int64_t broken = 0;   ///< By Berth: refunded, with a penalty.
  std::int64_t unused = 0;   ///< Cancelled, failed or out of time by its own doing.
};
BOOST_DESCRIBE_STRUCT(Promises, (), (on_time, late, broken, unused))

/// One class of jobs, or all. Every figure counts in the period in which it became known.
struct ClassReport {
  std::string name;  ///< "all", "reserved", "eager", "flex".
  std::int64_t accepted = 0;
  std::int64_t refused = 0;
  Spread waiting;   ///< From when it may start to its first attempt.
  Spread starting;  ///< From there until every rank runs, with what tries in between cost.
  Spread total;     ///< Both.
  Tries first_try;
  Tries second_try;  ///< Of those whose first failed.
  Ends ends;
  Promises promises;
  ResourceHours used;
  double succeeded_gpu_hours = 0;  ///< Used in the period by jobs that succeeded in it.
};
BOOST_DESCRIBE_STRUCT(ClassReport, (),
                      (name, accepted, refused, waiting, starting, total, first_try, second_try,
                       ends, promises, used, succeeded_gpu_hours))

/// Jobs that ended the same way, without success.
struct Cause {
  domain::JobState state = domain::JobState::failed;
  std::optional<domain::ExitCause> cause;  ///< Why their last attempts ended; none: never started.
  std::int64_t jobs = 0;
};
BOOST_DESCRIBE_STRUCT(Cause, (), (state, cause, jobs))

struct MoneyReport {
  domain::Money revenue;  ///< Paid for what ran.
  domain::Money refunds;  ///< Held, and given back unspent.
  domain::Money penalties;
  domain::Money granted;
  std::optional<domain::Money> per_gpu_hour;  ///< Revenue by GPU-hour used; none without any.
  std::optional<domain::Money> per_succeeded_gpu_hour;
};
BOOST_DESCRIBE_STRUCT(MoneyReport, (),
                      (revenue, refunds, penalties, granted, per_gpu_hour, per_succeeded_gpu_hour))

/// The machines, for those who may see what everybody uses.
struct ClusterReport {
  Ratios ratios;
  double utilisation = 0;  ///< Of what was given out; see report::utilisation().
  ResourceHours capacity;
  ResourceHours idle;  ///< capacity = used + idle.
  std::vector<Machine> machines;
};
BOOST_DESCRIBE_STRUCT(ClusterReport, (), (ratios, utilisation, capacity, idle, machines))

/// How well a cluster, or one team on it, has fared.
struct Report {
  Period period;
  std::string team;                  ///< Whose figures these are; empty: everybody's.
  std::vector<ClassReport> classes;  ///< All first.
  std::vector<Cause> causes;
  ResourceHours promised;  ///< What bookings set aside, used or not.
  ResourceHours used;
  MoneyReport money;
  std::optional<ClusterReport> cluster;
};
BOOST_DESCRIBE_STRUCT(Report, (), (period, team, classes, causes, promised, used, money, cluster))

}  // namespace report
