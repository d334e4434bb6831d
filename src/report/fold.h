#pragma once
#include "report/jobs.h"

namespace report {

/// What a report is of.
struct Scope {
  Period period;
  domain::TeamId team;  ///< Empty: everybody's jobs, and the machines.
  Ratios ratios;
};

/// Makes a report of a cluster's facts, which come in order and from the first one on: what was
/// there when the period began is among them. Its memory grows with the jobs that are live at once,
/// not with the log.
class Fold {
 public:
  explicit Fold(Scope scope);
  Fold(const Fold&) = delete;
  Fold& operator=(const Fold&) = delete;

  /// O(log of the live jobs), but for moves of many bookings.
  void take(const ledger::Fact& fact);
  /// Whether everything after `at` lies outside the period.
  bool is_over(domain::Time at) const { return at >= scope_.period.to; }
  /// Adds up to the end of the period. Call it once, at the end.
  Report finish();

 private:
  void take_money(const ledger::accounts::MoneyMoved& fact, domain::Time at);

  Scope scope_;
  Machines machines_;
  Jobs jobs_;
  MoneyReport money_;
};

}  // namespace report
