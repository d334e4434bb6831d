#pragma once
#include <boost/describe/class.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/ids.h"
#include "era/demand.h"

namespace ledger::demand {

/// What one lane expects: the nodes of a pool with one GPU model.
struct LaneForecast {
  domain::PoolId pool;
  std::string gpu_model;
  era::Forecast forecast;
};
BOOST_DESCRIBE_STRUCT(LaneForecast, (), (pool, gpu_model, forecast))

/// An hour of bids has been learned; from now on these forecasts make the prices. A fact, so that
/// a replay of the log gives the same prices whatever a later release would forecast.
struct ForecastMade {
  std::vector<LaneForecast> lanes;
};
BOOST_DESCRIBE_STRUCT(ForecastMade, (), (lanes))

struct Lane {
  era::Learner learner;
  era::Forecast forecast;
};
BOOST_DESCRIBE_STRUCT(Lane, (), (learner, forecast))

struct State {
  domain::Time made_at;  ///< Of the newest forecast, or of the first bid.
  std::map<domain::PoolId, std::map<std::string, Lane>> lanes;
};
BOOST_DESCRIBE_STRUCT(State, (), (made_at, lanes))

/// Learns from a bid, accepted or refused.
void see(State& state, const era::Plan& plan, const domain::Bid& bid, domain::Time at);

/// The forecast that is due at `now`: one an hour, once there has been a bid.
std::optional<ForecastMade> next(const State& state, domain::Time now);
/// When the next one is due; kNever before the first bid.
domain::Time next_wake(const State& state);

void apply(State& state, era::Plan& plan, const ForecastMade& fact, domain::Time at);
/// Gives `plan` the forecasts there are, after it was made anew.
void rebuild(const State& state, era::Plan& plan);

}  // namespace ledger::demand
