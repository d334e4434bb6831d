#pragma once
#include "ledger/jobs/jobs.h"

namespace ledger::jobs {

/// Bookings that `closure` leaves without their place and that have another one inside their
/// promises, moved there. Fails with `conflict` and names the jobs that have none, unless the
/// closure is wished for `anyway`: those are dealt with when their time comes.
/// O(bookings in the way x quote)
base::Result<std::vector<Event>> make_room(const View& view, const nodes::Closure& closure,
                                           bool anyway);

/// What closes `node` within the next minute, or has it closed, so that `job` may not run there.
std::optional<nodes::Closing> closes_on(const View& view, const Job& job,
                                        const domain::NodeId& node);

/// Stops what runs on nodes that are about to close.
std::vector<Event> leave_closing(const View& view);

}  // namespace ledger::jobs
