#pragma once
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "era/pieces.h"
#include "era/width_stints.h"

namespace era {

/// An elastic shape, as one lane is asked for it on each of the widths that it could ever hold.
struct WidthAsks {
  std::vector<Ask> asks;             ///< Narrowest first.
  std::vector<std::int64_t> speeds;  ///< Work done in a millisecond.
};

/// Asks `lane` for `shape` on `widths`; none if it never could hold any of them.
/// O(widths x (nodes + ranks)).
std::optional<WidthAsks> width_asks(const Lane& lane, const domain::Shape& shape,
                                    const domain::Widths& widths);

/// What an elastic gang asks for; see WidthStintsAsk.
struct WidthPiecesAsk {
  const WidthAsks& on;
  domain::Time first;
  domain::Time finish_by;
  std::int64_t work = 0;
  domain::Duration restart;
  Before before = Before::nothing;
  /// Before::runs: on these nodes. To go on there at `first`, it need not restart.
  const std::vector<domain::NodeId>* running_on = nullptr;
};

/// The pieces that cost least in `lane`, each on one of the widths; else no_free_window if there is
/// too little room for the work, or fragmented. Like `find_pieces`, and like it not exact where
/// nodes are fragmented.
std::variant<FoundPieces, RefusalReason> find_width_pieces(const Lane& lane,
                                                           const WidthPiecesAsk& asked,
                                                           domain::Duration slot);

/// The work that `pieces` do. `restarts_first`: the first begins with a restart too.
std::int64_t work_of(const Pieces& pieces, const domain::Widths& widths, domain::Duration restart,
                     bool restarts_first);

/// The work that `bid` asks for.
inline std::int64_t work_of(const domain::Bid& bid) {
  return bid.duration.ms * domain::speed_on(bid.widths, bid.shape.ranks);
}

/// Work in a millisecond on the fastest width of `bid`.
std::int64_t fastest(const domain::Bid& bid);
/// How long `bid` takes at least: on its fastest width.
domain::Duration shortest(const domain::Bid& bid);
/// `shape` with the fewest ranks that it may have: what holds it at any width can hold this.
domain::Shape narrowest(domain::Shape shape, const domain::Widths& widths);

}  // namespace era
