#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "domain/time.h"
#include "era/lane.h"
#include "era/stints.h"

namespace era {

/// A gang at one of the widths that it may have.
struct GangWidth {
  Gang gang;
  std::int64_t speed = 1;  ///< Work it does in a millisecond.
};

/// What an elastic gang asks for: `work` in all on [first, finish_by), on widths that may change.
/// Where it goes on after a break, or on another width, it does nothing for `restart` first.
struct WidthStintsAsk {
  std::vector<GangWidth> widths;  ///< Narrowest first; at most 32.
  domain::Time first;
  domain::Time finish_by;
  std::int64_t work = 0;
  domain::Duration restart;
  Before before = Before::nothing;
  std::size_t runs_on = 0;  ///< Before::runs: which width.
};

/// A time without a break, on one of the widths.
struct WidthStint {
  domain::Time start;
  domain::Time finish;
  std::size_t width = 0;
  friend bool operator==(const WidthStint&, const WidthStint&) = default;
};

/// Slots in which a width, and those that are wider, have no room.
struct ClosedWidths {
  SlotRange slots;
  std::size_t narrowest = 0;
};

/// The stints that cost least in `lane`, none of them on what is `closed`. None if there is too
/// little room for the work, which is exact. Found like `cheapest_stints`, with a price put on
/// work: for each price one walk through the window's stages, in a state for each width. That gives
/// the two best choices around the work that is asked for. The answer begins as one of them and
/// ends as the other, and so has at most one restart more than they have; width_stints_test says
/// how far from the best it is. Breaks and changes lie between two slots; what runs has another
/// width from the second slot on. O(stages of the window x widths x 10).
std::optional<std::vector<WidthStint>> cheapest_width_stints(
    const Lane& lane, const WidthStintsAsk& ask, domain::Duration slot,
    const std::vector<ClosedWidths>& closed = {});

/// The work that `stints` do, without what restarts take.
std::int64_t work_of(const WidthStintsAsk& ask, const std::vector<WidthStint>& stints);

}  // namespace era
