#pragma once
#include <map>
#include <optional>
#include <vector>

#include "domain/bid.h"
#include "era/cheapest.h"
#include "era/lane.h"

namespace era {

/// What runs on nodes outside all bookings.
using InUse = std::map<domain::NodeId, domain::Resources>;

/// What so many ranks take as a whole.
Gang gang_of(const domain::Resources& per_rank, std::int64_t ranks);

/// A shape, as one lane is asked for it.
struct Ask {
  domain::Shape shape;
  Gang gang;                    ///< What it takes as a whole.
  std::int32_t most_nodes = 0;  ///< The fewest nodes that could hold it if nothing were promised
                                ///< and all were open: what a packed gang may use.
};

/// No gang has more ranks than this.
inline constexpr std::int32_t kMostRanks = 65'536;

/// How many ranks of `shape` fit into `free` at once; at most all of them.
std::int32_t ranks_in(const domain::Resources& free, const domain::Shape& shape);

/// Asks `lane` for `shape`; none if it never could hold it. O(nodes + ranks).
std::optional<Ask> ask_of(const Lane& lane, const domain::Shape& shape);

/// The nodes on which the ranks fit for all of `slots`, rank i on [i]; none if they do not fit as
/// asked. Packed, and any where that is possible: the fewest nodes, and what is left over on the
/// last one as little as can be. Else the nodes left fullest. Ties go to the smaller id. Exact,
/// because ranks are equal. `in_use` counts as taken. O(nodes x (log steps + steps in slots)).
std::optional<std::vector<domain::NodeId>> place(const Lane& lane, const Ask& ask, SlotRange slots,
                                                 const InUse* in_use = nullptr);

/// Every start in `starts` at which `place` would find nodes, as ascending ranges [first, last].
/// O(steps of all nodes in the window + starts).
std::vector<Starts> placeable_starts(const Lane& lane, const Ask& ask, const Starts& starts);
/// The starts in `starts` that the lane's free blocks do not rule out, as ascending ranges: all at
/// which `place` would find nodes, and some more. O(slots x nodes / 512).
std::vector<Starts> possible_starts(const Lane& lane, const Ask& ask, const Starts& starts);

}  // namespace era
