#pragma once
#include <optional>

#include "ledger/jobs/jobs.h"

namespace ledger::jobs {

/// The facts that start an attempt of `job` on `nodes` (rank i on nodes[i]), or nothing if some of
/// its GPUs, cores or memory are still held there.
std::optional<AttemptStarted> start_attempt(const View& view, const Job& job,
                                            const domain::PoolId& pool,
                                            const std::vector<domain::NodeId>& nodes);

/// Asks flex jobs to give way where they hold what `job`'s booking needs at its start: the youngest
/// first, no more than needed. Empty if none is in the way that has not been asked.
std::vector<Event> clear_way(const View& view, const Job& job);

}  // namespace ledger::jobs
