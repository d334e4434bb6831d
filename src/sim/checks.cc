#include "sim/checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace sim {

using domain::ExitCause;
using domain::JobId;
using domain::JobState;
using domain::Money;
using ledger::jobs::Job;

namespace {

/// A job that floods the log with its extensions would stop the others.
constexpr int kMostExtensions = 100;
/// And so would one that is tried without a pause.
constexpr int kMostAttempts = 60;

std::string name(const ports::RankKey& key) {
  return fmt::format("{}.{}.{}", key.job.value, key.attempt, key.rank);
}

}  // namespace

void Checks::note(const std::string& promise, std::string what) {
  if (noted_.insert(promise).second) violations_.push_back({promise, std::move(what)});
}

void Checks::look_at_machines() {
  std::map<JobId, std::int32_t> attempts;
  for (const auto& host : hosts_) {
    std::map<std::string, ports::RankKey> users;
    for (const auto& key : host->machine().alive()) {
      const auto [attempt, is_first] = attempts.emplace(key.job, key.attempt);
      if (!is_first && attempt->second != key.attempt) {
        note("P3", fmt::format("attempts {} and {} of job {} are alive at once", attempt->second,
                               key.attempt, key.job.value));
      }
      for (const auto& gpu : gpus_of(*host->machine().find_launch(key))) {
        const auto [user, is_free] = users.emplace(gpu, key);
        if (is_free) continue;
        note("P2",
             fmt::format("{} is held by ranks {} and {}", gpu, name(user->second), name(key)));
      }
      look_at_rank(*host, key);
    }
  }
}

/// What is alive holds its place in the ledger.
void Checks::look_at_rank(const Host& host, const ports::RankKey& key) {
  if (!head_.is_up() || head_.is_behind()) return;
  const auto& all = head_.state().jobs.held;
  const auto held = all.find(host.node());
  const bool is_held =
      held != all.end() && std::ranges::any_of(held->second, [&](const auto& place) {
        return place.job == key.job && place.attempt == key.attempt && place.rank == key.rank;
      });
  if (is_held) return;
  note("P4",
       fmt::format("rank {} is alive on {}, but its place is free", name(key), host.node().value));
}

void Checks::look_at_ledger(domain::Time now) {
  look_at_closed_nodes(now);
  const auto& accounts = head_.state().accounts;
  if (ledger::accounts::sum(accounts) != Money{}) note("P8", "the accounts do not sum up to zero");
  for (const auto& [account, amount] : accounts.balances) {
    const bool may_owe = account == ledger::accounts::house_account() ||
                         account == ledger::accounts::grants_account();
    if (may_owe || amount >= Money{}) continue;
    note("P8", fmt::format("{} is below zero: {}", account.value, amount.micros));
  }
}

/// Nothing lives on a node a minute after it was to be left: what runs to the end of its time there
/// may take its grace, and a controller or an agent may be away for a while.
void Checks::look_at_closed_nodes(domain::Time now) {
  if (!is_strict()) return;
  const auto& nodes = head_.state().nodes;
  for (const auto& [id, closure] : nodes.closures) {
    const domain::Time made = closures_.try_emplace(id, now).first->second;
    const auto when = domain::next_occurrence(closure.times, now);
    if (!when || now < std::max(when->from, made) + domain::kMinute) continue;
    for (const auto& host : hosts_) {
      if (host->machine().alive().empty()) continue;
      const auto closed = ledger::nodes::closed_by(nodes, closure);
      if (std::ranges::find(closed, host->node()) == closed.end()) continue;
      note("closing", fmt::format("something runs on {}, which is closed", host->node().value));
    }
  }
}

void Checks::look_at_log() {
  for (const auto& loss : head_.losses()) note("P1", loss);
  for (const auto& [id, bid] : users_.bids()) {
    if (!users_.granted().contains(id) || head_.state().jobs.by_command.contains(id)) continue;
    note("P1", fmt::format("{} was acknowledged and is gone", id.value));
  }
}

void Checks::look_at_restart() {
  if (!head_.is_up()) return;
  for (; folded_facts_ < head_.facts().size(); ++folded_facts_) {
    ledger::apply(folded_, head_.facts()[folded_facts_]);
  }
  if (ledger::hash(folded_) == ledger::hash(head_.state())) return;
  note("rebuild", "a controller came back with another state than the facts give");
}

void Checks::look_back(domain::Time) {
  if (!head_.is_up()) return;
  check_promises();
  check_widths();
  check_prices();
  check_quotes();
  check_broken_promises();
  check_firm_starts();
  check_causes();
  check_ends();
  check_bad_nodes();
  check_offers_of_checkpoints();
  check_newest_checkpoints();
  check_grace();
  check_order();
  check_attribution();
  check_money();
  check_wishes();
  check_rebuild();
}

