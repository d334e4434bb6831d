#include "era/place.h"

#include <algorithm>
#include <tuple>

namespace era {

using domain::NodeId;
using domain::Placement;
using domain::Resources;
using domain::Shape;

namespace {

/// A node that can hold some ranks, and what it has free.
struct Room {
  const NodeLine* line;
  std::int32_t ranks;
  Resources free;
};

/// Fuller before emptier, so that whole nodes stay free. Lines lie in the order of their ids.
bool fuller(const Room& a, const Room& b) {
  return std::tie(a.free.gpus, a.free.cpu_millis, a.line) <
         std::tie(b.free.gpus, b.free.cpu_millis, b.line);
}

std::vector<Room> rooms(const Lane& lane, const Shape& shape, SlotRange slots,
                        const InUse* in_use) {
  std::vector<Room> found;
  const std::vector<std::uint8_t> most_free = lane.free_blocks().most_free(slots);
  for (const NodeLine& line : lane.nodes()) {
    if (!may_hold(most_free[line.column], shape.per_rank.gpus)) continue;
    if (!line.open_over(slots) || !shape.per_rank.fits_in(line.node.capacity)) continue;
    Resources free = line.free_over(slots);
    if (in_use != nullptr) {
      const auto used = in_use->find(line.node.id);
      if (used != in_use->end()) free = free - used->second;
    }
    const std::int32_t ranks = ranks_in(free, shape);
    if (ranks > 0) found.push_back({&line, ranks, free});
  }
  return found;
}

/// Brings the first of `found` by `before` to its front: as many as `ranks` ranks can need.
template <class Before>
void sort_front(std::vector<Room>& found, std::int32_t ranks, const Before& before) {
  const auto most = std::min<std::ptrdiff_t>(std::ssize(found), ranks);
  std::partial_sort(found.begin(), found.begin() + most, found.end(), before);
}

/// Gives `ranks` ranks to nodes in the order of `order`, each as many as it holds.
std::vector<NodeId> deal(const std::vector<Room>& order, std::int32_t ranks,
                         std::int32_t per_node) {
  std::vector<NodeId> nodes;
  for (const Room& room : order) {
    const std::int32_t here = std::min({room.ranks, per_node, ranks});
    nodes.insert(nodes.end(), static_cast<std::size_t>(here), room.line->node.id);
    ranks -= here;
    if (ranks == 0) break;
  }
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

/// Puts the rooms that hold `ranks` on the fewest nodes first: the largest while one node cannot
/// hold what is left, then the smallest that can. Returns how many nodes that takes.
std::size_t fewest_first(std::vector<Room>& found, std::int32_t ranks) {
  sort_front(found, ranks, [](const Room& a, const Room& b) {
    return a.ranks != b.ranks ? a.ranks > b.ranks : fuller(a, b);
  });
  std::size_t taken = 0;
  while (taken < found.size() && found[taken].ranks < ranks) ranks -= found[taken++].ranks;
  if (taken == found.size()) return taken;
  auto last = found.begin() + static_cast<std::ptrdiff_t>(taken);
  for (auto room = last; room != found.end(); ++room) {
    if (room->ranks >= ranks && fuller(*room, *last)) last = room;
  }
  std::iter_swap(found.begin() + static_cast<std::ptrdiff_t>(taken), last);
  return taken + 1;
}

}  // namespace

Gang gang_of(const Resources& per_rank, std::int64_t ranks) {
  const Resources all = per_rank * ranks;
  return {all.gpus, all.cpu_millis, core_units(per_rank) * static_cast<std::int32_t>(ranks)};
}

std::int32_t ranks_in(const Resources& free, const Shape& shape) {
  const Resources& need = shape.per_rank;
  if (!need.fits_in(free)) return 0;
  std::int64_t ranks = shape.ranks;
  if (need.gpus > 0) ranks = std::min<std::int64_t>(ranks, free.gpus / need.gpus);
  if (need.cpu_millis > 0) ranks = std::min(ranks, free.cpu_millis / need.cpu_millis);
  if (need.memory_bytes > 0) ranks = std::min(ranks, free.memory_bytes / need.memory_bytes);
  return static_cast<std::int32_t>(ranks);
}

std::optional<Ask> ask_of(const Lane& lane, const Shape& shape) {
  if (shape.ranks > kMostRanks) return std::nullopt;
  std::vector<std::int32_t> nodes_by_ranks(static_cast<std::size_t>(shape.ranks) + 1, 0);
  for (const NodeLine& line : lane.nodes()) {
    if (!line.present) continue;
    std::int32_t holds = ranks_in(line.node.capacity, shape);
    if (shape.placement == Placement::spread) holds = std::min(holds, 1);
    ++nodes_by_ranks[static_cast<std::size_t>(holds)];
  }
  Ask ask{shape, {}, 0};
  std::int32_t left = shape.ranks;
  for (std::int32_t holds = shape.ranks; holds > 0 && left > 0; --holds) {
    const std::int32_t have = nodes_by_ranks[static_cast<std::size_t>(holds)];
    const std::int32_t used = std::min(have, (left + holds - 1) / holds);
    left -= used * holds;
    ask.most_nodes += used;
  }
  if (left > 0) return std::nullopt;
  ask.gang = gang_of(shape.per_rank, shape.ranks);
  return ask;
}

std::optional<std::vector<NodeId>> place(const Lane& lane, const Ask& ask, SlotRange slots,
                                         const InUse* in_use) {
  const Shape& shape = ask.shape;
  std::vector<Room> found = rooms(lane, shape, slots, in_use);
  const bool spread = shape.placement == Placement::spread;
  std::int64_t total = 0;
  for (const Room& room : found) total += spread ? 1 : room.ranks;
  if (total < shape.ranks) return std::nullopt;
  if (!spread) {
    const std::size_t fewest = fewest_first(found, shape.ranks);
    const bool packed = fewest <= static_cast<std::size_t>(ask.most_nodes);
    if (packed) return deal(found, shape.ranks, shape.ranks);
    if (shape.placement == Placement::packed) return std::nullopt;
  }
  sort_front(found, shape.ranks, fuller);
  return deal(found, shape.ranks, spread ? 1 : shape.ranks);
}

}  // namespace era
