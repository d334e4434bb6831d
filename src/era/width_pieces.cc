#include "era/width_pieces.h"

#include <algorithm>
#include <utility>

namespace era {

using domain::Duration;

namespace {

/// How often the stints are chosen anew because the nodes could not hold them.
constexpr int kMostRounds = 12;

WidthStintsAsk stints_ask(const WidthPiecesAsk& asked) {
  WidthStintsAsk ask{{}, asked.first, asked.finish_by, asked.work, asked.restart, asked.before, 0};
  for (std::size_t i = 0; i < asked.on.asks.size(); ++i) {
    ask.widths.push_back({asked.on.asks[i].gang, asked.on.speeds[i]});
    const auto ranks = static_cast<std::size_t>(asked.on.asks[i].shape.ranks);
    if (asked.running_on != nullptr && asked.running_on->size() == ranks) ask.runs_on = i;
  }
  return ask;
}

}  // namespace

std::optional<WidthAsks> width_asks(const Lane& lane, const domain::Shape& shape,
                                    const domain::Widths& widths) {
  WidthAsks found;
  domain::Shape at_width = shape;
  for (const domain::Width& width : widths) {
    at_width.ranks = width.ranks;
    auto ask = ask_of(lane, at_width);
    if (!ask) continue;
    found.asks.push_back(*std::move(ask));
    found.speeds.push_back(width.speed);
  }
  if (found.asks.empty()) return std::nullopt;
  return found;
}

std::variant<FoundPieces, RefusalReason> find_width_pieces(const Lane& lane,
                                                           const WidthPiecesAsk& asked,
                                                           Duration slot) {
  if (asked.first >= asked.finish_by) return RefusalReason::no_free_window;
  const WidthStintsAsk ask = stints_ask(asked);
  std::vector<ClosedWidths> closed;
  for (int round = 0; round < kMostRounds; ++round) {
    const auto stints = cheapest_width_stints(lane, ask, slot, closed);
    if (!stints) return round == 0 ? RefusalReason::no_free_window : RefusalReason::fragmented;
    FoundPieces found;
    for (const WidthStint& stint : *stints) {
      const bool stays =
          ask.before == Before::runs && stint.start == asked.first && stint.width == ask.runs_on;
      const StintPlace wanted{lane, asked.on.asks[stint.width],
                              touched(stint.start, stint.finish, slot),
                              stays ? asked.running_on : nullptr};
      if (auto nodes = nodes_for(wanted)) {
        found.pieces.push_back({stint.start, stint.finish, *std::move(nodes)});
      } else {
        closed.push_back({broken_at(wanted), stint.width});
      }
    }
    if (found.pieces.size() < stints->size()) continue;
    found.cost = cost_of(lane, asked.on.asks.front(), found.pieces, slot).value();
    return found;
  }
  return RefusalReason::fragmented;
}

std::int64_t work_of(const Pieces& pieces, const domain::Widths& widths, Duration restart,
                     bool restarts_first) {
  std::int64_t sum = 0;
  bool restarts = restarts_first;
  for (const Piece& piece : pieces) {
    const Duration idle = restarts ? restart : Duration{};
    const Duration works = piece.finish - piece.start - idle;
    sum += works.ms * domain::speed_on(widths, std::ssize(piece.nodes));
    restarts = true;
  }
  return sum;
}

std::int64_t fastest(const domain::Bid& bid) {
  std::int64_t speed = domain::speed_on(bid.widths, bid.shape.ranks);
  for (const domain::Width& width : bid.widths) speed = std::max<std::int64_t>(speed, width.speed);
  return speed;
}

Duration shortest(const domain::Bid& bid) {
  return {(work_of(bid) + fastest(bid) - 1) / fastest(bid)};
}

domain::Shape narrowest(domain::Shape shape, const domain::Widths& widths) {
  if (!widths.empty()) shape.ranks = widths.front().ranks;
  return shape;
}

}  // namespace era
