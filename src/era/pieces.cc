#include "era/pieces.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace era {

using domain::Duration;
using domain::NodeId;
using domain::Resources;

namespace {

/// How often the stints are chosen anew because the nodes could not hold them.
constexpr int kMostRounds = 32;

struct Context {
  const Lane& lane;
  const PiecesAsk& asked;
  Duration slot;
};

/// Nodes for all of `slots`; where `stays`, only those that it runs on.
std::optional<std::vector<NodeId>> nodes_for(const Context& in, SlotRange slots, bool stays) {
  if (!stays) return place(in.lane, in.asked.ask, slots);
  if (!holds(in.lane, in.asked.ask, *in.asked.running_on, slots)) return std::nullopt;
  return *in.asked.running_on;
}

/// The slot at which `slots` has to be broken: the first part of it has nodes, and with one slot
/// more it has not. Its own first slot if not even that has.
std::int64_t breaking_slot(const Context& in, SlotRange slots, bool stays) {
  std::int64_t fits = slots.first;
  for (std::int64_t fails = slots.end; fails - fits > 1;) {
    const std::int64_t middle = fits + (fails - fits) / 2;
    (nodes_for(in, {slots.first, middle}, stays) ? fits : fails) = middle;
  }
  return fits;
}

/// Where nothing can run at `slot`: up to the lane's next step, as nodes change there.
SlotRange around(const Context& in, std::int64_t slot, bool whole_step) {
  if (!whole_step) return {slot, slot + 1};
  const auto steps = in.lane.runs().all();
  return {slot, std::max(slot + 1, steps[in.lane.runs().at(slot) + 1].from)};
}

}  // namespace

bool holds(const Lane& lane, const Ask& ask, const std::vector<NodeId>& nodes, SlotRange slots) {
  return std::ranges::all_of(ranks_by_node(nodes), [&](const auto& node) {
    const NodeLine* line = lane.find(node.first);
    const Resources needed = ask.shape.per_rank * node.second;
    return line != nullptr && line->open_over(slots) && needed.fits_in(line->free_over(slots));
  });
}

std::variant<FoundPieces, RefusalReason> find_pieces(const Lane& lane, const PiecesAsk& asked,
                                                     Duration slot) {
  const Context in{lane, asked, slot};
  const Window& window = asked.window;
  if (window.first + window.duration > window.finish_by) return RefusalReason::no_free_window;
  const StintsAsk ask{asked.ask.gang,  window.first,  window.finish_by,
                      window.duration, asked.restart, asked.before};
  std::vector<SlotRange> closed;
  for (int round = 0; round < kMostRounds; ++round) {
    const auto stints = cheapest_stints(lane, ask, slot, closed);
    if (!stints) return round == 0 ? RefusalReason::no_free_window : RefusalReason::fragmented;
    FoundPieces found;
    for (const Stint& stint : *stints) {
      const SlotRange slots = touched(stint.start, stint.finish, slot);
      const bool stays = ask.before == Before::runs && stint.start == window.first;
      auto nodes = nodes_for(in, slots, stays);
      if (!nodes) {
        const std::int64_t at = breaking_slot(in, slots, stays);
        closed.push_back(around(in, at, at == slots.first && !stays));
        break;
      }
      found.pieces.push_back({stint.start, stint.finish, std::move(*nodes)});
    }
    if (found.pieces.size() < stints->size()) continue;
    found.cost = cost_of(lane, asked.ask, found.pieces, slot).value();
    return found;
  }
  return RefusalReason::fragmented;
}

std::optional<std::int64_t> cost_of(const Lane& lane, const Ask& ask, const Pieces& pieces,
                                    Duration slot) {
  std::int64_t sum = 0;
  for (const Piece& piece : pieces) {
    const SlotRange slots = touched(piece.start, piece.finish, slot);
    const auto cost = cost_over(lane, gang_of(ask.shape.per_rank, std::ssize(piece.nodes)), slots);
    if (!cost || !holds(lane, ask, piece.nodes, slots)) return std::nullopt;
    sum += *cost;
  }
  // Who starts in the middle of a slot pays only for the rest of it.
  const std::int64_t first = pieces.front().start.ms / slot.ms;
  const Duration before{pieces.front().start.ms - first * slot.ms};
  const Gang gang = gang_of(ask.shape.per_rank, std::ssize(pieces.front().nodes));
  return sum - *cost_over(lane, gang, {first, first + 1}) * before.ms / slot.ms;
}

}  // namespace era
