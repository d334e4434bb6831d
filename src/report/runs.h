#pragma once
#include <deque>
#include <map>
#include <vector>

#include "ledger/event.h"
#include "report/area.h"

namespace report {

/// A rank's time on a machine, as far as it lies in the period.
struct RankRun {
  domain::JobId job;
  std::int32_t attempt = 0;
  std::int32_t rank = 0;
  domain::NodeId node;
  Period period;
};

/// The runs of a period, at most `most`, as the facts come: those that ended last are kept.
class Runs {
 public:
  Runs(Period period, std::size_t most) : period_(period), most_(most) {}
  void take(const ledger::Fact& fact);
  /// Those that have ended, then those that still run.
  std::vector<RankRun> list() const;

 private:
  struct Key {
    domain::JobId job;
    std::int32_t rank = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  void end(const Key& key, domain::Time at);

  Period period_;
  std::size_t most_;
  std::map<Key, RankRun> live_;
  std::deque<RankRun> ended_;
};

}  // namespace report
