#pragma once
#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the controller answers to GET /v1/report, as far as the command line shows it.
namespace cli {

struct Spread {
  std::int64_t count = 0;
  std::int64_t mean_ms = 0;
  std::int64_t p50_ms = 0;
  std::int64_t p95_ms = 0;
  std::int64_t max_ms = 0;
};
BOOST_DESCRIBE_STRUCT(Spread, (), (count, mean_ms, p50_ms, p95_ms, max_ms))

struct Tries {
  std::int64_t made = 0;
  std::int64_t started = 0;
};
BOOST_DESCRIBE_STRUCT(Tries, (), (made, started))

struct Ends {
  std::int64_t ended = 0;
  std::int64_t succeeded = 0;
};
BOOST_DESCRIBE_STRUCT(Ends, (), (ended, succeeded))

struct PromisesKept {
  std::int64_t on_time = 0;
  std::int64_t late = 0;
  std::int64_t broken = 0;
  std::int64_t unused = 0;
};
BOOST_DESCRIBE_STRUCT(PromisesKept, (), (on_time, late, broken, unused))

struct ResourceHours {
  double gpu_hours = 0;
  double core_hours = 0;
  double memory_gib_hours = 0;
};
BOOST_DESCRIBE_STRUCT(ResourceHours, (), (gpu_hours, core_hours, memory_gib_hours))

struct ClassReport {
  std::string name;
  std::int64_t accepted = 0;
  std::int64_t refused = 0;
  Spread waiting;
  Spread starting;
  Spread total;
  Tries first_try;
  Tries second_try;
  Ends ends;
  PromisesKept promises;
  ResourceHours used;
};
BOOST_DESCRIBE_STRUCT(ClassReport, (),
                      (name, accepted, refused, waiting, starting, total, first_try, second_try,
                       ends, promises, used))

struct EndCause {
  std::string state;
  std::optional<std::string> cause;
  std::int64_t jobs = 0;
};
BOOST_DESCRIBE_STRUCT(EndCause, (), (state, cause, jobs))

struct MoneyReport {
  std::int64_t revenue = 0;
  std::int64_t refunds = 0;
  std::int64_t penalties = 0;
  std::optional<std::int64_t> per_gpu_hour;
  std::optional<std::int64_t> per_succeeded_gpu_hour;
};
BOOST_DESCRIBE_STRUCT(MoneyReport, (),
                      (revenue, refunds, penalties, per_gpu_hour, per_succeeded_gpu_hour))

struct MachineReport {
  std::string node;
  std::string pool;
  std::int64_t present = 0;
  ResourceHours capacity;
  ResourceHours used;
  double utilisation = 0;
};
BOOST_DESCRIBE_STRUCT(MachineReport, (), (node, pool, present, capacity, used, utilisation))

struct ClusterReport {
  double utilisation = 0;
  ResourceHours capacity;
  ResourceHours idle;
  std::vector<MachineReport> machines;
};
BOOST_DESCRIBE_STRUCT(ClusterReport, (), (utilisation, capacity, idle, machines))

struct ReportedPeriod {
  std::int64_t from = 0;
  std::int64_t to = 0;
};
BOOST_DESCRIBE_STRUCT(ReportedPeriod, (), (from, to))

struct MeasuredMachine {
  std::string node;
  double utilisation = 0;
};
BOOST_DESCRIBE_STRUCT(MeasuredMachine, (), (node, utilisation))

struct MeasuredReport {
  double utilisation = 0;
  double rank_hours = 0;
  double measured_hours = 0;
  std::vector<MeasuredMachine> machines;
};
BOOST_DESCRIBE_STRUCT(MeasuredReport, (), (utilisation, rank_hours, measured_hours, machines))

/// A bid, for a replay.
struct BidLine {
  std::int64_t at = 0;
  std::int64_t earliest = 0;
  std::optional<std::int64_t> deadline;
  std::int32_t gpus = 0;
  std::int64_t stated = 0;
  std::optional<std::int64_t> ran;
  std::optional<std::int64_t> value;
  bool preemptible = false;
  std::int64_t restart = 0;
};
BOOST_DESCRIBE_STRUCT(BidLine, (),
                      (at, earliest, deadline, gpus, stated, ran, value, preemptible, restart))

struct ReportAnswer {
  ReportedPeriod period;
  std::string team;
  std::vector<ClassReport> classes;
  std::vector<EndCause> causes;
  ResourceHours promised;
  ResourceHours used;
  MoneyReport money;
  std::optional<ClusterReport> cluster;
  std::optional<MeasuredReport> measured;
  std::vector<BidLine> bids;
  std::int64_t bids_left_out = 0;
};
BOOST_DESCRIBE_STRUCT(ReportAnswer, (),
                      (period, team, classes, causes, promised, used, money, cluster, measured,
                       bids, bids_left_out))

}  // namespace cli
