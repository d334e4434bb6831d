#pragma once
#include <boost/describe/class.hpp>

#include <cstdint>
#include <vector>

#include "domain/time.h"

namespace domain {

/// A number of ranks that an elastic job may run on, and how fast it is then.
struct Width {
  std::int32_t ranks = 1;
  std::int32_t speed = 1'000;  ///< In one unit for all widths of a job.
  friend bool operator==(const Width&, const Width&) = default;
};
BOOST_DESCRIBE_STRUCT(Width, (), (ranks, speed))

/// In order of ranks. Empty: a job that always has the same ranks.
using Widths = std::vector<Width>;

/// The most widths that a job may have, and the fastest that it may be on one: sums of work stay
/// exact.
inline constexpr std::size_t kMostWidths = 16;
inline constexpr std::int32_t kHighestSpeed = 1'000'000;

/// Work done on so many ranks in a millisecond; 1 for a job that always has the same, 0 for ranks
/// that are none of its widths.
inline std::int64_t speed_on(const Widths& widths, std::int64_t ranks) {
  if (widths.empty()) return 1;
  for (const Width& width : widths) {
    if (width.ranks == ranks) return width.speed;
  }
  return 0;
}

/// How long the work of `time` on ranks with the speed `from` takes at the speed `to`, rounded up.
constexpr Duration at_speed(Duration time, std::int64_t from, std::int64_t to) {
  return {(time.ms * from + to - 1) / to};
}

}  // namespace domain
