#include "adapters/system/system_clock.h"

#include <chrono>

namespace adapters::system {

domain::Time SystemClock::now() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()};
}

}  // namespace adapters::system
