#pragma once
#include <string>

#include "ledger/jobs/jobs.h"

namespace ledger::jobs {

/// The facts that end a job: what it used is paid, the rest of its hold goes back; a broken promise
/// is free of charge and the house pays the penalty on top (P6, P8).
std::vector<Event> end_job(const View& view, const Job& job, domain::JobState state,
                           const std::string& cause);

/// Of a broken promise's price, paid to the team beside the full refund.
inline constexpr std::int64_t kPenaltyPermille = 100;

/// What `team` may still spend.
domain::Money spendable(const View& view, const domain::TeamId& team);

/// The team pays `amount` more into the job's hold.
accounts::MoneyMoved hold(const domain::TeamId& team, domain::JobId job, domain::Money amount,
                          std::string why);

}  // namespace ledger::jobs
