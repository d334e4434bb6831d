#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace replay {

/// How many GPUs are held in each slot of one undivided cluster.
class Timeline {
 public:
  explicit Timeline(std::int32_t capacity) : capacity_(capacity) {}

  std::int32_t capacity() const { return capacity_; }
  std::int32_t held(std::int32_t slot) const {
    const auto i = static_cast<std::size_t>(slot);
    return i < held_.size() ? held_[i] : 0;
  }

  /// Holds `gpus` more in the slots [first, end); fewer where they are negative.
  void add(std::int32_t first, std::int32_t end, std::int32_t gpus);

  /// The first start at or after `first` from which `gpus` are free for `length` slots that end by
  /// `deadline`. O(slots looked at).
  std::optional<std::int32_t> earliest(std::int32_t first, std::int32_t deadline,
                                       std::int32_t length, std::int32_t gpus) const;

 private:
  std::int32_t capacity_;
  std::vector<std::int32_t> held_;  ///< Nothing is held past its end.
};

}  // namespace replay
