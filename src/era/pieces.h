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

/// Whether the ranks of `ask` fit on `nodes`, rank i on nodes[i], for all of `slots`.
bool holds(const Lane& lane, const Ask& ask, const std::vector<domain::NodeId>& nodes,
           SlotRange slots);

/// What `pieces`, each with as many ranks of `ask` as it has nodes, cost where nothing of them is
/// booked; none if they do not fit there.
std::optional<std::int64_t> cost_of(const Lane& lane, const Ask& ask, const Pieces& pieces,
                                    domain::Duration slot);

}  // namespace era
