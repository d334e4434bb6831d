#include "era/prices.h"

#include <algorithm>

#include "era/price_table.h"

namespace era {
namespace {

using base::Result;
using domain::Money;

constexpr std::int32_t kSteepestPermille = 1'000'000;
constexpr std::int32_t kLargestClassPermille = 10'000;

Result<> check_rate(std::string_view field, Money rate, std::int64_t top_permille, Money dearest) {
  if (rate.micros < 0) return base::invalid(field, "a rate must not be negative");
  if (rate > dearest || rate.micros * top_permille > dearest.micros * 1000) {
    return base::invalid(field, "at its dearest a unit must not cost more than {} credits an hour",
                         dearest.micros / 1'000'000);
  }
  return {};
}

Result<> check_curve(const std::vector<CurveStep>& curve) {
  if (curve.empty()) return base::invalid("prices.curve", "needs at least one step");
  if (curve.size() > 64) return base::invalid("prices.curve", "has more than 64 steps");
  if (curve.front().fullness_permille != 0) {
    return base::invalid("prices.curve", "must start at fullness 0");
  }
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const CurveStep& step = curve[i];
    if (step.rate_permille < 0 || step.rate_permille > kSteepestPermille) {
      return base::invalid("prices.curve", "rates must lie between 0 and {} permille",
                           kSteepestPermille);
    }
    if (step.fullness_permille > 1000) {
      return base::invalid("prices.curve", "a slot cannot be fuller than 1000 permille");
    }
    if (i == 0) continue;
    if (step.fullness_permille <= curve[i - 1].fullness_permille ||
        step.rate_permille < curve[i - 1].rate_permille) {
      return base::invalid("prices.curve", "must rise: step {} falls behind the one before it",
                           i + 1);
    }
  }
  return {};
}

Result<> check_permille(std::string_view field, std::int32_t permille) {
  if (permille >= 0 && permille <= kLargestClassPermille) return {};
  return base::invalid(field, "must lie between 0 and {}", kLargestClassPermille);
}

}  // namespace

PriceList default_prices() {
  PriceList prices;
  prices.gpu_hour[""] = domain::credits(1);
  prices.core_hour = Money{50'000};
  prices.curve = {{0, 1000}, {500, 1500}, {750, 2500}, {875, 4000}};
  return prices;
}

PriceList in_force(PriceList prices) {
  if (prices.pricing == Pricing::on) return prices;
  for (auto& [model, rate] : prices.gpu_hour) rate = {};
  prices.gpu_hour[""] = {};
  prices.core_hour = {};
  return prices;
}

Result<> check(const PriceList& prices) {
  if (auto curve = check_curve(prices.curve); !curve) return curve;
  const std::int64_t top =
      std::max({1000, prices.curve.back().rate_permille, prices.floor_permille});
  for (const auto& [model, rate] : prices.gpu_hour) {
    if (model != lower_case(model)) {
      return base::invalid("prices.gpu_hour", "models are written in lower case, not '{}'", model);
    }
    if (auto ok = check_rate("prices.gpu_hour", rate, top, kDearestGpuHour); !ok) return ok;
  }
  if (auto ok = check_rate("prices.core_hour", prices.core_hour, top, kDearestCoreHour); !ok)
    return ok;
  if (auto ok = check_permille("prices.eager_permille", prices.eager_permille); !ok) return ok;
  if (auto ok = check_permille("prices.firm_permille", prices.firm_permille); !ok) return ok;
  if (auto ok = check_permille("prices.floor_permille", prices.floor_permille); !ok) return ok;
  return check_permille("prices.flex_permille", prices.flex_permille);
}

}  // namespace era
