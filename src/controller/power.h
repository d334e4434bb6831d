#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ledger/ledger.h"

namespace controller {

/// What the provider is to do with a machine.
struct PowerAsk {
  domain::NodeId node;
  bool resume = false;  ///< Else it may go off.
  friend bool operator==(const PowerAsk&, const PowerAsk&) = default;
};

/// What the provider is to be asked for, derived from the states of the nodes: one that is
/// `resuming` is switched on, one that is `suspended` off, once for each time that it got into that
/// state; what is to be on again every two minutes until it is. A failed ask is repeated after 30
/// s, then 1, 2, 4 and at most 8 minutes. Keeps in memory what was asked for, so that a new
/// controller asks for everything once more, as providers bear.
class Power {
 public:
  static constexpr std::size_t kMostAtOnce = 4;

  /// What to ask for now: for no node while an ask for it is unanswered, at most kMostAtOnce
  /// unanswered at once, what is to be on before what may go off, and then what is due longest.
  /// Each must be answered. O(nodes)
  std::vector<PowerAsk> due(const ledger::State& state, domain::Time now);
  void answered(const PowerAsk& ask, const base::Result<>& done, domain::Time now);

  /// Why the last ask failed, for people, of the nodes that are still in the state it was for.
  const std::map<domain::NodeId, std::string>& failures() const { return failures_; }

 private:
  /// A node that is to be switched, or for which an ask is unanswered.
  struct Known {
    bool resume = false;
    domain::Time since;  ///< When it got into its state.
    domain::Time next;   ///< When to ask, unless an ask is unanswered; kNever: never again.
    std::int32_t failed = 0;
    bool is_asked = false;
    bool has_moved = false;  ///< The unanswered ask was for an earlier state.
  };
  void see(const ledger::nodes::Node& node, domain::Time now);
  void forget_others(const ledger::State& state);

  std::map<domain::NodeId, Known> known_;
  std::map<domain::NodeId, std::string> failures_;
  std::size_t asked_ = 0;  ///< Asks that are unanswered.
};

}  // namespace controller
