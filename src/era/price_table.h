#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "era/forecast.h"
#include "era/prices.h"

namespace era {

/// What units of one resource cost for one slot, as a prefix sum over how many are promised
/// already: the cost of any number of units is two look-ups. In micro-credits an hour, so that no
/// rounding happens before the sum over a window is known (see price_of).
class PriceTable {
 public:
  /// O(capacity).
  PriceTable(std::int32_t capacity, domain::Money unit_hour, const std::vector<CurveStep>& curve);
  /// As the published curve says, as far as `forecast` is not to be trusted yet; else what the
  /// bidder worth least would pay of those who, by the demand expected at `lead` (an index of
  /// forecast.leads), will go without if one more unit is taken:
  /// sum over rates of (rate - next lower rate) x P(demand at that rate > what is left). ERA
  /// (section 1.3) puts one number for the demand. At least the floor.
  /// O(capacity x rates).
  PriceTable(std::int32_t capacity, domain::Money unit_hour, const PriceList& prices,
             const Forecast& forecast, std::size_t lead);

  /// What `more` units cost on top of `promised`. Never falls when either rises.
  std::int64_t cost(std::int32_t promised, std::int32_t more) const {
    return total(promised + more) - total(promised);
  }

  /// What the first n units cost, at [n], up to the capacity.
  const std::int64_t* totals() const { return totals_.data(); }

 private:
  /// Past capacity every unit costs the top rate: whether there is room is not the table's
  /// business.
  std::int64_t total(std::int32_t units) const {
    if (units <= capacity_) [[likely]]
      return totals_[static_cast<std::size_t>(units)];
    return totals_.back() + (units - capacity_) * top_rate_;
  }

  std::int32_t capacity_;
  std::int64_t top_rate_;
  std::vector<std::int64_t> totals_;
};

/// The hourly base rate of a GPU of `model` (in lower case).
domain::Money gpu_hour_rate(const PriceList& prices, const std::string& model);

/// What a sum of slot costs comes to at `class_permille`: rounded up, once.
domain::Money price_of(std::int64_t slot_costs, domain::Duration slot, std::int32_t class_permille);
/// The largest sum of slot costs whose price is at most `price`.
std::int64_t affordable(domain::Money price, domain::Duration slot, std::int32_t class_permille);

std::string lower_case(std::string_view text);

}  // namespace era
