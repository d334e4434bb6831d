#pragma once
#include <optional>
#include <variant>
#include <vector>

#include "domain/bid.h"
#include "era/place.h"
#include "era/quote.h"

namespace era {

/// When a gang may run: it starts at or after `first` and finishes by `finish_by`.
struct Window {
  domain::Time first;
  domain::Time finish_by;
  domain::Duration duration;
  bool only_first = false;  ///< It starts at `first` exactly.
};

/// A place in one lane, with the sum of its slot costs.
struct Found {
  domain::Time start;
  SlotRange slots;
  std::int64_t cost = 0;
  std::vector<domain::NodeId> nodes;
};

/// What `gang` costs in `lane` from `start` on, wherever in a slot that is; none where it is too
/// full. A slot more than others of its length touch is paid only for the time it runs.
std::optional<std::int64_t> cost_from(const Lane& lane, const Gang& gang, domain::Time start,
                                      domain::Duration duration, domain::Duration slot);

/// The cheapest (or soonest) place in `lane`, the earliest where costs tie; else no_free_window if
/// the lane's sums leave no room at any time, or fragmented. Starts are `window.first` and every
/// start of a slot after it. Exact: where the nodes cannot hold the ranks in the cheapest window,
/// the starts at which they can are worked out, the most promising first.
std::variant<Found, RefusalReason> find_place(const Lane& lane, const Ask& ask,
                                              const Window& window, domain::Duration slot,
                                              const Goal& goal = {});

}  // namespace era
