#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace era {

/// What a bound needs to know of a bid. Slots are numbered from 0.
struct BoundBid {
  std::int32_t first = 0;  ///< It may run in the slots [first, end).
  std::int32_t end = 0;
  std::int32_t length = 1;  ///< Slots that it runs.
  double units = 1;         ///< What it holds in each of them.
  double value = 0;         ///< What it is worth if it is done in its window, else nothing.
};

struct BoundSettings {
  double capacity = 0;       ///< Units in every slot.
  bool preemptible = false;  ///< Any slots of the window will do, not only neighbours.
  std::int32_t steps = 400;
};

/// `value` with the prices of one unit in each slot that prove it.
struct Bound {
  double value = 0;
  std::vector<double> prices;
};

/// What `prices` (none negative, one for each slot that a window reaches) prove: no schedule earns
/// more than capacity x their sum + the sum over bids of max(0, value - units x cheapest place).
/// The Lagrangian dual of the time-indexed linear programme. O(bids x window).
double bound_by(std::span<const double> prices, std::span<const BoundBid> bids,
                const BoundSettings& settings);

/// The least bound found in `settings.steps` subgradient steps on the prices: Polyak's step towards
/// what a simple schedule earns, shortened and begun again from the best prices after 15 steps
/// without progress. Deterministic. O(steps x bids x window).
Bound upper_bound(std::span<const BoundBid> bids, const BoundSettings& settings);

}  // namespace era