/// P5: where only controllers and agents die, no rank ends but by its own doing or by a stop.
void Checks::check_causes() {
  if (perils_.loses_hardware() || perils_.disks) return;
  for (const auto& [id, job] : head_.state().jobs.jobs) {
    for (const auto& attempt : job.attempts) {
      const bool own = attempt.cause == ExitCause::success || attempt.cause == ExitCause::failed ||
                       attempt.cause == ExitCause::crashed;
      if (own || attempt.stop != ledger::jobs::StopKind::none) continue;
      note("P5", fmt::format("attempt {} of job {}: {}", attempt.number, id.value, attempt.detail));
    }
  }
}

/// P7: every job has an end with a cause, told by its history, and a success is one.
void Checks::check_ends() {
  for (const auto& [id, job] : head_.state().jobs.jobs) {
    if (!domain::is_final(job.state)) {
      note("liveness", fmt::format("job {} has not ended: {}", id.value, job.cause));
      continue;
    }
    if (job.cause.empty()) note("P7", fmt::format("job {} ended without a cause", id.value));
    const bool is_told = !job.history.empty() && job.history.back().state == job.state &&
                         job.history.back().at == job.ended;
    if (!is_told) note("P7", fmt::format("the history of job {} does not tell its end", id.value));
    if (job.state == JobState::succeeded) check_success(job);
    if (job.attempts_made > kMostAttempts) {
      note("P9", fmt::format("job {} was tried {} times", id.value, job.attempts_made));
    }
  }
  for (const auto& [job, times] : extensions()) {
    if (times > kMostExtensions) {
      note("P9", fmt::format("job {} was extended {} times", job.value, times));
    }
  }
  if (!head_.state().jobs.queue.empty()) note("liveness", "the queue is not empty");
}

std::map<JobId, int> Checks::extensions() const {
  std::map<JobId, int> times;
  for (const auto& fact : head_.facts()) {
    if (const auto* one = std::get_if<ledger::jobs::JobExtended>(&fact.event)) ++times[one->job];
  }
  return times;
}

void Checks::check_success(const Job& job) {
  const auto& attempt = job.attempts.back();
  for (std::size_t rank = 0; rank < attempt.ranks.size(); ++rank) {
    const ports::RankKey key{job.id, attempt.number, static_cast<std::int32_t>(rank)};
    const auto host = std::ranges::find_if(
        hosts_, [&](const auto& each) { return each->node() == attempt.ranks[rank].node; });
    const auto end = (*host)->ends().find(key);
    const bool is_good =
        end != (*host)->ends().end() && end->second.exit_code == 0 && end->second.signal == 0;
    if (!is_good)
      note("P7", fmt::format("job {} is a success, but not rank {}", job.id.value, rank));
  }
}

/// P8: every hold is settled or released, once.
void Checks::check_money() {
  std::map<JobId, Money> held;
  std::map<JobId, int> ends;
  for (const auto& fact : head_.facts()) {
    if (const auto* moved = std::get_if<ledger::accounts::MoneyMoved>(&fact.event)) {
      const auto hold = ledger::accounts::hold_account(moved->job);
      if (moved->to == hold) held[moved->job] += moved->amount;
      if (moved->from == hold) held[moved->job] -= moved->amount;
    }
    if (const auto* ended = std::get_if<ledger::jobs::JobEnded>(&fact.event)) ++ends[ended->job];
  }
  for (const auto& [job, amount] : held) {
    if (amount != Money{})
      note("P8", fmt::format("job {} still holds {}", job.value, amount.micros));
  }
  for (const auto& [job, times] : ends) {
    if (times != 1) note("P8", fmt::format("job {} ended {} times", job.value, times));
  }
  for (const auto& [account, amount] : head_.state().accounts.balances) {
    if (account.value.starts_with("hold:")) note("P8", account.value + " is still there");
  }
}

/// P9: what was refused as bad has left no fact. P1: a wish said twice is granted once.
void Checks::check_wishes() {
  std::map<domain::CommandId, int> bids;
  for (const auto& fact : head_.facts()) {
    if (users_.bad().contains(fact.command)) {
      note("P9", fmt::format("{} was refused as bad, and became a fact", fact.command.value));
    }
    const bool is_bid = std::holds_alternative<ledger::jobs::JobAccepted>(fact.event) ||
                        std::holds_alternative<ledger::jobs::BidRefused>(fact.event);
    if (is_bid && ++bids[fact.command] > 1) {
      note("P1", fmt::format("{} was decided twice", fact.command.value));
    }
  }
}

/// The facts give the state that was lived, and a state that was kept goes on as it.
void Checks::check_rebuild() {
  ledger::State folded;
  for (const auto& text : head_.texts()) ledger::apply(folded, *ledger::decode(text));
  const std::string lived = ledger::encode(head_.state());
  if (ledger::encode(folded) != lived) note("rebuild", "the facts give another state");
  if (users_.quotes_that_changed() != 0) note("P9", "asking for a quote changed the state");
  const auto decoded = ledger::decode_state(lived);
  if (!decoded || ledger::encode(*decoded) != lived)
    note("rebuild", "a kept state comes back changed");
}

}  // namespace sim
