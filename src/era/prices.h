#pragma once
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/bid.h"

namespace era {

/// No unit costs more in an hour, so that no sum overflows: a pool of 100,000 GPUs or 1,000,000
/// cores, sold out at these rates for a horizon of 131,072 slots, comes to less than 2^63.
inline constexpr domain::Money kDearestGpuHour = domain::credits(250);
inline constexpr domain::Money kDearestCoreHour = domain::credits(25);

/// From this fullness of a slot on, a unit costs so many thousandths of its base rate.
struct CurveStep {
  std::int32_t fullness_permille = 0;
  std::int32_t rate_permille = 1000;
  friend bool operator==(const CurveStep&, const CurveStep&) = default;
};
BOOST_DESCRIBE_STRUCT(CurveStep, (), (fullness_permille, rate_permille))

/// Whether anything costs anything.
enum class Pricing { on, off };
BOOST_DESCRIBE_ENUM(Pricing, on, off)

/// The published rates: what a GPU-hour and a core-hour cost, by class and by how full the slot is.
/// Prices of resource types add up, so splitting a request is never cheaper (ERA, section 1.3).
struct PriceList {
  std::map<std::string, domain::Money> gpu_hour;  ///< By GPU model in lower case; "" is any other.
  domain::Money core_hour;
  std::int32_t eager_permille = 1000;  ///< Of the reserved price.
  std::int32_t firm_permille = 1100;
  std::int32_t flex_permille = 300;  ///< Of the base rate; flat, whatever the fullness.
  std::vector<CurveStep> curve;      ///< Ascending in both members; the first starts at 0.
  /// Of the base rate: once demand is forecast, no unit costs less.
  std::int32_t floor_permille = 250;
  Pricing pricing = Pricing::on;  ///< Off: the rates are kept, and count as zero.
  friend bool operator==(const PriceList&, const PriceList&) = default;
};
BOOST_DESCRIBE_STRUCT(PriceList, (),
                      (gpu_hour, core_hour, eager_permille, firm_permille, flex_permille, curve,
                       floor_permille, pricing))

/// 1 credit a GPU-hour, 0.05 a core-hour, rising to four times that in a full slot.
PriceList default_prices();

/// The rates that count: all zero if pricing is off.
PriceList in_force(PriceList prices);

/// What is wrong with `prices`, naming the field; nothing if they can be used. Rejects negative
/// rates, a curve that falls, and rates so high that a horizon's sum could overflow.
base::Result<> check(const PriceList& prices);

}  // namespace era
