#include "report/durations.h"

#include <algorithm>
#include <bit>

namespace report {
namespace {

constexpr int kKeptBits = 10;

std::int64_t coarse(std::int64_t ms) {
  const auto bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(ms)));
  const int cut = std::max(0, bits - kKeptBits);
  return (ms >> cut) << cut;
}

}  // namespace

void Durations::add(domain::Duration length) {
  const std::int64_t ms = std::max<std::int64_t>(0, length.ms);
  ++counts_[coarse(ms)];
  ++count_;
  sum_ms_ += ms;
  max_ms_ = std::max(max_ms_, ms);
}

/// The least length that `percent` of all do not pass.
std::int64_t Durations::percentile(std::int64_t percent) const {
  const std::int64_t wanted = (count_ * percent + 99) / 100;
  std::int64_t seen = 0;
  for (const auto& [ms, count] : counts_) {
    seen += count;
    if (seen >= wanted) return ms;
  }
  return 0;
}

Spread Durations::spread() const {
  if (count_ == 0) return {};
  return {count_, sum_ms_ / count_, percentile(50), percentile(95), max_ms_};
}

}  // namespace report
