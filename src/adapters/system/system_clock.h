#pragma once
#include "ports/clock.h"

namespace adapters::system {

/// Reads the machine's wall clock, in whole milliseconds. Thread-safe.
class SystemClock final : public ports::Clock {
 public:
  domain::Time now() const override;
};

}  // namespace adapters::system
