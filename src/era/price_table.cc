#include "era/price_table.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <utility>

namespace era {
namespace {

__extension__ using Wide = __int128;
constexpr Wide kPermilleOfAnHour = Wide{3'600'000} * 1000;

std::int64_t rate_at(std::int64_t fullness_permille, domain::Money unit_hour,
                     const std::vector<CurveStep>& curve) {
  std::int64_t permille = 1000;
  for (const CurveStep& step : curve) {
    if (step.fullness_permille <= fullness_permille) permille = step.rate_permille;
  }
  return (unit_hour.micros * permille + 999) / 1000;
}

/// What one more unit is worth in micro-credits an hour, if `left` are left after it.
std::int64_t expected_rate(const Forecast& forecast, std::size_t lead, std::int32_t left) {
  std::int64_t expected = 0;
  std::int64_t lower = 0;
  for (std::size_t i = 0; i < forecast.rates.size(); ++i) {
    const LeadDemand& demand = forecast.leads[lead];
    const std::int64_t rate = forecast.rates[i].micros;
    const auto spare = static_cast<double>(std::int64_t{left} * 1000 - demand.mean_milli[i]);
    const auto deviation =
        static_cast<double>(std::max<std::int64_t>(1, demand.deviation_milli[i]));
    expected += (rate - lower) * tail_millionths(spare / deviation) / 1'000'000;
    lower = rate;
  }
  return expected;
}

/// The first unit that meets a slot at least as full as `step` says.
std::int32_t first_unit(const CurveStep& step, std::int32_t capacity) {
  return static_cast<std::int32_t>((std::int64_t{step.fullness_permille} * capacity + 999) / 1000);
}

}  // namespace

PriceTable::PriceTable(std::int32_t capacity, domain::Money unit_hour,
                       const std::vector<CurveStep>& curve)
    : capacity_(capacity),
      top_rate_(rate_at(1000, unit_hour, curve)),
      totals_(static_cast<std::size_t>(capacity) + 1, 0) {
  std::vector<std::int32_t> bends{0};
  for (const CurveStep& step : curve) bends.push_back(first_unit(step, capacity));
  bends.push_back(capacity);
  for (std::size_t bend = 0; bend + 1 < bends.size(); ++bend) {
    const std::int32_t from = bends[bend];
    if (from >= capacity) break;
    const std::int64_t rate = rate_at(std::int64_t{from} * 1000 / capacity, unit_hour, curve);
    const std::int64_t base = totals_[static_cast<std::size_t>(from)];
    for (std::int32_t unit = from; unit < bends[bend + 1]; ++unit) {
      totals_[static_cast<std::size_t>(unit) + 1] = base + rate * (unit + 1 - from);
    }
  }
}

PriceTable::PriceTable(std::int32_t capacity, domain::Money unit_hour, const PriceList& prices,
                       const Forecast& forecast, std::size_t lead)
    : PriceTable(capacity, unit_hour, prices.curve) {
  const std::int64_t floor = (unit_hour.micros * prices.floor_permille + 999) / 1000;
  const std::int64_t trust = forecast.trust_permille;
  std::int64_t published = 0;
  for (std::int32_t unit = 1; unit <= capacity; ++unit) {
    std::int64_t& total = totals_[static_cast<std::size_t>(unit)];
    const std::int64_t before = totals_[static_cast<std::size_t>(unit) - 1];
    const std::int64_t curve = total - std::exchange(published, total);
    const std::int64_t expected = expected_rate(forecast, lead, capacity - unit);
    top_rate_ = std::max(floor, (curve * (1000 - trust) + expected * trust + 999) / 1000);
    total = before + top_rate_;
  }
}

domain::Money gpu_hour_rate(const PriceList& prices, const std::string& model) {
  const auto named = prices.gpu_hour.find(model);
  if (named != prices.gpu_hour.end()) return named->second;
  const auto any_other = prices.gpu_hour.find("");
  return any_other == prices.gpu_hour.end() ? domain::Money{} : any_other->second;
}

domain::Money price_of(std::int64_t slot_costs, domain::Duration slot,
                       std::int32_t class_permille) {
  const Wide scaled = Wide{slot_costs} * slot.ms * class_permille;
  return {static_cast<std::int64_t>((scaled + kPermilleOfAnHour - 1) / kPermilleOfAnHour)};
}

std::int64_t affordable(domain::Money price, domain::Duration slot, std::int32_t class_permille) {
  if (price.micros < 0) return -1;
  const Wide share = Wide{slot.ms} * class_permille;
  constexpr Wide kMost = std::numeric_limits<std::int64_t>::max();
  if (share == 0) return static_cast<std::int64_t>(kMost);
  return static_cast<std::int64_t>(std::min(price.micros * kPermilleOfAnHour / share, kMost));
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

}  // namespace era
