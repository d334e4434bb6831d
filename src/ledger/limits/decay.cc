#include "ledger/limits/decay.h"

#include <array>
#include <cstddef>

namespace ledger::limits {
namespace {

__extension__ using Wide = __int128;

constexpr int kPoint = 62;  ///< Binary digits behind the point.
constexpr Wide kOne = Wide{1} << kPoint;
constexpr std::size_t kBits = 30;
/// 1 / ln 2, in thousand millionths.
constexpr std::int64_t kPerLn2 = 1'442'695'041;
constexpr std::int64_t kBillion = 1'000'000'000;

constexpr Wide square_root(Wide of) {
  Wide root = 0;
  for (Wide bit = Wide{1} << kPoint; bit > 0; bit >>= 1) {
    if ((root + bit) * (root + bit) <= of) root += bit;
  }
  return root;
}

/// [i] is 2^-(2^-(i+1)): what is left after half a half-life, a quarter, an eighth...
constexpr auto kLeft = [] {
  std::array<Wide, kBits> left{};
  Wide last = kOne / 2;
  for (Wide& each : left) each = last = square_root(last << kPoint);
  return left;
}();

/// The share that is left after `elapsed`.
Wide left_after(domain::Duration elapsed, domain::Duration half_life) {
  const std::int64_t halvings = elapsed.ms / half_life.ms;
  if (halvings >= kPoint) return 0;
  const Wide rest = (Wide{elapsed.ms % half_life.ms} << kBits) / half_life.ms;
  Wide share = kOne;
  for (std::size_t i = 0; i < kBits; ++i) {
    if ((rest >> (kBits - 1 - i) & 1) != 0) share = (share * kLeft[i]) >> kPoint;
  }
  return share >> halvings;
}

}  // namespace

std::int64_t decayed(std::int64_t amount, domain::Duration elapsed, domain::Duration half_life) {
  if (elapsed <= domain::Duration{}) return amount;
  return static_cast<std::int64_t>((amount * left_after(elapsed, half_life)) >> kPoint);
}

std::int64_t accrued(domain::Duration elapsed, domain::Duration half_life) {
  if (elapsed <= domain::Duration{}) return 0;
  const Wide gone = kOne - left_after(elapsed, half_life);
  return static_cast<std::int64_t>((half_life.ms * gone * kPerLn2 / kBillion) >> kPoint);
}

}  // namespace ledger::limits
