#pragma once
#include <algorithm>

#include "domain/time.h"

namespace ports {

/// The only source of time. Fake: fakes/manual_clock.h. Real: adapters/system/system_clock.h.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual domain::Time now() const = 0;
  /// How long the machine has to rest until it is `then` on this clock; 0 if that is past.
  virtual domain::Duration rest_until(domain::Time then) const {
    return std::max(domain::Duration{}, then - now());
  }
};

}  // namespace ports
