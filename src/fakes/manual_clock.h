#pragma once
#include <atomic>

#include "ports/clock.h"

namespace fakes {

/// A clock that moves only when it is told to. Thread-safe.
class ManualClock final : public ports::Clock {
 public:
  explicit ManualClock(domain::Time start = {}) : now_ms_(start.ms) {}

  domain::Time now() const override { return {now_ms_.load()}; }
  void advance(domain::Duration by) { now_ms_ += by.ms; }
  void set(domain::Time now) { now_ms_ = now.ms; }

 private:
  std::atomic<std::int64_t> now_ms_;
};

}  // namespace fakes
