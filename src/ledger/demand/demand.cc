#include "ledger/demand/demand.h"

namespace ledger::demand {

using domain::Time;

void see(State& state, const era::Plan& plan, const domain::Bid& bid, Time at) {
  for (const auto& [lane, demand] : era::demand_of(plan, bid, at)) {
    state.lanes[lane.pool][lane.gpu_model].learner.see(demand, at);
    if (state.made_at == Time{}) state.made_at = at;
  }
}

Time next_wake(const State& state) {
  return state.lanes.empty() ? domain::kNever : state.made_at + domain::kHour;
}

std::optional<ForecastMade> next(const State& state, Time now) {
  if (now < next_wake(state)) return std::nullopt;
  ForecastMade made;
  for (const auto& [pool, models] : state.lanes) {
    for (const auto& [model, lane] : models) {
      era::Learner learner = lane.learner;
      learner.pass_hour(now);
      made.lanes.push_back({pool, model, era::forecast(learner, now)});
    }
  }
  return made;
}

void apply(State& state, era::Plan& plan, const ForecastMade& fact, Time at) {
  state.made_at = at;
  for (const LaneForecast& made : fact.lanes) {
    Lane& lane = state.lanes[made.pool][made.gpu_model];
    lane.learner.pass_hour(at);
    lane.forecast = made.forecast;
    plan.set_forecast({made.pool, made.gpu_model}, made.forecast);
  }
}

void rebuild(const State& state, era::Plan& plan) {
  for (const auto& [pool, models] : state.lanes) {
    for (const auto& [model, lane] : models) plan.set_forecast({pool, model}, lane.forecast);
  }
}

}  // namespace ledger::demand
