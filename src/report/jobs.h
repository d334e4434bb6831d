#pragma once
#include <array>
#include <map>
#include <set>
#include <vector>

#include "ledger/event.h"
#include "report/report.h"

namespace report {

/// Jobs over time: bids, starts, ends, promises, and what they hold. Keeps only jobs that are live,
/// so its memory does not grow with the log.
class Jobs {
 public:
  Jobs(Period period, Machines& machines) : period_(period), machines_(machines) {}

  void take(const ledger::jobs::BidRefused& fact, domain::Time at);
  void take(const ledger::jobs::JobAccepted& fact, domain::Time at);
  void take(const ledger::jobs::BookingsMoved& fact, domain::Time at);
  void take(const ledger::jobs::BookingLost& fact, domain::Time at);
  void take(const ledger::jobs::JobExtended& fact, domain::Time at);
  void take(const ledger::jobs::AttemptStarted& fact, domain::Time at);
  void take(const ledger::jobs::RankStarted& fact, domain::Time at);
  void take(const ledger::jobs::RankEnded& fact, domain::Time at);
  void take(const ledger::jobs::AttemptStopping& fact, domain::Time at);
  void take(const ledger::jobs::AttemptEnded& fact, domain::Time at);
  void take(const ledger::jobs::JobInterrupted& fact, domain::Time at);
  void take(const ledger::jobs::PromiseBroken& fact, domain::Time at);
  void take(const ledger::jobs::JobEnded& fact, domain::Time at);

  /// Whether the job is live, and one of those that are looked at.
  bool knows(domain::JobId job) const { return live_.contains(job); }
  /// Adds up to the end of the period. Call it once, before what follows.
  void close();

  std::vector<ClassReport> classes() const;
  std::vector<Cause> causes() const;
  Area promised() const { return promised_; }
  Area used() const { return lines_[0].used; }

 private:
  struct Rank {
    domain::NodeId node;
    bool is_held = true;
  };
  /// A job that has not ended.
  struct Live {
    domain::JobId id;
    domain::JobClass job_class = domain::JobClass::flex;
    domain::Resources per_rank;
    domain::Time ready;  ///< When it may start.
    domain::Time deadline = domain::kNever;
    bool is_promised = false;
    bool is_broken = false;
    era::Pieces booked;          ///< What is set aside for it.
    domain::Time booked_since;   ///< Up to where that is added up.
    domain::Time first_attempt;  ///< 0: none yet.
    bool has_run = false;        ///< Every rank of some attempt has started.
    int failed_tries = 0;
    domain::Time attempt_started;
    std::vector<Rank> ranks;  ///< Of its newest attempt.
    std::set<std::int32_t> started;
    ledger::jobs::StopKind stop = ledger::jobs::StopKind::none;
    std::optional<domain::ExitCause> cause;  ///< Of its newest attempt that is over.
    Area used;
  };
  /// What is counted of all, and of each class.
  struct Line {
    std::int64_t accepted = 0;
    std::int64_t refused = 0;
    Durations waiting;
    Durations starting;
    Durations total;
    Tries first_try;
    Tries second_try;
    Ends ends;
    Promises promises;
    Area used;
    Area succeeded;
  };

  Live* find(domain::JobId job);
  /// Counts for all and for the job's class.
  template <class Count>
  void count(domain::JobClass job_class, Count what) {
    what(lines_[0]);
    what(lines_[1 + static_cast<std::size_t>(job_class)]);
  }
  void release_children(domain::JobId parent, domain::Time at);
  void settle_booking(Live& job, domain::Time until);
  void tried(Live& job, bool started, domain::Time at);
  void use(Live& job, domain::Time until, std::size_t rank);
  void ran(Live& job, domain::Time at);
  void count_promise(const Live& job, domain::JobState state, domain::Time at);

  Period period_;
  Machines& machines_;
  std::map<domain::JobId, Live> live_;
  std::multimap<domain::JobId, domain::JobId> children_;  ///< Jobs that wait for the end of others.
  std::array<Line, 4> lines_;                             ///< All, reserved, eager, flex.
  std::map<std::pair<domain::JobState, std::optional<domain::ExitCause>>, std::int64_t> causes_;
  Area promised_;
};

}  // namespace report
