#pragma once
#include "ledger/jobs/jobs.h"

// Nodes with a power policy are off while nobody needs them.
namespace ledger::jobs {

/// Switches on what is booked soon, in time for it. O(bookings) if some node is off, else O(nodes).
std::vector<Event> switch_on_booked(const View& view);

/// Switches on what queued jobs could use that have no place now, and off what nobody needs; gives
/// up on what does not come up. Must follow start_flex(). O(bookings) if some node has a policy.
std::vector<Event> switch_by_need(const View& view);

}  // namespace ledger::jobs
