#include "ledger/limits/limits.h"

#include <algorithm>

#include "era/price_table.h"
#include "ledger/limits/decay.h"

namespace ledger::limits {
namespace {

using base::Result;
using Events = std::vector<Event>;

__extension__ using Wide = __int128;

constexpr std::size_t kMostQuotas = 10'000;
constexpr std::int32_t kHeaviest = 10'000;
constexpr std::int32_t kMostGpus = 1'000'000;
constexpr std::int64_t kPermille = 1'000;
/// What a core counts for where the price list gives no ratio: as in the list that there is first.
constexpr std::int64_t kCorePermille = 50;

/// Brings what a team has used forward to `at`.
Usage& forward(State& state, const TeamId& team, Time at) {
  Usage& usage = state.usage[team];
  usage.amount = usage_at(state, team, at);
  usage.at = std::max(usage.at, at);
  return usage;
}

auto same_as(std::vector<Quota>& quotas, const Quota& quota) {
  return std::ranges::find_if(quotas,
                              [&](const Quota& each) { return limits_the_same(each, quota); });
}

void apply_one(State& state, const FairnessSet& fact, Time at) {
  for (const auto& [team, usage] : state.usage) forward(state, team, at);
  state.half_life = fact.half_life;
}

void apply_one(State& state, const ShareSet& fact, Time) {
  if (fact.weight == 1) {
    state.weights.erase(fact.team);
  } else {
    state.weights[fact.team] = fact.weight;
  }
}

void apply_one(State& state, const QuotaSet& fact, Time) {
  const auto known = same_as(state.quotas, fact.quota);
  if (known != state.quotas.end()) {
    *known = fact.quota;
  } else {
    state.quotas.push_back(fact.quota);
  }
}

void apply_one(State& state, const QuotaRemoved& fact, Time) {
  const auto known = same_as(state.quotas, fact.quota);
  if (known != state.quotas.end()) state.quotas.erase(known);
}

Result<Events> decide_one(const State&, const SetFairness& wish) {
  if (wish.half_life < domain::kHour || wish.half_life > domain::kDay * 365) {
    return base::invalid("half_life", "must be an hour to 365 days");
  }
  return Events{FairnessSet{wish.half_life}};
}

Result<Events> decide_one(const State&, const SetShare& wish) {
  if (wish.weight < 1 || wish.weight > kHeaviest)
    return base::invalid("weight", "must be 1 to {}", kHeaviest);
  return Events{ShareSet{wish.team, wish.weight}};
}

Result<> check(const Quota& quota) {
  if (quota.team.value.empty() == quota.user.value.empty()) {
    return base::invalid("team", "a quota is of a team or of a user: give just one of them");
  }
  if (quota.gpus < 0 || quota.gpus > kMostGpus)
    return base::invalid("gpus", "must be 0 to {}", kMostGpus);
  if (quota.gpu_model.size() > 63) return base::invalid("gpu_model", "longer than 63 bytes");
  return {};
}

Result<Events> decide_one(const State& state, const SetQuota& wish) {
  Quota quota = wish.quota;
  quota.gpu_model = era::lower_case(quota.gpu_model);
  if (auto good = check(quota); !good) return base::pass(good);
  if (state.quotas.size() >= kMostQuotas) {
    return base::fail(base::ErrorCode::resource_exhausted,
                      "there are {} quotas, the most there may be", kMostQuotas);
  }
  return Events{QuotaSet{std::move(quota)}};
}

Result<Events> decide_one(const State& state, const RemoveQuota& wish) {
  Quota quota = wish.quota;
  quota.gpu_model = era::lower_case(quota.gpu_model);
  for (const Quota& each : state.quotas) {
    if (limits_the_same(each, quota)) return Events{QuotaRemoved{each}};
  }
  return base::fail(base::ErrorCode::not_found, "there is no such quota");
}

}  // namespace

Result<Events> decide(const State& state, const Command& command) {
  return std::visit([&](const auto& wish) { return decide_one(state, wish); }, command);
}

void apply(State& state, const Event& event, Time at) {
  std::visit([&](const auto& fact) { apply_one(state, fact, at); }, event);
}

std::int64_t rate_of(const domain::Resources& amount, const era::PriceList& prices) {
  if (amount.gpus > 0) return amount.gpus * kPermille;
  const auto gpu = prices.gpu_hour.find("");
  const std::int64_t gpu_micros = gpu == prices.gpu_hour.end() ? 0 : gpu->second.micros;
  if (gpu_micros <= 0) return amount.cpu_millis * kCorePermille / kPermille;
  return static_cast<std::int64_t>(Wide{amount.cpu_millis} * prices.core_hour.micros / gpu_micros);
}

void begin_use(State& state, const TeamId& team, domain::JobId job, std::int64_t rate, Time at) {
  forward(state, team, at).rate += rate;
  state.rates[job] = rate;
}

void end_use(State& state, const TeamId& team, domain::JobId job, Time at) {
  const auto rate = state.rates.find(job);
  if (rate == state.rates.end()) return;  // It began before there was a usage.
  forward(state, team, at).rate -= rate->second;
  state.rates.erase(rate);
}

void end_lost_use(State& state, const TeamId& team, domain::JobId job, Time started, Time at) {
  const auto rate = state.rates.find(job);
  if (rate == state.rates.end()) return;
  const Wide lost = Wide{rate->second} * accrued(at - started, state.half_life) / kPermille;
  Usage& usage = forward(state, team, at);
  usage.amount = std::max<std::int64_t>(0, usage.amount - static_cast<std::int64_t>(lost));
  end_use(state, team, job, at);
}

std::int64_t usage_at(const State& state, const TeamId& team, Time now) {
  const auto found = state.usage.find(team);
  if (found == state.usage.end()) return 0;
  const Usage& usage = found->second;
  const domain::Duration elapsed = now - usage.at;
  const Wide added = Wide{usage.rate} * accrued(elapsed, state.half_life) / kPermille;
  return decayed(usage.amount, elapsed, state.half_life) + static_cast<std::int64_t>(added);
}

std::int32_t weight_of(const State& state, const TeamId& team) {
  const auto found = state.weights.find(team);
  return found == state.weights.end() ? 1 : found->second;
}

}  // namespace ledger::limits
