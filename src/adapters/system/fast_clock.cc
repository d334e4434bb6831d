#include "adapters/system/fast_clock.h"

namespace adapters::system {

FastClock::FastClock(domain::Time from, std::int32_t scale)
    : from_(from), scale_(scale), start_(std::chrono::steady_clock::now()) {}

domain::Time FastClock::now() const {
  const auto passed = std::chrono::steady_clock::now() - start_;
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(passed).count();
  return from_ + domain::Duration{micros * scale_ / 1'000};
}

domain::Duration FastClock::rest_until(domain::Time then) const {
  const domain::Duration left = then - now();
  if (left <= domain::Duration{}) return {};
  return {(left.ms + scale_ - 1) / scale_};
}

}  // namespace adapters::system
