#include <algorithm>
#include <deque>

#include "era/place.h"

namespace era {

using domain::Placement;
using domain::Shape;

namespace {

/// From this start on, a node holds another number of ranks for the whole stretch.
struct Turn {
  std::int32_t before;
  std::int32_t after;
  std::int32_t next;  ///< The next turn at the same start; -1 at the end.
};

/// All turns of all nodes, filed by start.
class Turns {
 public:
  explicit Turns(const Starts& starts)
      : starts_(starts), heads_(static_cast<std::size_t>(starts.last - starts.first + 1), -1) {}

  void add(std::int64_t start, std::int32_t before, std::int32_t after) {
    std::int32_t& head = heads_[static_cast<std::size_t>(start - starts_.first)];
    turns_.push_back({before, after, head});
    head = static_cast<std::int32_t>(turns_.size()) - 1;
  }
  template <class Visit>
  void visit(std::int64_t start, const Visit& visit_turn) const {
    std::int32_t i = heads_[static_cast<std::size_t>(start - starts_.first)];
    for (; i >= 0; i = turns_[static_cast<std::size_t>(i)].next) {
      visit_turn(turns_[static_cast<std::size_t>(i)]);
    }
  }
  bool any_at(std::int64_t start) const {
    return heads_[static_cast<std::size_t>(start - starts_.first)] >= 0;
  }
  const Starts& starts() const { return starts_; }

 private:
  Starts starts_;
  std::vector<std::int32_t> heads_;
  std::vector<Turn> turns_;
};

/// A step of a node, as the number of ranks that fit there.
struct Fit {
  std::int64_t end;
  std::int32_t ranks;
};

/// Files how many ranks `line` holds over the stretch from each start: the sliding minimum of what
/// it holds at each moment, kept in a queue of rising values. O(steps in the window).
void file_turns(const NodeLine& line, const Shape& shape, Turns& turns, std::deque<Fit>& queue) {
  const Starts& starts = turns.starts();
  if (!line.present) return;
  const auto steps = line.load.all();
  std::size_t next = line.load.at(starts.first);
  std::int64_t start = starts.first;
  std::int32_t before = 0;
  queue.clear();
  while (start <= starts.last) {
    for (; steps[next].from < start + starts.length; ++next) {
      const Load& load = steps[next].value;
      const std::int32_t ranks =
          load.closed ? 0 : ranks_in(line.node.capacity - load.promised, shape);
      while (!queue.empty() && queue.back().ranks >= ranks) queue.pop_back();
      queue.push_back({steps[next + 1].from, ranks});
    }
    while (queue.front().end <= start) queue.pop_front();
    const std::int32_t after = queue.front().ranks;
    if (after != before) turns.add(start, before, after);
    before = after;
    start = std::min(steps[next].from - starts.length + 1, queue.front().end);
  }
}

/// How many nodes hold how many ranks, at one start.
class Tally {
 public:
  explicit Tally(const Ask& ask)
      : ask_(ask), nodes_(static_cast<std::size_t>(ask.shape.ranks) + 1, 0) {}

  void count(const Turn& turn) {
    --nodes_[static_cast<std::size_t>(turn.before)];
    ++nodes_[static_cast<std::size_t>(turn.after)];
    ranks_ += turn.after - turn.before;
    usable_ += (turn.after > 0 ? 1 : 0) - (turn.before > 0 ? 1 : 0);
  }
  bool enough() const {
    if (ask_.shape.placement == Placement::spread) return usable_ >= ask_.shape.ranks;
    if (ranks_ < ask_.shape.ranks) return false;
    return ask_.shape.placement == Placement::any || enough_packed();
  }

 private:
  bool enough_packed() const {
    std::int64_t nodes_left = ask_.most_nodes;
    std::int64_t ranks_left = ask_.shape.ranks;
    for (std::size_t holds = nodes_.size() - 1; holds > 0 && nodes_left > 0; --holds) {
      const std::int64_t taken = std::min<std::int64_t>(nodes_[holds], nodes_left);
      nodes_left -= taken;
      ranks_left -= taken * static_cast<std::int64_t>(holds);
      if (ranks_left <= 0) return true;
    }
    return ranks_left <= 0;
  }

  const Ask& ask_;
  std::vector<std::int32_t> nodes_;
  std::int64_t ranks_ = 0;
  std::int32_t usable_ = 0;
};

}  // namespace

std::vector<Starts> placeable_starts(const Lane& lane, const Ask& ask, const Starts& starts) {
  std::vector<Starts> found;
  if (starts.last < starts.first) return found;
  Turns turns(starts);
  std::deque<Fit> queue;
  // The slots that the stretches from all starts have in common.
  const SlotRange common{starts.last, std::max(starts.last, starts.first + starts.length)};
  const std::vector<std::uint8_t> most_free = lane.free_blocks().most_free(common);
  for (const NodeLine& line : lane.nodes()) {
    if (!may_hold(most_free[line.column], ask.shape.per_rank.gpus)) continue;
    file_turns(line, ask.shape, turns, queue);
  }

  Tally tally(ask);
  bool enough = tally.enough();
  for (std::int64_t start = starts.first; start <= starts.last; ++start) {
    if (turns.any_at(start)) {
      turns.visit(start, [&](const Turn& turn) { tally.count(turn); });
      enough = tally.enough();
    }
    if (!enough) continue;
    if (!found.empty() && found.back().last == start - 1) {
      found.back().last = start;
    } else {
      found.push_back({starts.length, start, start});
    }
  }
  return found;
}

}  // namespace era
