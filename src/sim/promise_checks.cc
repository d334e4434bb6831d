#include <fmt/format.h>

#include <algorithm>

#include "era/width_pieces.h"
#include "ledger/jobs/outcome.h"
#include "sim/checks.h"

// P6: what is admitted is done by its deadline, a firm start never moves, the price never rises;
// where lost hardware makes that impossible, the books say so.
namespace sim {

using domain::ExitCause;
using domain::JobId;
using domain::JobState;
using domain::Money;
using ledger::jobs::AttemptStarted;
using ledger::jobs::Job;

namespace {

/// Jobs to which hardware was lost, by the facts.
std::set<JobId> struck(const std::vector<ledger::Fact>& facts) {
  std::set<JobId> jobs;
  for (const auto& fact : facts) {
    if (const auto* ended = std::get_if<ledger::jobs::RankEnded>(&fact.event)) {
      if (ledger::jobs::is_machine_failure(ended->cause)) jobs.insert(ended->job);
    } else if (const auto* lost = std::get_if<ledger::jobs::BookingLost>(&fact.event)) {
      if (lost->why != "its place was not free in time") jobs.insert(lost->job);
    } else if (const auto* moved = std::get_if<ledger::jobs::BookingsMoved>(&fact.event)) {
      if (moved->why != "its node takes no work then") continue;
      for (const auto& move : moved->moves) jobs.insert(move.job);
    }
  }
  return jobs;
}

}  // namespace

const Users::Bid* Checks::good_bid(const Job& job) const {
  const bool is_on_its_own = !users_.touched().contains(job.id) && job.spec.after.empty();
  if (job.state == JobState::refused || !is_on_its_own) return nullptr;
  const auto bid = users_.bids().find(job.command);
  if (bid == users_.bids().end()) return nullptr;
  const bool is_good = bid->second.fate == Fate::honest || bid->second.fate == Fate::early;
  return is_good ? &bid->second : nullptr;
}

/// What nobody disturbed is done in time.
void Checks::check_promises() {
  const auto struck_jobs = struck(head_.facts());
  for (const auto& [id, job] : head_.state().jobs.jobs) {
    if (job.state == JobState::lost && !perils_.loses_hardware()) {
      note("P6", fmt::format("the promise to job {} broke, but no hardware was lost", id.value));
    }
    const auto* bid = good_bid(job);
    const bool is_promised = bid != nullptr && bid->spec.bid.job_class != domain::JobClass::flex;
    const bool is_excused = perils_.disks || struck_jobs.contains(id);
    if (!is_promised || (!is_strict() && is_excused)) continue;
    if (job.state != JobState::succeeded || job.ended > job.spec.bid.deadline) {
      note("P6", fmt::format("job {} ended {} ms after its deadline: {}", id.value,
                             (job.ended - job.spec.bid.deadline).ms, job.cause));
    }
  }
}

/// What is promised to an elastic job does its work in time, and it only ever runs on its widths.
void Checks::check_widths() {
  for (const auto& [at, accepted] : all<ledger::jobs::JobAccepted>()) {
    const auto& bid = accepted->spec.bid;
    if (bid.widths.empty() || !accepted->offer) continue;
    const auto& offer = *accepted->offer;
    era::Pieces pieces{{offer.start, offer.finish, offer.nodes}};
    pieces.insert(pieces.end(), offer.later.begin(), offer.later.end());
    const std::int64_t work = era::work_of(pieces, bid.widths, bid.restart, false);
    if (work < era::work_of(bid) || end_of(offer) > bid.deadline)
      note("P6", fmt::format("job {} was promised too little", accepted->job.value));
  }
  for (const auto& [at, started] : all<AttemptStarted>()) {
    const Job& job = head_.state().jobs.jobs.at(started->job);
    const auto ranks = std::ssize(started->ranks);
    const auto& bid = job.spec.bid;
    const bool is_asked =
        bid.widths.empty() ? ranks == bid.shape.ranks : domain::speed_on(bid.widths, ranks) > 0;
    if (!is_asked) note("P6", fmt::format("job {} ran on {} ranks", started->job.value, ranks));
  }
}

/// The price never rises, but by what its user asked for or by a program that runs over its time.
void Checks::check_prices() {
  std::map<JobId, Money> prices;
  for (const auto& [at, accepted] : all<ledger::jobs::JobAccepted>()) {
    prices[accepted->job] = accepted->price;
  }
  for (const auto& [at, extended] : all<ledger::jobs::JobExtended>()) {
    prices[extended->job] += extended->price;
    if (extended->price == Money{} || extended->why == "asked for") continue;
    const Job& job = head_.state().jobs.jobs.at(extended->job);
    const auto* bid = good_bid(job);
    const bool is_promised = bid != nullptr && bid->spec.bid.job_class != domain::JobClass::flex;
    if (is_strict() && is_promised) {
      note("P6", fmt::format("the price of job {} rose: {}", job.id.value, extended->why));
    }
  }
  for (const auto& [id, price] : prices) {
    const Job& job = head_.state().jobs.jobs.at(id);
    if (job.price != price) {
      note("P6", fmt::format("the price of job {} is not what was said", id.value));
    }
    if (job.paid > price) note("P6", fmt::format("job {} paid more than its price", id.value));
    const auto& most = job.spec.bid.max_price;
    if (most && price > *most && !users_.touched().contains(id)) {
      note("P6", fmt::format("the price of job {} is above what its bid allows", id.value));
    }
  }
}

/// A quoted bid gets exactly what was quoted, or hears that it is gone.
void Checks::check_quotes() {
  for (const auto& what : users_.unclear()) note("P6", what);
  for (const auto& [at, refused] : all<ledger::jobs::BidRefused>()) {
    const auto bid = users_.bids().find(refused->command);
    const bool is_fair = bid == users_.bids().end() || !bid->second.quoted ||
                         refused->refusal.reason == era::RefusalReason::insufficient_funds;
    if (!is_fair) note("P6", fmt::format("{} was quoted and refused", refused->command.value));
  }
  for (const auto& [at, accepted] : all<ledger::jobs::JobAccepted>()) {
    const auto bid = users_.bids().find(accepted->command);
    if (bid == users_.bids().end() || !bid->second.quoted) continue;
    const auto& quoted = *bid->second.quoted;
    const auto& given = accepted->offer;
    // Pieces of which the first should have begun are cut anew, at no higher price.
    const bool is_cut_anew = !quoted.later.empty() && quoted.start < at;
    const bool is_as_good = given && accepted->price <= quoted.price;
    const bool is_same = given && accepted->price == quoted.price && given->nodes == quoted.nodes &&
                         given->start == std::max(quoted.start, at);
    if (is_cut_anew ? !is_as_good : !is_same)
      note("P6", fmt::format("{} did not get its quote", accepted->command.value));
  }
  for (const auto& fact : head_.facts()) {
    if (!users_.gone().contains(fact.command)) continue;
    note("P9", fmt::format("the quote of {} was gone, but it became a fact", fact.command.value));
  }
}

/// A promise that broke is told, costs nothing, and its penalty stands in the books.
void Checks::check_broken_promises() {
  std::set<JobId> told;
  for (const auto& [at, broken] : all<ledger::jobs::PromiseBroken>()) told.insert(broken->job);
  std::map<JobId, Money> penalties;
  for (const auto& [at, moved] : all<ledger::accounts::MoneyMoved>()) {
    if (moved->why == "penalty") penalties[moved->job] += moved->amount;
  }
  for (const auto& [id, job] : head_.state().jobs.jobs) {
    if ((job.state == JobState::lost) != told.contains(id)) {
      note("P6", fmt::format("job {} is lost or its promise broken, but not both", id.value));
    }
    const bool is_due = job.state == JobState::lost && job.price > Money{};
    if (is_due != (penalties[id] > Money{}) || (is_due && job.paid > Money{})) {
      note("P6",
           fmt::format("the books of job {} do not show what its promise is worth", id.value));
    }
  }
}

/// P6: a firm start is where it was promised, whatever happens.
void Checks::check_firm_starts() {
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
      if (late < domain::Duration{} || (is_strict() && late > domain::kMinute)) {
        note("P6", fmt::format("firm job {} started {} ms late", started->job.value, late.ms));
      }
      starts.erase(start);
    }
  }
}

}  // namespace sim
