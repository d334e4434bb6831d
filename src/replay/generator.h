#pragma once
#include <cstdint>

#include "replay/trace.h"

namespace replay {

struct Generating {
  std::uint64_t seed = 1;
  std::int32_t jobs = 20'000;
};

/// Makes a trace that looks like Microsoft's Philly cluster (Jeon et al., ATC 2019) where none is
/// at hand: sizes, durations by size, virtual clusters, hours of the day, days of the week, and
/// bursts of jobs that one user sends at once. The same seed gives the same trace. O(jobs log
/// jobs).
Trace generate(const Generating& wish);

}  // namespace replay
