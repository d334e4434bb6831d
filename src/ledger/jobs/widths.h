#pragma once
#include "ledger/jobs/job.h"

// The time of an elastic job is counted as its bid says it: on the width that it asked for.
namespace ledger::jobs {

/// `time` on so many ranks, as the bid counts it. The same for a job that is not elastic.
domain::Duration as_asked(const domain::Bid& bid, domain::Duration time, std::int64_t ranks);
/// How long it takes so many ranks to do what the bid counts as `time`.
domain::Duration on_ranks(const domain::Bid& bid, domain::Duration time, std::int64_t ranks);

/// What `bid` is charged for with `offer`: its duration, and where it is not elastic also what its
/// restarts take.
domain::Duration charged_for(const domain::Bid& bid, const era::Offer& offer);
/// What `attempt` has had of what `job` is charged for, until `until`.
domain::Duration used_by(const Job& job, const Attempt& attempt, domain::Time until);

/// GPUs of a job on so many nodes, one for each rank.
std::int32_t gpus_on(const domain::Bid& bid, const std::vector<domain::NodeId>& nodes);
/// On how many ranks the last piece of a booking runs.
std::int64_t last_ranks(const era::Booking& booking);

}  // namespace ledger::jobs
