#pragma once
#include <vector>

#include "era/request.h"

namespace era {

/// A time at which the bid could run if others made room.
struct Opening {
  domain::Time start;
  std::int64_t missing = 0;  ///< By how much the lane's sum falls short, in GPU-slots.
  std::int64_t cost = 0;
};

/// The most promising times: little missing, then cheap, then early. Starts are the window's first
/// and those at which a loose booking begins or ends or would just not be met, or as many of these,
/// evenly, as there is time for. O(runs in the window + loose + slots in the window / 64).
std::vector<Opening> openings(const Plan& plan, const Candidate& candidate, const Window& window,
                              const std::vector<const Movable*>& loose);

}  // namespace era
