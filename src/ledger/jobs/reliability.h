#pragma once
#include "ledger/jobs/job.h"

namespace ledger::jobs {

/// Counts an attempt that is over. O(ranks)
void learn(Reliability& known, const Attempt& attempt);

/// How long an attempt of `job` on so many nodes can be expected to run until something ends it
/// that may pass: as often as machines failed under the attempts of all jobs, by nodes and time,
/// and on top as often as anything ended those of this one. Somebody's program that fails again
/// and again says nothing of others. Until the cluster has seen enough, what 16,000 A100s of Meta's
/// did: 6.5 failures in 1,000 days of a node (Kokolis et al., Revisiting
/// Reliability in Large-Scale Machine Learning Research Clusters, HPCA 2025). O(attempts x ranks)
domain::Duration mean_time_between_failures(const Reliability& known, const Job& job,
                                            std::int64_t nodes);

}  // namespace ledger::jobs
