#pragma once
#include <vector>

#include "ledger/jobs/jobs.h"

namespace ledger::jobs {

/// The queued jobs that may start now, in the order in which they are given what is idle: teams by
/// what they have used against their share, the least first; inside a team by priority, then by
/// place in the queue. Of equal asks of a team only the first. At most a few hundred, and at least
/// the first of each team. O(teams x log teams + jobs returned), and past jobs at the head of their
/// groups that wait for a retry or their earliest start.
std::vector<const Job*> flex_order(const View& view);

/// How many queued jobs of the same team stand before `job`; at most `most`. O(most).
std::size_t ahead_in_team(const State& state, const Job& job, std::size_t most);

}  // namespace ledger::jobs
