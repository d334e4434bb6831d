#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/head.h"
#include "sim/host.h"
#include "sim/users.h"
#include "sim/world.h"

namespace sim {

/// Compares what the ledger says with what the machines do, and both with what was promised.
class Checks {
 public:
  Checks(const Head& head, const std::vector<std::unique_ptr<Host>>& hosts, const Users& users,
         const Perils& perils)
      : head_(head), hosts_(hosts), users_(users), perils_(perils) {}

  /// After every event: what runs on the machines now (P2, P3, P4).
  void look_at_machines();
  /// After every batch of the controller: what the ledger says (P8), and that closed nodes are
  /// left.
  void look_at_ledger(domain::Time now);
  /// When the controller has come back: nothing that was answered is gone (P1).
  void look_at_log();
  /// When it has come back from a snapshot or from the log alone: it goes on as it was.
  void look_at_restart();
  /// When all is over.
  void look_back(domain::Time now);

  void note(const std::string& promise, std::string what);
  const std::vector<Violation>& violations() const { return violations_; }

 private:
  void look_at_rank(const Host& host, const ports::RankKey& key);
  void check_promises();
  void check_widths();
  void check_prices();
  void check_quotes();
  void check_broken_promises();
  void check_firm_starts();
  void check_causes();
  void check_ends();
  void check_success(const ledger::jobs::Job& job);
  void look_at_closed_nodes(domain::Time now);
  void check_bad_nodes();
  void check_offers_of_checkpoints();
  void check_newest_checkpoints();
  void check_grace();
  void check_attribution();
  void check_order();
  std::map<domain::JobId, int> extensions() const;
  void check_money();
  void check_wishes();
  void check_rebuild();

  /// The bid of a job whose program does what was bid for, and that nobody cancelled or extended;
  /// null for others.
  const Users::Bid* good_bid(const ledger::jobs::Job& job) const;
  bool is_strict() const { return !perils_.loses_hardware() && !perils_.disks; }
  template <class Kind>
  std::vector<std::pair<domain::Time, const Kind*>> all() const {
    std::vector<std::pair<domain::Time, const Kind*>> found;
    for (const auto& fact : head_.facts()) {
      if (const auto* one = std::get_if<Kind>(&fact.event)) found.emplace_back(fact.at, one);
    }
    return found;
  }

  const Head& head_;
  const std::vector<std::unique_ptr<Host>>& hosts_;
  const Users& users_;
  const Perils& perils_;
  std::vector<Violation> violations_;
  std::set<std::string> noted_;
  std::map<std::string, domain::Time> closures_;  ///< When each was first seen.
  ledger::State folded_;                          ///< Of the first `folded_facts_` facts.
  std::size_t folded_facts_ = 0;
};

}  // namespace sim
