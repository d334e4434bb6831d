#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "era/request.h"

namespace era {

/// Bookings that may be moved, and where in a lane their nodes lie.
class Loose {
 public:
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

  /// What `bookings` points to must outlive this. O(nodes).
  Loose(const Lane& lane, std::vector<const Movable*> bookings);

  const std::vector<const Movable*>& bookings() const { return bookings_; }
  /// The position in the lane of the node with that number; kNowhere if it is not there.
  std::size_t position_of(std::uint32_t number) const {
    return number < positions_.size() ? positions_[number] : kNowhere;
  }

 private:
  std::vector<const Movable*> bookings_;
  std::vector<std::size_t> positions_;  ///< By number; kNowhere of other nodes.
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
  static std::optional<Yields> find(const Candidate& candidate, SlotRange slots,
                                    const Loose& loose);

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
  Yields(const Candidate& candidate, SlotRange slots) : candidate_(candidate), slots_(slots) {}
  void find_bookings(const Loose& loose);
  void find_nodes(const Loose& loose);
  void look(Yield& yield) const;

  const Candidate& candidate_;
  SlotRange slots_;
  std::vector<const Movable*> in_the_way_;
  std::vector<Yield> easiest_;  ///< In their order, as far as they have been looked at.
  std::vector<Yield> others_;   ///< A heap: who would be the easiest at best is on top.
  std::int64_t missing_ = 0;
};

}  // namespace era
