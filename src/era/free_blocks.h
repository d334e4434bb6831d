#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "era/steps.h"

namespace era {

struct NodeLine;

/// The least GPUs that each node of a lane has free over each block of 32 slots: a byte a node, one
/// block's side by side. What a node has free over some time is never more than over the blocks
/// inside it, so a glance rules out most of the nodes that are full; what it lets through still has
/// to be looked at. Of nodes with more than 254 GPUs nothing is known. A copy shares the blocks
/// until either changes: copying is O(blocks).
class FreeBlocks {
 public:
  static constexpr std::int64_t kSlots = 32;
  static constexpr std::uint8_t kUnknown = 255;
  /// By column; rows are padded with nodes that have nothing to a multiple of this.
  static constexpr std::size_t kWidth = 64;

  explicit FreeBlocks(std::int64_t begin) : first_(begin / kSlots) {}

  /// Gives `line`, which is new, a column, with what is promised on it. O(blocks + its steps).
  std::size_t add(const NodeLine& line);
  void drop(std::size_t column);
  /// Follows a change of what is promised on `line` in `slots`. O(blocks and steps in slots).
  void follow(const NodeLine& line, SlotRange slots);
  void trim(std::int64_t slot);

  std::size_t width() const { return capacity_.size(); }
  /// The least of one block, by column. `width()` bytes.
  const std::uint8_t* row(std::int64_t block) const {
    const std::int64_t at = block - first_;
    if (at < 0 || at >= std::ssize(rows_)) return capacity_.data();
    return rows_[static_cast<std::size_t>(at)].get();
  }
  /// The most that each node may have free over all of `slots`, by column.
  /// O(nodes x blocks in slots / 16).
  std::vector<std::uint8_t> most_free(SlotRange slots) const;
  /// The most GPUs that any node has.
  std::uint8_t largest() const;

 private:
  using Row = std::shared_ptr<std::uint8_t[]>;
  Row copy_of(const std::uint8_t* row, std::size_t width) const;
  void widen();
  void put(Row& row, std::size_t column, std::uint8_t free);

  std::int64_t first_;                  ///< The block of the first row.
  std::deque<Row> rows_;                ///< After the last one nothing is promised.
  std::vector<std::uint8_t> capacity_;  ///< By column, as one more row.
  std::vector<std::size_t> unused_;     ///< Columns, the smallest last.
};

/// False if a node that has at most `most_free` GPUs free holds no rank that needs `gpus`.
constexpr bool may_hold(std::uint8_t most_free, std::int32_t gpus) {
  return most_free >= gpus || most_free == FreeBlocks::kUnknown;
}

/// row[i] = min(row[i], other[i]).
void lower(std::uint8_t* row, const std::uint8_t* other, std::size_t width);
/// How many of `row` are at least `least`.
std::int32_t count_at_least(const std::uint8_t* row, std::size_t width, std::uint8_t least);

}  // namespace era
