#pragma once
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

/// The cheapest (or soonest) place in `lane`, the earliest where costs tie; else no_free_window if
/// the lane's sums leave no room at any time, or fragmented. Starts are `window.first` and every
/// start of a slot after it. Exact: where the nodes cannot hold the ranks in the cheapest window,
/// the starts at which they can are worked out, the most promising first.
std::variant<Found, RefusalReason> find_place(const Lane& lane, const Ask& ask,
                                              const Window& window, domain::Duration slot,
                                              const Goal& goal = {});

}  // namespace era
