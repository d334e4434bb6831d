#include "report/area.h"

#include <algorithm>

namespace report {

domain::Duration Period::overlap(domain::Time since, domain::Time until) const {
  return std::max(domain::Duration{}, std::min(until, to) - std::max(since, from));
}

void Area::add(const domain::Resources& amount, domain::Duration length) {
  gpu_ms += static_cast<__int128>(amount.gpus) * length.ms;
  cpu_milli_ms += static_cast<__int128>(amount.cpu_millis) * length.ms;
  memory_byte_ms += static_cast<__int128>(amount.memory_bytes) * length.ms;
}

ResourceHours Area::hours() const {
  constexpr double kHour_ms = 3'600'000;
  constexpr double kGib = 1024.0 * 1024 * 1024;
  return {static_cast<double>(gpu_ms) / kHour_ms,
          static_cast<double>(cpu_milli_ms) / 1'000 / kHour_ms,
          static_cast<double>(memory_byte_ms) / kGib / kHour_ms};
}

}  // namespace report
