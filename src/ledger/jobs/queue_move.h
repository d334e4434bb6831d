#pragma once
#include "ledger/jobs/jobs.h"

namespace ledger::jobs {

/// Exchanges places in the queue: the job gets the place at the spot, those between move up or down
/// by one, and nobody else moves. So a user who moves their own jobs passes none of a colleague's.
/// Says no with `not_found` and `conflict` for jobs that are not queued, and where more than 2,000
/// would have to move. O(queued jobs of the team).
base::Result<std::vector<Event>> move_in_queue(const View& view, const MoveInQueue& wish);

}  // namespace ledger::jobs
