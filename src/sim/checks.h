#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
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
  /// After every batch of the controller: what the ledger says (P8).
  void look_at_ledger();
  /// When the controller has come back: nothing that was answered is gone (P1).
  void look_at_log();
  /// When all is over.
  void look_back(domain::Time now);

  void note(const std::string& promise, std::string what);
  const std::vector<Violation>& violations() const { return violations_; }

 private:
  void look_at_rank(const Host& host, const ports::RankKey& key);
  void check_promises();
  void check_firm_starts();
  void check_causes();
  void check_ends();
  void check_success(const ledger::jobs::Job& job);
  std::map<domain::JobId, int> extensions() const;
  void check_money();
  void check_wishes();
  void check_rebuild();

  const Head& head_;
  const std::vector<std::unique_ptr<Host>>& hosts_;
  const Users& users_;
  const Perils& perils_;
  std::vector<Violation> violations_;
  std::set<std::string> noted_;
};

}  // namespace sim
