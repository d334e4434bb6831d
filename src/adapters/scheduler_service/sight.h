#pragma once
#include <optional>
#include <set>

#include "adapters/scheduler_service/asker.h"

namespace berth::era::v1 {
class Event;
}

namespace adapters::scheduler_service {

namespace wire = ::berth::era::v1;

/// What one watcher gets to see of the facts (P10): members their team's jobs, operators and admins
/// all; of these the jobs that were asked for, if any were. Facts must come in order.
class Sight {
 public:
  /// `jobs` empty: all, and nodes.
  Sight(Asker asker, std::set<domain::JobId> jobs);

  const Asker& asker() const { return asker_; }

  /// Makes a job of the asker's team known whose bid lies before the first fact to come.
  void add_own(domain::JobId job) { own_.insert(job); }

  /// Takes a fact into account and tells whether it is shown; then `to` has all but the position.
  /// O(log jobs) if it is not shown.
  bool show(const ledger::Fact& fact, wire::Event& to);

  /// Says that the facts up to now have been shown, so that what of `jobs` had ended is over.
  void has_ended(domain::JobId job) { awaited_.erase(job); }
  /// Jobs were asked for, and nothing more will come of any of them.
  bool is_over() const { return !jobs_.empty() && awaited_.empty(); }

  bool sees(domain::JobId job) const { return asker_.sees_all() || own_.contains(job); }
  bool wants(domain::JobId job) const {
    return (jobs_.empty() || jobs_.contains(job)) && sees(job);
  }
  bool wants_nodes() const { return jobs_.empty(); }

 private:
  void note(const ledger::Event& event);

  Asker asker_;
  std::set<domain::JobId> jobs_;
  std::set<domain::JobId> awaited_;  ///< Of these, those that have not ended.
  std::set<domain::JobId> own_;      ///< Of the asker's team; not kept for those who see all.
};

}  // namespace adapters::scheduler_service
