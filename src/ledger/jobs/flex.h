#pragma once
#include <optional>
#include <set>
#include <vector>

#include "ledger/jobs/jobs.h"

namespace ledger::jobs {

/// A flex job starts where no promise is due for so long, or for its whole duration if shorter.
inline constexpr domain::Duration kWorthStarting{30 * 60'000};
/// After so long without a place a queued job gets nodes set aside.
inline constexpr domain::Duration kPatience{30 * 60'000};

/// Starts the first queued job that has a place, in the order of `flex_order`; nothing if none has.
/// Once a job has waited for kPatience, those behind it start only where they are not in its way.
std::vector<Event> start_flex(const View& view);

/// The same for jobs that have waited for kPatience only: those come before what is promised later
/// and could start early.
std::vector<Event> start_waited(const View& view);

/// Nodes on which a queued job will fit soonest, if what runs there ends as planned.
struct SetAside {
  const Job* job = nullptr;
  std::vector<domain::NodeId> nodes;
  domain::Time from;
  std::set<domain::JobId> leaving;  ///< Who will have ended by then.
};
/// For the first queued job that has waited too long; none if there is none, or none will fit.
std::optional<SetAside> set_aside(const View& view);

}  // namespace ledger::jobs
