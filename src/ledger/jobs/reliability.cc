#include "ledger/jobs/reliability.h"

#include <set>

#include "ledger/jobs/outcome.h"

namespace ledger::jobs {
namespace {

using domain::Duration;

/// One failure in so long is what is believed of all before anything was seen.
constexpr Duration kBelieved{domain::kDay.ms * 2'000 / 13};
/// Of one job nothing is; but a failure in its first minute does not mean one in every minute.
constexpr Duration kOwn = domain::kHour;

Duration node_time(const Attempt& attempt) {
  std::set<domain::NodeId> nodes;
  for (const Rank& rank : attempt.ranks) nodes.insert(rank.node);
  return (attempt.ended - attempt.started) * std::ssize(nodes);
}

}  // namespace

void learn(Reliability& known, const Attempt& attempt) {
  known.node_time = known.node_time + node_time(attempt);
  if (is_machine_failure(attempt.cause)) ++known.failures;
}

Duration mean_time_between_failures(const Reliability& known, const Job& job, std::int64_t nodes) {
  Reliability own;
  for (const Attempt& attempt : job.attempts) {
    own.node_time = own.node_time + node_time(attempt);
    if (is_passing_failure(attempt.cause)) ++own.failures;
  }
  const auto rate = [](std::int64_t failures, Duration time) {
    return static_cast<double>(failures) / static_cast<double>(time.ms);
  };
  const double all = rate(1 + known.failures, kBelieved + known.node_time) +
                     rate(own.failures, kOwn + own.node_time);
  return {static_cast<std::int64_t>(1 / (all * static_cast<double>(nodes)))};
}

}  // namespace ledger::jobs
