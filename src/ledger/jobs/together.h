#pragma once
#include <vector>

#include "ledger/jobs/jobs.h"

// Bids of one submission, of which all are accepted or none. docs/economy.md has the rules.
namespace ledger::jobs {

/// The command id of bid `number` of the submission `command`.
domain::CommandId numbered(const domain::CommandId& command, std::size_t number);

/// Answers all bids of `wish` on one draft of the state, each on what those before it left. If one
/// is refused all are, and nothing is booked. O(bids x quote + jobs known)
base::Result<std::vector<Event>> decide_together(const View& view, const domain::CommandId& command,
                                                 const MakeBids& wish);

/// The bids that `spec.repeat` stands for, windows shifted; `spec` alone if it has none. Says no,
/// with the field, to more than kMostOccurrences.
base::Result<std::vector<domain::JobSpec>> occurrences(const domain::JobSpec& spec,
                                                       domain::Time now);

}  // namespace ledger::jobs
