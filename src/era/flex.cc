#include <algorithm>
#include <map>
#include <utility>

#include "era/quote.h"
#include "era/request.h"

namespace era {

using domain::Bid;
using domain::Duration;
using domain::Money;
using domain::Time;

namespace {

/// Flat: the base rate of every unit, whatever the fullness, by the millisecond.
Money flat_price(const PriceList& prices, const std::string& model, const domain::Shape& shape,
                 Duration used) {
  __extension__ using Wide = __int128;
  const Wide gpus = Wide{shape.per_rank.gpus} * shape.ranks * gpu_hour_rate(prices, model).micros;
  const Wide cores = Wide{core_units(shape.per_rank)} * shape.ranks * prices.core_hour.micros;
  const Wide scaled = (gpus + cores) * used.ms * prices.flex_permille;
  constexpr Wide kPermilleOfAnHour = Wide{domain::kHour.ms} * 1000;
  return {static_cast<std::int64_t>((scaled + kPermilleOfAnHour - 1) / kPermilleOfAnHour)};
}

}  // namespace

std::variant<Money, Refusal> flex_price(const Plan& plan, const Bid& bid) {
  const auto lanes = lanes_for(plan.ground(), bid.shape);
  if (const auto* reason = std::get_if<RefusalReason>(&lanes)) return Refusal{*reason};
  Money dearest;
  for (const auto& [lane, ask] : std::get<std::vector<Candidate>>(lanes)) {
    dearest = std::max(dearest,
                       flat_price(plan.prices(), lane->key().gpu_model, bid.shape, bid.duration));
  }
  return dearest;
}

Money flex_price_on(const Plan& plan, const Bid& bid, const domain::PoolId& pool, Duration used) {
  Money dearest;
  for (const auto& [key, lane] : plan.ground().lanes()) {
    const bool may_run = key.pool == pool && (bid.shape.gpu_model.empty() ||
                                              lower_case(bid.shape.gpu_model) == key.gpu_model);
    if (may_run)
      dearest = std::max(dearest, flat_price(plan.prices(), key.gpu_model, bid.shape, used));
  }
  return dearest;
}

std::optional<FlexPlace> place_flex(const Plan& plan, const InUse& in_use,
                                    const domain::Shape& shape, Time now, Duration need) {
  const auto lanes = lanes_for(plan.ground(), shape);
  const auto* candidates = std::get_if<std::vector<Candidate>>(&lanes);
  if (candidates == nullptr) return std::nullopt;
  std::multimap<Money, const Candidate*> order;  // Keeps the order of lanes where prices tie.
  for (const Candidate& candidate : *candidates) {
    order.emplace(flat_price(plan.prices(), candidate.lane->key().gpu_model, shape, need),
                  &candidate);
  }
  const SlotRange slots = touched(now, now + need, plan.settings().slot);
  for (const auto& [price, candidate] : order) {
    if (!cost_over(*candidate->lane, candidate->ask.gang, slots)) continue;
    auto nodes = place(*candidate->lane, candidate->ask, slots, &in_use);
    if (nodes) return FlexPlace{candidate->lane->key().pool, std::move(*nodes)};
  }
  return std::nullopt;
}

}  // namespace era
