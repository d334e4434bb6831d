#include "replay/timeline.h"

#include "base/check.h"

namespace replay {

void Timeline::add(std::int32_t first, std::int32_t end, std::int32_t gpus) {
  if (first >= end) return;
  if (static_cast<std::size_t>(end) > held_.size()) held_.resize(static_cast<std::size_t>(end));
  for (std::int32_t slot = first; slot < end; ++slot) {
    std::int32_t& held = held_[static_cast<std::size_t>(slot)];
    held += gpus;
    CHECK(held >= 0 && held <= capacity_, "a timeline holds what there is");
  }
}

std::optional<std::int32_t> Timeline::earliest(std::int32_t first, std::int32_t deadline,
                                               std::int32_t length, std::int32_t gpus) const {
  const std::int32_t most = capacity_ - gpus;
  if (most < 0) return std::nullopt;
  std::int32_t start = first;
  for (std::int32_t slot = first; start + length <= deadline; ++slot) {
    if (held(slot) > most) {
      start = slot + 1;
    } else if (slot + 1 - start == length) {
      return start;
    }
  }
  return std::nullopt;
}

}  // namespace replay
