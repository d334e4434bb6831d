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

/// Whether the ranks fit on `nodes`, rank i on nodes[i], for all of `slots`.
bool holds(const Lane& lane, const Ask& ask, const std::vector<NodeId>& nodes, SlotRange slots) {
  return std::ranges::all_of(ranks_by_node(nodes), [&](const auto& node) {
    const NodeLine* line = lane.find(node.first);
    const Resources needed = ask.shape.per_rank * node.second;
    return line != nullptr && line->open_over(slots) && needed.fits_in(line->free_over(slots));
  });
}

}  // namespace

std::optional<std::vector<NodeId>> nodes_for(const StintPlace& wanted) {
  const auto& [lane, ask, slots, stays_on] = wanted;
  if (stays_on == nullptr) return place(lane, ask, slots);
  if (!holds(lane, ask, *stays_on, slots)) return std::nullopt;
  return *stays_on;
}

SlotRange broken_at(const StintPlace& wanted) {
  const auto& [lane, ask, slots, stays_on] = wanted;
  std::int64_t fits = slots.first;
  for (std::int64_t fails = slots.end; fails - fits > 1;) {
    const std::int64_t middle = fits + (fails - fits) / 2;
    (nodes_for({lane, ask, {slots.first, middle}, stays_on}) ? fits : fails) = middle;
  }
  if (fits > slots.first || stays_on != nullptr) return {fits, fits + 1};
  const auto steps = lane.runs().all();
  return {fits, std::max(fits + 1, steps[lane.runs().at(fits) + 1].from)};
}

std::variant<FoundPieces, RefusalReason> find_pieces(const Lane& lane, const PiecesAsk& asked,
                                                     Duration slot) {
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
      const bool stays = ask.before == Before::runs && stint.start == window.first;
      const StintPlace wanted{lane, asked.ask, touched(stint.start, stint.finish, slot),
                              stays ? asked.running_on : nullptr};
      auto nodes = nodes_for(wanted);
      if (!nodes) {
        closed.push_back(broken_at(wanted));
        break;
      }
      found.pieces.push_back({stint.start, stint.finish, *std::move(nodes)});
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
