#pragma once
#include "ledger/jobs/jobs.h"

namespace ledger::jobs {

/// What follows when every rank of the live attempt has ended: the job ends, or goes on with
/// another attempt. The cause of an attempt is the gravest among its ranks, so that peers that
/// failed because one was lost do not hide it.
std::vector<Event> conclude(const View& view, const Job& job);

}  // namespace ledger::jobs
