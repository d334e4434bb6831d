#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "era/request.h"

namespace era {

/// Bookings that may be moved, with the positions of their nodes in a lane, each worked out once.
class Loose {
 public:
  /// What `bookings` points to must outlive this. O(nodes).
  Loose(const Lane& lane, std::vector<const Movable*> bookings);

  const std::vector<const Movable*>& bookings() const { return bookings_; }
  /// Looks up the nodes of bookings()[i].
  void look_up(std::size_t i);
  /// Those of bookings()[i], once looked up; good until others are.
  std::span<const std::uint32_t> positions(std::size_t i) const {
    return std::span(positions_).subspan(ranges_[i].first, ranges_[i].size);
  }

 private:
  struct Range {
    bool known = false;
    std::size_t first = 0;
    std::size_t size = 0;
  };
  std::vector<const Movable*> bookings_;
  std::vector<std::uint32_t> by_number_;  ///< The position of each node; kNowhere of others.
  std::vector<Range> ranges_;
  std::vector<std::uint32_t> positions_;
};

/// A node on which bookings could make way for ranks.
struct Yield {
  const NodeLine* line = nullptr;
  domain::Resources freed;  ///< If all of them went.
  domain::Resources free;   ///< As things are; at most, unless `known`.
  bool known = false;
  std::int32_t ranks_now = 0;
  std::int32_t ranks_then = 0;  ///< If all of them went; at most, unless `known`.
  std::int64_t in_the_way = 0;  ///< What they hold, in thousandths of a GPU and of a core.
};

/// What a booking holds of one node.
struct Part {
  const Booking* booking = nullptr;
  std::int64_t ranks = 0;
};

/// The nodes of a lane on which others could make way for a gang in some slots, the easiest first:
/// cheap to clear before dear, but where the gang is packed whole nodes before all. Nodes are only
/// looked at when they are asked for, since most never are.
class Yields {
 public:
  /// None if the gang would not fit even if everybody who may move were gone.
  /// O(nodes + nodes of the bookings in `slots`).
  static std::optional<Yields> find(const Candidate& candidate, SlotRange slots, Loose& loose);

  SlotRange slots() const { return slots_; }
  /// How many ranks have no place as things are.
  std::int64_t missing() const { return missing_; }
  /// The node after so many easier ones; null if there are no more.
  const Yield* after(std::size_t easier);
  /// The bookings that hold something of the node, the smallest first. O(their nodes).
  std::vector<Part> smallest_on(const NodeLine& line) const;
  /// About how many bookings would have to go, by what they hold at their fullest; `most` if it is
  /// more or the nodes do not yield enough.
  std::size_t evictions_needed(std::size_t most);

 private:
  struct InTheWay {
    const Booking* booking = nullptr;
    std::span<const std::uint32_t> positions;  ///< Of its nodes, in the lane.
  };
  Yields(const Candidate& candidate, SlotRange slots) : candidate_(candidate), slots_(slots) {}
  void find_bookings(Loose& loose);
  void find_nodes();
  void look(Yield& yield) const;

  const Candidate& candidate_;
  SlotRange slots_;
  std::vector<InTheWay> bookings_;
  std::vector<Yield> easiest_;  ///< In their order, as far as they have been looked at.
  std::vector<Yield> others_;   ///< A heap: who would be the easiest at best is on top.
  std::int64_t missing_ = 0;
};

}  // namespace era
