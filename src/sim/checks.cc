#include "sim/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/check.h"

namespace sim {

using domain::ExitCause;
using domain::JobId;
using domain::JobState;
using domain::Money;
using ledger::jobs::Job;

namespace {

/// A job that floods the log with its extensions would stop the others.
constexpr int kMostExtensions = 100;

std::string name(const ports::RankKey& key) {
  return fmt::format("{}.{}.{}", key.job.value, key.attempt, key.rank);
}

/// Every GPU that a rank was given, simulated ones too, which CUDA_VISIBLE_DEVICES leaves out.
std::vector<std::string> gpus_of(const ports::Launch& launch) {
  std::vector<std::string> gpus;
  const auto given = launch.env.find("BERTH_GPUS");
  CHECK(given != launch.env.end(), "every rank is told its GPUs, if only that it has none");
  std::istringstream list(given->second);
  for (std::string gpu; std::getline(list, gpu, ',');) {
    if (!gpu.empty()) gpus.push_back(gpu);
  }
  return gpus;
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

void Checks::look_at_ledger() {
  const auto& accounts = head_.state().accounts;
  if (ledger::accounts::sum(accounts) != Money{}) note("P8", "the accounts do not sum up to zero");
  for (const auto& [account, amount] : accounts.balances) {
    const bool may_owe = account == ledger::accounts::house_account() ||
                         account == ledger::accounts::grants_account();
    if (may_owe || amount >= Money{}) continue;
    note("P8", fmt::format("{} is below zero: {}", account.value, amount.micros));
  }
}

void Checks::look_at_log() {
  for (const auto& loss : head_.losses()) note("P1", loss);
  for (const auto& [id, bid] : users_.bids()) {
    if (!users_.granted().contains(id) || head_.state().jobs.by_command.contains(id)) continue;
    note("P1", fmt::format("{} was acknowledged and is gone", id.value));
  }
}

void Checks::look_back(domain::Time) {
  if (!head_.is_up()) return;
  check_promises();
  check_firm_starts();
  check_causes();
  check_ends();
  check_money();
  check_wishes();
  check_rebuild();
}

/// P6: what nobody disturbed is done in time, and costs what was said.
void Checks::check_promises() {
  const bool is_strict = !perils_.loses_hardware() && !perils_.disks;
  for (const auto& [id, job] : head_.state().jobs.jobs) {
    if (job.state == JobState::refused || users_.touched().contains(id)) continue;
    const auto bid = users_.bids().find(job.command);
    if (bid == users_.bids().end()) continue;
    if (job.state == JobState::lost && !perils_.loses_hardware()) {
      note("P6", fmt::format("the promise to job {} broke, but no hardware was lost", id.value));
    }
    const bool is_good = bid->second.fate == Fate::honest || bid->second.fate == Fate::early;
    const bool is_promised = bid->second.spec.bid.job_class != domain::JobClass::flex;
    if (!is_strict || !is_good || !is_promised) continue;
    const auto deadline = bid->second.spec.bid.deadline;
    if (job.state != JobState::succeeded || job.ended > deadline) {
      note("P6", fmt::format("job {} ended {} ms after its deadline: {}", id.value,
                             (job.ended - deadline).ms, job.cause));
    }
  }
  std::map<JobId, Money> prices;
  for (const auto& fact : head_.facts()) {
    if (const auto* accepted = std::get_if<ledger::jobs::JobAccepted>(&fact.event)) {
      prices[accepted->job] = accepted->price;
    }
    const auto* extended = std::get_if<ledger::jobs::JobExtended>(&fact.event);
    if (extended == nullptr || extended->price == Money{}) continue;
    prices[extended->job] += extended->price;
    const Job& job = head_.state().jobs.jobs.at(extended->job);
    const auto bid = users_.bids().find(job.command);
    const bool is_good = bid != users_.bids().end() &&
                         (bid->second.fate == Fate::honest || bid->second.fate == Fate::early);
    const bool is_promised = job.spec.bid.job_class != domain::JobClass::flex;
    if (is_strict && is_good && is_promised && extended->why != "asked for") {
      note("P6", fmt::format("the price of job {} rose: {}", job.id.value, extended->why));
    }
  }
  for (const auto& [id, price] : prices) {
    if (head_.state().jobs.jobs.at(id).price != price) {
      note("P6", fmt::format("the price of job {} is not what was said", id.value));
    }
  }
}

/// P6: a firm start is where it was promised, whatever happens.
void Checks::check_firm_starts() {
  const bool is_strict = !perils_.loses_hardware() && !perils_.disks;
  std::map<JobId, domain::Time> starts;
  for (const auto& fact : head_.facts()) {
    if (const auto* accepted = std::get_if<ledger::jobs::JobAccepted>(&fact.event)) {
      if (accepted->spec.bid.firm) starts[accepted->job] = accepted->offer->start;
    } else if (const auto* moved = std::get_if<ledger::jobs::BookingsMoved>(&fact.event)) {
      for (const auto& move : moved->moves) {
        const auto start = starts.find(move.job);
        if (start == starts.end() || start->second == move.start) continue;
        note("P6", fmt::format("the firm start of job {} moved", move.job.value));
      }
    } else if (const auto* started = std::get_if<ledger::jobs::AttemptStarted>(&fact.event)) {
      const auto start = starts.find(started->job);
      if (start == starts.end()) continue;
      const auto late = fact.at - start->second;
      if (late < domain::Duration{} || (is_strict && late > domain::kMinute)) {
        note("P6", fmt::format("firm job {} started {} ms late", started->job.value, late.ms));
      }
      starts.erase(start);
    }
  }
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
  const auto decoded = ledger::decode_state(lived);
  if (!decoded || ledger::encode(*decoded) != lived)
    note("rebuild", "a kept state comes back changed");
}

}  // namespace sim
