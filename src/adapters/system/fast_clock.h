#pragma once
#include <chrono>

#include "ports/clock.h"

namespace adapters::system {

/// A clock on which `scale` seconds pass in one of the machine's. For trials: with it a cluster of
/// simulated GPUs lives through a day in minutes. Never goes back. Thread-safe.
class FastClock final : public ports::Clock {
 public:
  /// Shows `from` now.
  FastClock(domain::Time from, std::int32_t scale);

  domain::Time now() const override;
  domain::Duration rest_until(domain::Time then) const override;

 private:
  domain::Time from_;
  std::int64_t scale_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace adapters::system
