#pragma once
#include <optional>
#include <vector>

#include "domain/time.h"
#include "era/lane.h"

namespace era {

/// What a job does up to the time that is planned.
enum class Before {
  nothing,  ///< It is new.
  runs,     ///< To go on at once, it need not restart.
  pauses,
};

/// What a gang that may pause asks for: `work` in all on [first, finish_by), and `restart` more
/// each time it goes on after a break.
struct StintsAsk {
  Gang gang;
  domain::Time first;
  domain::Time finish_by;
  domain::Duration work;
  domain::Duration restart;
  Before before = Before::nothing;
};

/// A time without a break.
struct Stint {
  domain::Time start;
  domain::Time finish;
  friend bool operator==(const Stint&, const Stint&) = default;
};

/// The stints that cost `ask.gang` least in `lane`, none of them in `closed` slots; as early as can
/// be where costs tie. None if there is too little time, which is exact. They are found with a
/// price put on work (Lagrangian relaxation), which gives the two best choices around the work that
/// is asked for; of the larger one the dearest is then cut off. Exact where a restart takes no time
/// (the cheapest slots); else never more than one choice of a stretch above the best.
/// Breaks begin and end with slots. O(stages of the window x (10 + those cut)).
std::optional<std::vector<Stint>> cheapest_stints(const Lane& lane, const StintsAsk& ask,
                                                  domain::Duration slot,
                                                  const std::vector<SlotRange>& closed = {});

}  // namespace era
