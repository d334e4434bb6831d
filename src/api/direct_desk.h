#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "controller/desk.h"
#include "ports/clock.h"

namespace api {

/// For tests: a desk that decides at once, on the caller's thread, and keeps its facts in memory.
class DirectDesk final : public controller::Desk {
 public:
  explicit DirectDesk(const ports::Clock& clock) : clock_(clock) {}

  bool submit(ledger::Command command, Reply reply) override {
    if (is_full) return false;
    ++submits;
    base::Result<> done;
    auto events = ledger::decide(state, command, clock_.now());
    if (failure) {
      done = std::unexpected(*failure);
    } else if (events) {
      for (auto& event : *events) keep({clock_.now(), command.by, command.id, std::move(event)});
      settle();
    } else {
      done = base::pass(events);
    }
    if (reply) reply(done, reading());
    return true;
  }

  bool read(Look look) override {
    if (is_full) return false;
    look(reading());
    return true;
  }

  bool follow(std::uint64_t from, Follow follow) override {
    if (is_full) return false;
    for (std::size_t at = from; at < log.size(); ++at) {
      if (!follow(log[at])) return true;
    }
    followers_.push_back(std::move(follow));
    return true;
  }

  bool facts(std::uint64_t from, std::size_t most,
             std::function<void(base::Result<std::vector<controller::PlacedFact>>)> done) override {
    std::vector<controller::PlacedFact> found;
    for (std::size_t at = from; at < log.size() && found.size() < most; ++at)
      found.push_back(log[at]);
    done(std::move(found));
    return true;
  }

  void watch_files(domain::JobId job, std::function<bool()> changed) override {
    watchers_.emplace_back(job, std::move(changed));
  }

  /// Tells those who watch that a file of `job` has grown.
  void files_changed(domain::JobId job) {
    auto watchers = std::exchange(watchers_, {});
    std::erase_if(watchers, [&](auto& each) { return each.first == job && !each.second(); });
    watchers_.insert(watchers_.end(), watchers.begin(), watchers.end());
  }

  /// Lets time act on the state.
  void settle() {
    ledger::jobs::Memo memo;
    for (auto events = ledger::next(state, memo, clock_.now()); !events.empty();
         events = ledger::next(state, memo, clock_.now())) {
      for (auto& event : events) keep({clock_.now(), {}, {}, std::move(event)});
    }
  }

  controller::Reading reading() { return {state, log.size(), clock_.now(), presence, quotes}; }

  ledger::State state;
  std::vector<controller::PlacedFact> log;
  std::map<domain::NodeId, controller::Presence> presence;
  controller::QuoteBook quotes;
  bool is_full = false;                ///< Like a desk whose queue is full.
  std::optional<base::Error> failure;  ///< What every wish is answered with.
  int submits = 0;

 private:
  void keep(ledger::Fact fact) {
    ledger::apply(state, fact);
    log.push_back({log.size(), std::move(fact)});
    const controller::PlacedFact placed = log.back();
    auto followers = std::exchange(followers_, {});
    std::erase_if(followers, [&](Follow& each) { return !each(placed); });
    followers_.insert(followers_.begin(), followers.begin(), followers.end());
  }

  const ports::Clock& clock_;
  std::vector<Follow> followers_;
  std::vector<std::pair<domain::JobId, std::function<bool()>>> watchers_;
};

}  // namespace api
