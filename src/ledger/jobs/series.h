#pragma once
#include <string_view>
#include <vector>

#include "ledger/jobs/job.h"

// Jobs that were bid by one submission: their command ids are the same but for the number behind
// the last '#'.
namespace ledger::jobs {

/// The jobs that were bid together with `job`, itself included, as far as they are still known; in
/// the order of their ids. O(jobs of the series)
std::vector<domain::JobId> bid_together(const State& state, const Job& job);

/// The first of the jobs bid together with `job` that is still known: itself if it was bid alone.
/// O(log jobs)
domain::JobId series_of(const State& state, const Job& job);

/// Of the team's newest submission with a job called `name`: all jobs called so. Looks at no more
/// than 20,000 of the team's jobs.
std::vector<domain::JobId> newest_named(const State& state, const domain::TeamId& team,
                                        std::string_view name);

}  // namespace ledger::jobs
