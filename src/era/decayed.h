#pragma once
#include <algorithm>
#include <cstdint>

/// Arithmetic of sums that are learned from bids and forgotten: in integers, the same everywhere.
namespace era {

/// Sums stop growing here, whatever is bid: those of all rates together stay below 2^63.
inline constexpr std::int64_t kMostSum = 100'000'000'000'000'000;

inline void add_up(std::int64_t& sum, std::int64_t more) {
  sum = std::clamp(sum + std::clamp(more, -kMostSum, kMostSum), -kMostSum, kMostSum);
}

inline std::int64_t share(std::int64_t amount, std::int64_t millionths) {
  __extension__ using Wide = __int128;
  return static_cast<std::int64_t>(Wide{amount} * millionths / 1'000'000);
}

}  // namespace era
