#include "ledger/jobs/settle.h"

#include <algorithm>

#include "ledger/jobs/dependencies.h"
#include "ledger/jobs/widths.h"

namespace ledger::jobs {
namespace {

using domain::Duration;
using domain::Money;

/// `amount` x `part` / `whole`, rounded up; exact, whatever the sizes.
Money share(Money amount, std::int64_t part, std::int64_t whole) {
  const auto product = static_cast<__int128>(amount.micros) * part;
  return {static_cast<std::int64_t>((product + whole - 1) / whole)};
}

/// Time that has been used, with the attempt that is ending now.
Duration used(const Job& job, domain::Time now) {
  const Attempt* attempt = live_attempt(job);
  Duration sum = job.used;
  if (attempt != nullptr) sum = sum + used_by(job, *attempt, now);
  return sum;
}

bool is_priced(const View& view) { return view.accounts.prices.pricing == era::Pricing::on; }

Money due(const View& view, const Job& job) {
  if (!is_priced(view)) return {};
  const Duration counted = std::min(used(job, view.now), job.charged);
  if (job.price == Money{} || job.charged <= Duration{}) return {};
  if (job.spec.bid.job_class == domain::JobClass::flex && !job.attempts.empty()) {
    const auto& pool = job.attempts.back().pool;
    return std::min(job.price, era::flex_price_on(view.plan, job.spec.bid, pool, counted));
  }
  return share(job.price, counted.ms, job.charged.ms);
}

}  // namespace

Money spendable(const View& view, const domain::TeamId& team) {
  return accounts::balance(view.accounts, accounts::team_account(team));
}

accounts::MoneyMoved hold(const domain::TeamId& team, domain::JobId job, Money amount,
                          std::string why) {
  return {accounts::team_account(team), accounts::hold_account(job), amount, std::move(why), job};
}

std::vector<Event> end_job(const View& view, const Job& job, domain::JobState state,
                           const std::string& cause) {
  std::vector<Event> events;
  const auto held_by = accounts::hold_account(job.id);
  const auto team = accounts::team_account(job.team);
  const bool broken = state == domain::JobState::lost;
  const Money pays = broken ? Money{} : std::min(job.held, due(view, job));
  if (pays > Money{}) {
    events.push_back(
        accounts::MoneyMoved{held_by, accounts::house_account(), pays, "settle", job.id});
  }
  if (job.held > pays) {
    events.push_back(accounts::MoneyMoved{held_by, team, job.held - pays, "refund", job.id});
  }
  const bool owes = broken && is_priced(view) && !is_late_by_own_doing(view.jobs, job);
  const Money penalty = owes ? share(job.price, kPenaltyPermille, 1'000) : Money{};
  if (penalty > Money{}) {
    events.push_back(
        accounts::MoneyMoved{accounts::house_account(), team, penalty, "penalty", job.id});
  }
  events.push_back(JobEnded{job.id, state, cause});
  return events;
}

}  // namespace ledger::jobs
