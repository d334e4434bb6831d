#pragma once
#include <boost/describe/class.hpp>

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "domain/quota.h"
#include "era/prices.h"

namespace ledger::limits {

using domain::Quota;
using domain::TeamId;
using domain::Time;

/// What a team has used, and uses.
struct Usage {
  std::int64_t amount = 0;  ///< GPU-milliseconds, decayed to `at`.
  std::int64_t rate = 0;    ///< Thousandths of a GPU that its attempts hold since `at`.
  Time at;
};
BOOST_DESCRIBE_STRUCT(Usage, (), (amount, rate, at))

// ---- Facts. ----
/// How soon what was used is forgotten.
struct FairnessSet {
  domain::Duration half_life;
};
BOOST_DESCRIBE_STRUCT(FairnessSet, (), (half_life))
/// A team with weight 2 may use twice as much as one with weight 1.
struct ShareSet {
  TeamId team;
  std::int32_t weight = 1;
};
BOOST_DESCRIBE_STRUCT(ShareSet, (), (team, weight))
/// Replaces the quota that limits the same, if there is one.
struct QuotaSet {
  Quota quota;
};
BOOST_DESCRIBE_STRUCT(QuotaSet, (), (quota))
struct QuotaRemoved {
  Quota quota;
};
BOOST_DESCRIBE_STRUCT(QuotaRemoved, (), (quota))

// ---- Wishes. ----
struct SetFairness {
  domain::Duration half_life;
};
struct SetShare {
  TeamId team;
  std::int32_t weight = 1;
};
struct SetQuota {
  Quota quota;
};
struct RemoveQuota {
  Quota quota;  ///< The one that limits the same.
};

/// At most 10,000 quotas.
struct State {
  domain::Duration half_life{7 * domain::kDay.ms};
  std::map<TeamId, std::int32_t> weights;  ///< Of teams with another than 1.
  std::map<TeamId, Usage> usage;
  std::map<domain::JobId, std::int64_t> rates;  ///< Of jobs with a live attempt.
  std::vector<Quota> quotas;                    ///< In the order in which they were first set.
};
BOOST_DESCRIBE_STRUCT(State, (), (half_life, weights, usage, rates, quotas))

using Event = std::variant<FairnessSet, ShareSet, QuotaSet, QuotaRemoved>;
using Command = std::variant<SetFairness, SetShare, SetQuota, RemoveQuota>;

/// Names the field at fault. Whether team and user exist is for the caller to know.
base::Result<std::vector<Event>> decide(const State& state, const Command& command);
void apply(State& state, const Event& event, Time at);

/// What an attempt that holds `amount` counts for, in thousandths of a GPU: its GPUs, or where it
/// has none its cores, at the price list's ratio of a core to a GPU.
std::int64_t rate_of(const domain::Resources& amount, const era::PriceList& prices);

/// An attempt of `job` begins to hold `rate`.
void begin_use(State& state, const TeamId& team, domain::JobId job, std::int64_t rate, Time at);
/// It ends.
void end_use(State& state, const TeamId& team, domain::JobId job, Time at);
/// The same, and what it has used since `started` is taken back: the node was lost.
void end_lost_use(State& state, const TeamId& team, domain::JobId job, Time started, Time at);

/// What `team` has used at `now`, in GPU-milliseconds, decayed. O(log teams).
std::int64_t usage_at(const State& state, const TeamId& team, Time now);
std::int32_t weight_of(const State& state, const TeamId& team);

}  // namespace ledger::limits
