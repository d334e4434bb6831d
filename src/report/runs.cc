#include "report/runs.h"

#include <algorithm>

namespace report {

using domain::Time;

void Runs::end(const Key& key, Time at) {
  const auto found = live_.find(key);
  if (found == live_.end()) return;
  RankRun run = std::move(found->second);
  live_.erase(found);
  run.period.to = std::min(at, period_.to);
  if (run.period.from >= run.period.to) return;
  ended_.push_back(std::move(run));
  if (ended_.size() > most_) ended_.pop_front();
}

void Runs::take(const ledger::Fact& fact) {
  if (const auto* started = std::get_if<ledger::jobs::AttemptStarted>(&fact.event)) {
    for (std::int32_t rank = 0; rank < std::ssize(started->ranks); ++rank) {
      live_[{started->job, rank}] = {started->job,
                                     started->attempt,
                                     rank,
                                     started->ranks[static_cast<std::size_t>(rank)].node,
                                     {std::max(fact.at, period_.from), period_.to}};
    }
  } else if (const auto* ended = std::get_if<ledger::jobs::RankEnded>(&fact.event)) {
    end({ended->job, ended->rank}, fact.at);
  }
}

std::vector<RankRun> Runs::list() const {
  std::vector<RankRun> all(ended_.begin(), ended_.end());
  for (const auto& [key, run] : live_) {
    if (all.size() < most_ && run.period.from < run.period.to) all.push_back(run);
  }
  return all;
}

}  // namespace report
