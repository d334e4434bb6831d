#include "era/repack.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "era/openings.h"

namespace era {

using domain::Bid;
using domain::Duration;
using domain::JobId;
using domain::NodeId;
using domain::Time;

namespace {

constexpr std::int32_t kWidestGang = 512;
constexpr std::size_t kMostMoves = 64;
// How much is tried in one lane until it is given up: less where each step takes longer, because
// there are more nodes. Roughly, a step of 1 takes 50 ns a node.
constexpr std::int64_t kMostWork = 1'000;
constexpr std::int64_t kLeastWork = 30;
constexpr std::int64_t kMostWorkOnNodes = 40'000;
constexpr std::int64_t kWindowWork = 2;
constexpr std::int64_t kEvictionWork = 1;
constexpr std::int64_t kSameTimeWork = 2;
constexpr std::int64_t kInTimeWork = 12;

/// The nodes of bookings as positions in the lane, worked out once for each.
using Positions = std::map<const Booking*, std::vector<std::size_t>>;

/// What is looked at while room is made for one bid in one lane.
struct Scene {
  const Plan& plan;
  const Bid& bid;
  const Candidate& candidate;
  const Window& window;
  Time now;
  const std::vector<Movable>& loose;  ///< May be moved, and overlap the window.
  std::int64_t& work_left;
  Positions& positions;
};

bool overlap(SlotRange a, SlotRange b) { return a.first < b.end && b.first < a.end; }

std::vector<Movable> loose_bookings(const Plan& plan, const Window& window, Time now) {
  std::vector<Movable> loose;
  const SlotRange slots = touched(window.first, window.finish_by, plan.settings().slot);
  for (const Movable& movable : plan.movables()) {
    // What goes on in later pieces is left to replan().
    const bool whole = movable.booking->movable && movable.booking->later.empty();
    if (whole && movable.start > now && overlap(movable.slots, slots)) loose.push_back(movable);
  }
  return loose;
}

/// A node on which bookings could make way for ranks.
struct Yield {
  const NodeLine* line = nullptr;
  domain::Resources freed;  ///< If all of them went.
  std::int32_t ranks_now = 0;
  std::int32_t ranks_then = 0;  ///< If all of them went.
  std::int64_t in_the_way = 0;  ///< What they hold, in thousandths of a GPU and of a core.
};

/// A booking that may move and overlaps the slots.
struct InTheWay {
  const Booking* booking = nullptr;
  const std::vector<std::size_t>* positions = nullptr;
};

/// The nodes that can yield, the easiest first, and how many ranks have no place as things are.
struct Yields {
  SlotRange slots;
  std::vector<Yield> nodes;
  std::vector<InTheWay> bookings;
  std::int64_t missing = 0;
};

/// Cheap to clear before dear; a packed gang looks for whole nodes first.
bool easier(const Yield& a, const Yield& b, bool packed) {
  const auto gain = [](const Yield& y) { return std::int64_t{y.ranks_then - y.ranks_now}; };
  if (packed && a.ranks_then != b.ranks_then) return a.ranks_then > b.ranks_then;
  const std::int64_t left = a.in_the_way * gain(b);
  const std::int64_t right = b.in_the_way * gain(a);
  return std::tie(left, a.line) < std::tie(right, b.line);  // Lines lie in the order of ids.
}

/// Where the nodes of the booking's ranks lie in the lane.
const std::vector<std::size_t>& positions_of(const Scene& scene, const Booking& booking) {
  const auto [known, added] = scene.positions.try_emplace(&booking);
  if (!added) return known->second;
  const auto& lines = scene.candidate.lane->nodes();
  std::size_t at = 0;
  for (const NodeId& node : booking.nodes) {
    // Ranks are in the order of their nodes, which are often neighbours.
    if (at < lines.size() && lines[at].node.id < node) ++at;
    if (at == lines.size() || lines[at].node.id != node) {
      const NodeLine* line = scene.candidate.lane->find(node);
      if (line == nullptr) continue;
      at = static_cast<std::size_t>(line - lines.data());
    }
    known->second.push_back(at);
  }
  return known->second;
}

/// What every node of the lane would yield in `slots`. O(nodes + bookings' nodes x log nodes).
std::vector<Yield> all_yields(const Scene& scene, SlotRange slots,
                              const std::vector<InTheWay>& bookings) {
  const Lane& lane = *scene.candidate.lane;
  std::vector<Yield> nodes(lane.nodes().size());
  for (const auto& [booking, positions] : bookings) {
    for (const std::size_t position : *positions) {
      nodes[position].freed = nodes[position].freed + booking->per_rank;
    }
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Yield& yield = nodes[i];
    yield.line = &lane.nodes()[i];
    if (!yield.line->open_over(slots)) continue;
    const domain::Resources free = yield.line->free_over(slots);
    yield.ranks_now = ranks_in(free, scene.bid.shape);
    yield.ranks_then = ranks_in(free + yield.freed, scene.bid.shape);
    yield.in_the_way = std::int64_t{yield.freed.gpus} * 1000 + yield.freed.cpu_millis;
  }
  return nodes;
}

/// None if the bid would not fit even if everybody who may move were gone.
std::optional<Yields> yields(const Scene& scene, SlotRange slots) {
  const domain::Shape& shape = scene.bid.shape;
  const bool spread = shape.placement == domain::Placement::spread;
  const auto counted = [&](std::int32_t ranks) { return spread ? std::min(ranks, 1) : ranks; };
  Yields found{.slots = slots};
  for (const Movable& movable : scene.loose) {
    if (!overlap(movable.slots, slots)) continue;
    found.bookings.push_back({movable.booking, &positions_of(scene, *movable.booking)});
  }
  found.nodes = all_yields(scene, slots, found.bookings);
  found.missing = shape.ranks;
  std::int64_t missing_then = shape.ranks;
  for (const Yield& yield : found.nodes) {
    found.missing -= counted(yield.ranks_now);
    missing_then -= counted(yield.ranks_then);
  }
  if (missing_then > 0) return std::nullopt;
  std::erase_if(found.nodes, [](const Yield& y) { return y.ranks_then <= y.ranks_now; });
  const bool packed = shape.placement == domain::Placement::packed;
  std::sort(found.nodes.begin(), found.nodes.end(),
            [&](const Yield& a, const Yield& b) { return easier(a, b, packed); });
  return found;
}

/// Who had to leave their places, and where they went; what is put back if it does not work out.
struct Eviction {
  std::map<JobId, const Booking*> gone;
  std::vector<Move> placed;
};

void undo(const Scene& scene, Ground& ground, const Eviction& eviction) {
  for (const Move& move : eviction.placed) {
    release(scene.plan, ground, moved(*eviction.gone.at(move.job), move));
  }
  for (const auto& [job, booking] : eviction.gone) hold(scene.plan, ground, *booking);
}

/// Those of `bookings` that hold something of the node, the smallest first.
std::vector<const Booking*> smallest_on(const Scene& scene, const NodeLine& line,
                                        const std::vector<InTheWay>& bookings) {
  const auto at = static_cast<std::size_t>(&line - scene.candidate.lane->nodes().data());
  std::vector<const Booking*> found;
  for (const auto& [booking, positions] : bookings) {
    const bool here = std::find(positions->begin(), positions->end(), at) != positions->end();
    if (here) found.push_back(booking);
  }
  std::sort(found.begin(), found.end(), [](const Booking* a, const Booking* b) {
    return std::tuple(a->nodes.size(), a->per_rank.gpus, b->job) <
           std::tuple(b->nodes.size(), b->per_rank.gpus, a->job);
  });
  return found;
}

/// Clears one node, the smallest bookings first, as far as the bid can use it. Returns how many
/// ranks that gains.
std::int64_t clear_node(const Scene& scene, Ground& ground, const Yields& found, const Yield& yield,
                        Eviction& eviction) {
  const NodeId& node = yield.line->node.id;
  const auto holds = [&] {
    return ranks_in(ground.find(node)->free_over(found.slots), scene.bid.shape);
  };
  const std::int32_t before = holds();
  for (const Booking* booking : smallest_on(scene, *yield.line, found.bookings)) {
    if (holds() >= yield.ranks_then || eviction.gone.size() == kMostMoves) break;
    if (scene.work_left <= 0) break;
    if (!eviction.gone.emplace(booking->job, booking).second) continue;
    release(scene.plan, ground, *booking);
    scene.work_left -= kEvictionWork;
  }
  return holds() - before;
}

/// Clears nodes on `ground`, the easiest first, until the bid has a place: that place.
std::optional<std::vector<NodeId>> clear(const Scene& scene, Ground& ground, const Yields& found,
                                         Eviction& eviction) {
  std::int64_t missing = found.missing;
  const LaneKey key = scene.candidate.lane->key();
  for (const Yield& yield : found.nodes) {
    missing -= clear_node(scene, ground, found, yield, eviction);
    if (scene.work_left <= 0) break;
    if (missing > 0) continue;
    auto nodes = place(ground.lanes().at(key), scene.candidate.ask, found.slots);
    if (nodes) return nodes;
    scene.work_left -= kSameTimeWork;
    if (eviction.gone.size() >= kMostMoves || scene.work_left <= 0) break;
  }
  return std::nullopt;
}

/// Puts everybody who is gone somewhere else on `ground`, the hardest first; to other times only
/// where `reach` allows it and no other nodes are left at the same time.
bool resettle(const Scene& scene, Ground& ground, Eviction& eviction, Reach reach) {
  std::vector<const Booking*> order;
  for (const auto& [job, booking] : eviction.gone) order.push_back(booking);
  std::sort(order.begin(), order.end(), [](const Booking* a, const Booking* b) {
    const auto key = [](const Booking* x) {
      const std::int64_t gpus = x->per_rank.gpus * static_cast<std::int64_t>(x->nodes.size());
      return std::tuple(!x->firm, -gpus, x->job);
    };
    return key(a) < key(b);
  });
  for (const Booking* booking : order) {
    scene.work_left -= kSameTimeWork;
    if (scene.work_left < 0) return false;
    auto move = another_place(scene.plan, ground, *booking, scene.now, reach);
    if (!move) return false;
    if (move->start != booking->start) scene.work_left -= kInTimeWork;
    hold(scene.plan, ground, moved(*booking, *move));
    eviction.placed.push_back(std::move(*move));
  }
  return true;
}

/// The offer at `start`, if others can be put elsewhere. Leaves `ground` as it was, and copies it
/// from the plan when it is first needed.
std::optional<Offer> make_room(const Scene& scene, std::optional<Ground>& copy, Time start,
                               Reach reach) {
  const SlotRange slots = touched(start, start + scene.bid.duration, scene.plan.settings().slot);
  const auto found = yields(scene, slots);
  if (!found) return std::nullopt;
  if (!copy) copy = scene.plan.ground();
  Ground& ground = *copy;
  std::optional<Offer> offer;
  Eviction eviction;
  if (auto nodes = clear(scene, ground, *found, eviction)) {
    const Lane& lane = ground.lanes().at(scene.candidate.lane->key());
    const Hold held{scene.bid.shape.per_rank, *nodes, slots};
    ground.add(held);
    const bool resettled = resettle(scene, ground, eviction, reach);
    ground.release(held);
    const auto cost = cost_over(lane, scene.candidate.ask.gang, slots);
    if (resettled && cost) {
      offer = offer_of(scene.plan, scene.bid, lane, {start, slots, *cost, *nodes});
      for (const Move& move : eviction.placed) {
        const Booking& before = *eviction.gone.at(move.job);
        const bool stays = moved(before, move) == before;
        if (!stays) offer->moves.push_back(move);
      }
    }
  }
  undo(scene, ground, eviction);
  return offer;
}

/// Offers for which others make room: by going to other nodes only, and also to other times.
struct Room {
  std::optional<Offer> same_time;
  std::optional<Offer> in_time;
};

bool moves_in_time(const Plan& plan, const Offer& offer) {
  return std::any_of(offer.moves.begin(), offer.moves.end(),
                     [&](const Move& move) { return move.start != plan.find(move.job)->start; });
}

/// The offers at the first openings where it works out.
Room make_room_soon(const Scene& scene, std::optional<Ground>& copy) {
  Room room;
  const auto found = openings(scene.plan, scene.candidate, scene.window, scene.loose);
  for (const Opening& opening : found) {
    // What is missing in sum only other times can give.
    if (room.in_time && opening.missing > 0) break;
    scene.work_left -= kWindowWork;
    if (scene.work_left <= 0) break;
    auto offer = make_room(scene, copy, opening.start, {.in_time = !room.in_time});
    if (!offer) continue;
    const bool in_time = moves_in_time(scene.plan, *offer);
    (in_time ? room.in_time : room.same_time) = std::move(offer);
    if (!in_time) break;
  }
  return room;
}

void keep_better(std::optional<Offer>& best, std::optional<Offer> offer) {
  if (!offer) return;
  const bool better =
      !best || std::tie(offer->price, offer->start) < std::tie(best->price, best->start);
  if (better) best = std::move(offer);
}

}  // namespace

std::optional<Offer> repack(const Plan& plan, const Bid& bid, Time now) {
  if (bid.shape.ranks > kWidestGang) return std::nullopt;
  const auto lanes = lanes_for(plan.ground(), bid.shape);
  const auto window = window_of(plan, bid, now);
  const auto* candidates = std::get_if<std::vector<Candidate>>(&lanes);
  const auto* when = std::get_if<Window>(&window);
  if (candidates == nullptr || when == nullptr) return std::nullopt;
  const auto loose = loose_bookings(plan, *when, now);
  if (loose.empty()) return std::nullopt;
  std::optional<Ground> copy;
  Room best;
  for (const Candidate& candidate : *candidates) {
    const auto nodes = static_cast<std::int64_t>(candidate.lane->nodes().size());
    std::int64_t work = std::clamp(kMostWorkOnNodes / nodes, kLeastWork, kMostWork);
    Positions positions;
    const Scene scene{plan, bid, candidate, *when, now, loose, work, positions};
    Room room = make_room_soon(scene, copy);
    keep_better(best.same_time, std::move(room.same_time));
    keep_better(best.in_time, std::move(room.in_time));
  }
  return best.same_time ? best.same_time : best.in_time;
}

}  // namespace era
