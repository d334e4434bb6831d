#pragma once
#include "domain/time.h"

namespace ports {

/// The only source of time. Fake: fakes/manual_clock.h. Real: adapters/system/system_clock.h.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual domain::Time now() const = 0;
};

}  // namespace ports
