#pragma once
#include <memory>
#include <optional>

#include "base/result.h"
#include "ports/clock.h"
#include "ports/event_log.h"

namespace apps {

/// The clock that a cluster's facts are timed by.
struct ClusterClock {
  std::unique_ptr<ports::Clock> clock;
  std::int32_t time_scale = 1;  ///< How many of its seconds pass in one: above 1 is a trial.
};

/// The clock of the cluster whose log this is, or, for a new one, one of the scale that is wished
/// for. What kind of clock it has stands among its facts, so that later starts go on with it; a
/// wish for another one is refused.
base::Result<ClusterClock> open_clock(ports::EventLog& log, std::optional<std::int32_t> wished);

}  // namespace apps
