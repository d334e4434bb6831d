#pragma once
#include <boost/describe/class.hpp>

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "ledger/event.h"
#include "report/area.h"

namespace report {

/// A bid of the period, with what became of it: what a replay needs.
struct BidLine {
  domain::Time at;
  domain::Time earliest;
  std::optional<domain::Time> deadline;
  domain::JobClass job_class = domain::JobClass::flex;
  std::int32_t gpus = 0;
  domain::Duration stated;              ///< How long it would run, as its owner said.
  std::optional<domain::Duration> ran;  ///< How long it did; none: it did not succeed.
  std::optional<domain::Money> value;   ///< The most it would pay, or what it agreed to.
  bool preemptible = false;
  domain::Duration restart;
  bool accepted = false;
};
BOOST_DESCRIBE_STRUCT(BidLine, (),
                      (at, earliest, deadline, job_class, gpus, stated, ran, value, preemptible,
                       restart, accepted))

struct BidList {
  std::vector<BidLine> bids;  ///< By when they came, the newest of them.
  std::int64_t left_out = 0;  ///< Older ones that there was no room for.
};

/// The bids of a period, at most `most`, as the facts come.
class Bids {
 public:
  Bids(Period period, std::size_t most) : period_(period), most_(most) {}
  void take(const ledger::Fact& fact);
  BidList list() const;

 private:
  struct Attempts {
    std::int64_t number = 0;  ///< Of the bid, among all of the period.
    domain::Time started;
    domain::Duration before;  ///< What attempts ran that this one goes on from.
  };
  void add(const domain::Bid& bid, domain::Time at, bool accepted);
  void take(const ledger::jobs::JobAccepted& fact, domain::Time at);
  void take(const ledger::jobs::AttemptStarted& fact, domain::Time at);
  void take(const ledger::jobs::JobEnded& fact, domain::Time at);

  Period period_;
  std::size_t most_;
  std::deque<BidLine> bids_;
  std::int64_t dropped_ = 0;
  std::map<domain::JobId, Attempts> live_;
};

}  // namespace report
