#include "report/bids.h"

namespace report {

using domain::Time;

void Bids::add(const domain::Bid& bid, Time at, bool accepted) {
  BidLine line{.at = at,
               .earliest = bid.earliest,
               .deadline = std::nullopt,
               .job_class = bid.job_class,
               .gpus = bid.shape.ranks * bid.shape.per_rank.gpus,
               .stated = bid.duration,
               .ran = std::nullopt,
               .value = bid.max_price,
               .preemptible = bid.preemptible,
               .restart = bid.restart,
               .accepted = accepted};
  if (bid.deadline < domain::kNever) line.deadline = bid.deadline;
  bids_.push_back(line);
  if (bids_.size() <= most_) return;
  bids_.pop_front();
  ++dropped_;
}

void Bids::take(const ledger::jobs::JobAccepted& fact, Time at) {
  add(fact.spec.bid, at, true);
  BidLine& line = bids_.back();
  if (!line.value && fact.price > domain::Money{}) line.value = fact.price;
  live_[fact.job] = {dropped_ + std::ssize(bids_) - 1, {}, {}};
}

void Bids::take(const ledger::jobs::AttemptStarted& fact, Time at) {
  const auto found = live_.find(fact.job);
  if (found == live_.end()) return;
  Attempts& job = found->second;
  const bool goes_on = !fact.resume_from.empty() && job.started > Time{};
  job.before = goes_on ? job.before + (at - job.started) : domain::Duration{};
  job.started = at;
}

void Bids::take(const ledger::jobs::JobEnded& fact, Time at) {
  const auto found = live_.find(fact.job);
  if (found == live_.end()) return;
  const Attempts job = found->second;
  live_.erase(found);
  const std::int64_t place = job.number - dropped_;
  if (place < 0 || fact.state != domain::JobState::succeeded || job.started == Time{}) return;
  bids_[static_cast<std::size_t>(place)].ran = job.before + (at - job.started);
}

void Bids::take(const ledger::Fact& fact) {
  if (const auto* refused = std::get_if<ledger::jobs::BidRefused>(&fact.event)) {
    if (period_.has(fact.at)) add(refused->spec.bid, fact.at, false);
  } else if (const auto* accepted = std::get_if<ledger::jobs::JobAccepted>(&fact.event)) {
    if (period_.has(fact.at)) take(*accepted, fact.at);
  } else if (const auto* started = std::get_if<ledger::jobs::AttemptStarted>(&fact.event)) {
    take(*started, fact.at);
  } else if (const auto* ended = std::get_if<ledger::jobs::JobEnded>(&fact.event)) {
    take(*ended, fact.at);
  }
}

BidList Bids::list() const { return {{bids_.begin(), bids_.end()}, dropped_}; }

}  // namespace report
