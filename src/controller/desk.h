#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "controller/quote_book.h"
#include "ledger/ledger.h"
#include "ports/agent_link.h"

namespace controller {

/// What is known of a node beside the ledger; gone with a restart.
struct Presence {
  bool connected = false;
  domain::Time last_report;
  ports::NodeSample sample;
  /// How long the logs of ranks that ended here are, as its agent said; of the newest jobs.
  std::map<ports::RankKey, std::uint64_t> log_bytes;
};

/// What a look at the controller sees. Valid only during the call that got it.
struct Reading {
  const ledger::State& state;
  std::uint64_t position = 0;  ///< Facts in `state`.
  domain::Time now;
  const std::map<domain::NodeId, Presence>& presence;
  QuoteBook& quotes;
  /// Why nodes could not be switched on or off.
  const std::map<domain::NodeId, std::string>& power_failures;
};

/// A fact and its place in the log.
struct PlacedFact {
  std::uint64_t position = 0;
  ledger::Fact fact;
};

/// The way in to the control thread, for everything that is not on it. Thread-safe. Callbacks run
/// on the control thread, between two commands: they look, post the result elsewhere and return
/// soon. Each function returns false, and calls nothing back, when the queue is full.
class Desk {
 public:
  /// `done` holds no value but an error if the wish was not granted; the facts are durable then.
  using Reply = std::function<void(const base::Result<>& done, const Reading&)>;
  using Look = std::function<void(const Reading&)>;
  /// Told every fact in order, none missed; until it returns false.
  using Follow = std::function<bool(const PlacedFact&)>;

  virtual ~Desk() = default;
  virtual bool submit(ledger::Command command, Reply reply) = 0;
  virtual bool read(Look look) = 0;
  /// Facts from position `from` on: those in the log first, then each as it becomes durable.
  virtual bool follow(std::uint64_t from, Follow follow) = 0;
  /// At most `most` facts from `from` on, off the control thread.
  virtual bool facts(std::uint64_t from, std::size_t most,
                     std::function<void(base::Result<std::vector<PlacedFact>>)> done) = 0;
  /// Told when bytes of any kept file of `job` were added, from whichever thread wrote them; until
  /// it returns false.
  virtual void watch_files(domain::JobId job, std::function<bool()> changed) = 0;
};

}  // namespace controller
