#pragma once
#include <limits>
#include <optional>

#include "era/lane.h"

namespace era {

/// The starts [first, last] of a stretch of `length` slots.
struct Starts {
  std::int64_t length = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// What to look for: the cheapest stretch, or the soonest one that costs at most `limit`.
struct Goal {
  bool soonest = false;
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
};

/// A stretch of slots and the sum of its slot costs.
struct Stretch {
  std::int64_t first = 0;
  std::int64_t cost = 0;
  friend bool operator==(const Stretch&, const Stretch&) = default;
};

/// Finds the stretch that costs `gang` least in `lane`, the earliest where costs tie; or the
/// soonest. Looks only at sums over the lane: whether single nodes hold the ranks is for `place` to
/// say. Basic-Econ (Babaioff et al. 2017, Algorithm 1). A stretch's cost is linear in its start as
/// long as neither end crosses a step of the lane, so a minimum lies where one does: exact in
/// O(runs), or O(slots) where nearly every slot differs; independent of the gang's size. Uses
/// 128 KiB of stack; allocates, once, only for more than 8,191 runs or 16,383 slots.
std::optional<Stretch> cheapest_stretch(const Lane& lane, const Gang& gang, const Starts& starts,
                                        const Goal& goal = {});

/// The cost of the slots in `slots`; none if one of them is too full.
std::optional<std::int64_t> cost_over(const Lane& lane, const Gang& gang, SlotRange slots);

}  // namespace era
