#pragma once
#include <cstdint>
#include <optional>
#include <variant>

#include "era/piece.h"
#include "era/search.h"
#include "era/stints.h"

namespace era {

/// What a gang that may pause asks for.
struct PiecesAsk {
  const Ask& ask;
  Window window;             ///< Its duration is what the pieces work in all, without restarts.
  domain::Duration restart;  ///< What each piece takes on top, but the first of a job that is new.
  Before before = Before::nothing;
  /// Before::runs: on these nodes. To go on there at the window's start, it need not restart.
  const std::vector<domain::NodeId>* running_on = nullptr;
};

struct FoundPieces {
  Pieces pieces;
  std::int64_t cost = 0;  ///< The sum of their slot costs.
};

/// The pieces that cost least in `lane`, as early as can be where costs tie; else no_free_window if
/// there is too little time with room, or fragmented. Finds the cheapest stints by the lane's sums
/// and puts each on nodes; where no nodes hold one for all its time, it breaks there and the rest
/// is looked for anew, a bounded number of times: not exact where nodes are fragmented.
std::variant<FoundPieces, RefusalReason> find_pieces(const Lane& lane, const PiecesAsk& asked,
                                                     domain::Duration slot);

/// A time without a break for which a gang wants nodes.
struct StintPlace {
  const Lane& lane;
  const Ask& ask;
  SlotRange slots;
  const std::vector<domain::NodeId>* stays_on = nullptr;  ///< It runs there; no others will do.
};
/// Nodes that hold the gang for all of it, rank i on the i-th.
std::optional<std::vector<domain::NodeId>> nodes_for(const StintPlace& wanted);
/// Where a stint that has no nodes is broken: the first slot with which it has none. If that is
/// its own first, up to the lane's next step, as nodes change there. O(log slots x place).
SlotRange broken_at(const StintPlace& wanted);

/// What `pieces`, each with as many ranks of `ask` as it has nodes, cost where nothing of them is
/// booked; none if they do not fit there.
std::optional<std::int64_t> cost_of(const Lane& lane, const Ask& ask, const Pieces& pieces,
                                    domain::Duration slot);

}  // namespace era
