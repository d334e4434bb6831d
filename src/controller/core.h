#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "controller/power.h"
#include "controller/writer.h"

namespace controller {

constexpr domain::Duration kDefaultLease{45'000};

/// What the control thread does, without the thread: commands in, facts out; agents told what is
/// wanted; nodes found lost when their lease is over. Use it from one thread; time is an argument.
class Core {
 public:
  struct Settings {
    domain::Duration lease = kDefaultLease;  ///< How long ranks outlive their agent's last contact.
    domain::Duration margin{5'000};          ///< On top, before what ran there starts elsewhere.
    domain::Duration silence{
        10'000};  ///< Without a report for so long, nothing new is planned there.
    /// How many seconds of `now` pass in one of the agents', in which the three above are.
    std::int32_t time_scale = 1;
  };
  using Connection = std::shared_ptr<ports::AgentConnection>;

  Core(std::unique_ptr<Writer> writer, Settings settings, domain::Time now);

  /// Commits commands and everything that follows, and tells agents what changed. Returns the
  /// answers; followers have been told the facts.
  std::vector<base::Result<>> commit(std::span<const ledger::Command> commands, domain::Time now);

  /// Agents come, speak and go. What an agent says becomes commands, which the caller commits.
  std::vector<ledger::Command> connected(const Connection& connection, domain::Time now);
  std::vector<ledger::Command> heard(const Connection& connection, const ports::FromAgent& message,
                                     domain::Time now);
  void disconnected(const Connection& connection, domain::Time now);

  /// Commands for what time has brought: leases that are over.
  std::vector<ledger::Command> tick(domain::Time now);
  domain::Time next_wake(domain::Time now) const;

  /// Tells `follow` every fact from now on. `from` must be position(): see Desk::follow.
  void follow(Desk::Follow follow);

  Reading reading(domain::Time now);
  const Writer& writer() const { return *writer_; }
  /// What the node provider is to be asked for.
  Power& power() { return power_; }
  base::Result<> save_snapshot() { return writer_->save_snapshot(); }

 private:
  struct Seat {
    Connection connection;
    /// What it said it has, until that is in the ledger: only then is it told what to run, so that
    /// a machine that has booted again is not told to go on with what it lost.
    std::optional<domain::Inventory> hello;
    bool greeted = false;
    /// What it was last told to run; none: nothing yet.
    std::optional<std::vector<ports::RankOrder>> told;
  };
  void close(const Connection& connection);
  void greet();
  std::vector<ledger::Command> reported(const Connection& connection, const ports::Report& report,
                                        domain::Time now);
  domain::Time last_contact(const domain::NodeId& node) const;
  void tell(const domain::NodeId& node);
  void publish(const std::vector<PlacedFact>& facts);

  std::unique_ptr<Writer> writer_;
  Settings settings_;
  domain::Time started_;
  std::map<domain::NodeId, Seat> seats_;
  std::map<domain::NodeId, Presence> presence_;
  QuoteBook quotes_;
  Power power_;
  std::set<domain::NodeId> greeting_;  ///< Nodes whose hello is not in the ledger yet.
  std::set<domain::NodeId> untold_;    ///< Nodes that may not know what is wanted of them.
  std::vector<Desk::Follow> followers_;
};

}  // namespace controller
