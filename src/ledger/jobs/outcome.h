#pragma once
#include "ledger/jobs/jobs.h"

namespace ledger::jobs {

/// What follows when every rank of the live attempt has ended: the job ends, or goes on with
/// another attempt. The cause of an attempt is the gravest among its ranks, so that peers that
/// failed because one was lost do not hide it.
std::vector<Event> conclude(const View& view, const Job& job);

/// Whether an attempt that ended so was not asked to, and may do better the next time.
bool is_passing_failure(domain::ExitCause cause);
/// Whether it was the machine that failed, and not the program.
bool is_machine_failure(domain::ExitCause cause);

}  // namespace ledger::jobs
