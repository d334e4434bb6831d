#include <algorithm>

#include "era/place.h"

namespace era {

using domain::Placement;

namespace {

constexpr std::int64_t kSlots = FreeBlocks::kSlots;

/// The least of `length` blocks one after another, slid from block to block. Keeps, for the blocks
/// of one group of `length`, the least from each up to the group's end; what the window has of the
/// next group it sums up as it goes (van Herk, "A fast algorithm for local minimum and maximum
/// filters", 1992). Three passes over every block, however long the window.
class SlidingLeast {
 public:
  SlidingLeast(const FreeBlocks& blocks, std::int64_t first, std::int64_t length)
      : blocks_(blocks),
        length_(length),
        group_(first),
        to_end_(blocks.width() * static_cast<std::size_t>(length)),
        next_(blocks.width()),
        least_(blocks.width()) {
    begin_group();
  }

  /// The least of the window, by column.
  const std::uint8_t* least() {
    const std::uint8_t* kept = &to_end_[static_cast<std::size_t>(at_) * width()];
    if (at_ == 0) return kept;
    std::copy_n(kept, width(), least_.begin());
    lower(least_.data(), next_.data(), width());
    return least_.data();
  }
  void go_on() {
    const std::uint8_t* added = blocks_.row(group_ + length_ + at_);
    lower(next_.data(), added, width());
    if (++at_ < length_) return;
    group_ += length_;
    begin_group();
  }

 private:
  std::size_t width() const { return blocks_.width(); }
  void begin_group() {
    at_ = 0;
    std::fill(next_.begin(), next_.end(), FreeBlocks::kUnknown);
    for (std::int64_t i = length_ - 1; i >= 0; --i) {
      std::uint8_t* row = &to_end_[static_cast<std::size_t>(i) * width()];
      std::copy_n(blocks_.row(group_ + i), width(), row);
      if (i + 1 < length_) lower(row, row + width(), width());
    }
  }

  const FreeBlocks& blocks_;
  std::int64_t length_;
  std::int64_t group_;   ///< The first block of the group.
  std::int64_t at_ = 0;  ///< Where in the group the window begins.
  std::vector<std::uint8_t> to_end_;
  std::vector<std::uint8_t> next_;
  std::vector<std::uint8_t> least_;
};

/// Whether nodes that have at most `free` GPUs, by column, might hold the ranks.
bool might_hold(const Ask& ask, const std::uint8_t* free, std::size_t width, std::int32_t largest) {
  const std::int32_t need = ask.shape.per_rank.gpus;
  const bool spread = ask.shape.placement == Placement::spread;
  std::int64_t ranks = 0;
  for (std::int32_t each = 1; each * need <= largest && each <= ask.shape.ranks; ++each) {
    std::int32_t nodes = count_at_least(free, width, static_cast<std::uint8_t>(each * need));
    if (ask.shape.placement == Placement::packed) nodes = std::min(nodes, ask.most_nodes);
    ranks += nodes;
    if (ranks >= ask.shape.ranks) return true;
    if (spread || nodes == 0) break;
  }
  return false;
}

}  // namespace

std::vector<Starts> possible_starts(const Lane& lane, const Ask& ask, const Starts& starts) {
  const FreeBlocks& blocks = lane.free_blocks();
  const std::int32_t largest = blocks.largest();
  // Whichever slot of a block it starts in, the stretch holds so many of the blocks after it.
  const std::int64_t length = starts.length / kSlots - 1;
  const bool nothing_known =
      ask.shape.per_rank.gpus == 0 || largest == FreeBlocks::kUnknown || length < 1;
  if (nothing_known || starts.last < starts.first) return {starts};
  std::vector<Starts> found;
  const std::int64_t last = starts.last / kSlots;
  std::int64_t block = starts.first / kSlots;
  for (SlidingLeast window(blocks, block + 1, length); block <= last; ++block, window.go_on()) {
    if (!might_hold(ask, window.least(), blocks.width(), largest)) continue;
    const std::int64_t first = std::max(starts.first, block * kSlots);
    const std::int64_t until = std::min(starts.last, block * kSlots + kSlots - 1);
    if (found.empty() || found.back().last != first - 1) {
      found.push_back({starts.length, first, until});
    }
    found.back().last = until;
  }
  return found;
}

}  // namespace era
