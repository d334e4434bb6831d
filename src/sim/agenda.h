#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "domain/time.h"

namespace sim {

/// What happens when, in virtual time. What is due at the same moment happens in the order in which
/// it was put down.
class Agenda {
 public:
  explicit Agenda(domain::Time start) : now_(start) {}

  domain::Time now() const { return now_; }

  void at(domain::Time time, std::function<void()> what) {
    entries_.emplace(std::pair(std::max(time, now_), next_++), std::move(what));
  }
  void in(domain::Duration wait, std::function<void()> what) { at(now_ + wait, std::move(what)); }

  /// Does what is due next, if that is before `until`; else lets time pass until then.
  bool step(domain::Time until) {
    if (entries_.empty() || entries_.begin()->first.first >= until) {
      now_ = std::max(now_, until);
      return false;
    }
    auto entry = entries_.extract(entries_.begin());
    now_ = entry.key().first;
    entry.mapped()();
    return true;
  }

 private:
  domain::Time now_;
  std::uint64_t next_ = 0;
  std::map<std::pair<domain::Time, std::uint64_t>, std::function<void()>> entries_;
};

}  // namespace sim
