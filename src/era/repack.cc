#include "era/repack.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace era {

using domain::Bid;
using domain::Duration;
using domain::JobId;
using domain::NodeId;
using domain::Time;

namespace {

constexpr std::int32_t kWidestGang = 512;
constexpr std::size_t kMostMoves = 64;
constexpr std::size_t kMostWindows = 6;
constexpr std::size_t kMostStarts = 192;
// How much is tried in one lane until it is given up: less where each step takes longer, because
// there are more nodes. Roughly, a step of 1 takes 50 ns a node.
constexpr std::int64_t kMostWork = 1'000;
constexpr std::int64_t kLeastWork = 40;
constexpr std::int64_t kMostWorkOnNodes = 40'000;
constexpr std::int64_t kWindowWork = 2;
constexpr std::int64_t kEvictionWork = 1;
constexpr std::int64_t kSameTimeWork = 2;
constexpr std::int64_t kInTimeWork = 12;

/// The nodes of bookings as positions in the lane, worked out once for each.
using Positions = std::map<const Booking*, std::vector<std::size_t>>;

/// A time at which the bid could run if others made room.
struct Opening {
  Time start;
  std::int64_t missing = 0;  ///< By how much the lane's sum falls short, in GPU-slots.
  std::int64_t cost = 0;
};

/// What is looked at while room is made for one bid in one lane.
struct Scene {
  const Plan& plan;
  const Bid& bid;
  const Candidate& candidate;
  const Window& window;
  Time now;
  Reach reach;
  const std::vector<const Booking*>& loose;  ///< May be moved, and overlap the window.
  std::int64_t& work_left;
  Positions& positions;
};

bool overlap(SlotRange a, SlotRange b) { return a.first < b.end && b.first < a.end; }

std::vector<const Booking*> loose_bookings(const Plan& plan, const Window& window, Time now) {
  std::vector<const Booking*> loose;
  const SlotRange slots = touched(window.first, window.finish_by, plan.settings().slot);
  for (const auto& [job, booking] : plan.bookings()) {
    if (!booking.movable || booking.start <= now) continue;
    if (overlap(plan.slots_of(booking), slots)) loose.push_back(&booking);
  }
  return loose;
}

Opening opening_at(const Scene& scene, Time start) {
  const Lane& lane = *scene.candidate.lane;
  const Gang& gang = scene.candidate.ask.gang;
  const SlotRange slots = touched(start, start + scene.bid.duration, scene.plan.settings().slot);
  Opening opening{start};
  const auto runs = lane.runs().all();
  for (std::size_t i = lane.runs().at(slots.first); runs[i].from < slots.end; ++i) {
    const std::int64_t length =
        std::min(slots.end, runs[i + 1].from) - std::max(slots.first, runs[i].from);
    const Run& run = runs[i].value;
    const std::int64_t gpus = std::max(0, gang.gpus - run.gpus_free);
    const std::int64_t cores = std::max<std::int64_t>(0, gang.cpu_millis - run.cpu_millis_free);
    opening.missing += (gpus * 1000 + cores) * length;
  }
  if (opening.missing == 0) opening.cost = cost_over(lane, gang, slots).value_or(0);
  return opening;
}

/// The most promising times: little missing, then cheap, then early. Starts are the window's first
/// and those at which a loose booking begins or ends or would just not be met, or as many of these,
/// evenly, as there is time for.
std::vector<Opening> openings(const Scene& scene) {
  const Duration slot = scene.plan.settings().slot;
  std::vector<Time> starts{scene.window.first};
  const Time last = scene.window.finish_by - scene.window.duration;
  const auto add = [&](std::int64_t at) {
    const Time start{at * slot.ms};
    if (scene.window.first < start && start <= last) starts.push_back(start);
  };
  const std::int64_t length = (scene.bid.duration.ms + slot.ms - 1) / slot.ms;
  for (const Booking* booking : scene.loose) {
    if (scene.window.only_first) break;
    const SlotRange held = scene.plan.slots_of(*booking);
    for (const std::int64_t at : {held.first, held.end, held.first - length}) add(at);
  }
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  std::vector<Opening> found;
  const std::size_t stride = starts.size() / kMostStarts + 1;
  for (std::size_t i = 0; i < starts.size(); i += stride) {
    found.push_back(opening_at(scene, starts[i]));
  }
  if (!scene.reach.in_time) std::erase_if(found, [](const Opening& at) { return at.missing > 0; });
  std::sort(found.begin(), found.end(), [](const Opening& a, const Opening& b) {
    return std::tie(a.missing, a.cost, a.start) < std::tie(b.missing, b.cost, b.start);
  });
  if (found.size() > kMostWindows) found.resize(kMostWindows);
  return found;
}

/// A node on which bookings could make way for ranks.
struct Yield {
  const NodeLine* line = nullptr;
  domain::Resources freed;  ///< If all of them went.
  std::int32_t ranks_now = 0;
  std::int32_t ranks_then = 0;  ///< If all of them went.
  std::int64_t in_the_way = 0;  ///< What they hold, in thousandths of a GPU and of a core.
  std::vector<const Booking*> bookings;
};

/// The nodes that can yield, the easiest first, and how many ranks have no place as things are.
struct Yields {
  std::vector<Yield> nodes;
  std::int64_t missing = 0;
};

/// Cheap to clear before dear; a packed gang looks for whole nodes first.
bool easier(const Yield& a, const Yield& b, bool packed) {
  const auto gain = [](const Yield& y) { return std::int64_t{y.ranks_then - y.ranks_now}; };
  if (packed && a.ranks_then != b.ranks_then) return a.ranks_then > b.ranks_then;
  const std::int64_t left = a.in_the_way * gain(b);
  const std::int64_t right = b.in_the_way * gain(a);
  return std::tie(left, a.line->node.id) < std::tie(right, b.line->node.id);
}

const std::vector<std::size_t>& positions_of(const Scene& scene, const Booking& booking) {
  const auto [known, added] = scene.positions.try_emplace(&booking);
  if (!added) return known->second;
  const Lane& lane = *scene.candidate.lane;
  for (const NodeId& node : booking.nodes) {
    const NodeLine* line = lane.find(node);
    if (line == nullptr) continue;
    known->second.push_back(static_cast<std::size_t>(line - lane.nodes().data()));
  }
  return known->second;
}

/// What every node of the lane would yield in `slots`. O(nodes + bookings' nodes x log nodes).
std::vector<Yield> all_yields(const Scene& scene, SlotRange slots) {
  const Lane& lane = *scene.candidate.lane;
  std::vector<Yield> nodes(lane.nodes().size());
  for (const Booking* booking : scene.loose) {
    if (!overlap(scene.plan.slots_of(*booking), slots)) continue;
    for (const std::size_t position : positions_of(scene, *booking)) {
      Yield& yield = nodes[position];
      yield.freed = yield.freed + booking->per_rank;
      if (yield.bookings.empty() || yield.bookings.back() != booking) {
        yield.bookings.push_back(booking);
      }
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
  Yields found{all_yields(scene, slots), shape.ranks};
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

/// Clears one node, the smallest bookings first, as far as the bid can use it. Returns how many
/// ranks that gains.
std::int64_t clear_node(const Scene& scene, Ground& ground, Yield& yield, SlotRange slots,
                        Eviction& eviction) {
  std::sort(yield.bookings.begin(), yield.bookings.end(), [](const Booking* a, const Booking* b) {
    return std::tuple(a->nodes.size(), a->per_rank.gpus, b->job) <
           std::tuple(b->nodes.size(), b->per_rank.gpus, a->job);
  });
  const NodeId& node = yield.line->node.id;
  const auto holds = [&] { return ranks_in(ground.find(node)->free_over(slots), scene.bid.shape); };
  const std::int32_t before = holds();
  for (const Booking* booking : yield.bookings) {
    if (holds() >= yield.ranks_then || eviction.gone.size() == kMostMoves) break;
    if (scene.work_left <= 0) break;
    if (!eviction.gone.emplace(booking->job, booking).second) continue;
    release(scene.plan, ground, *booking);
    scene.work_left -= kEvictionWork;
  }
  return holds() - before;
}

/// Clears nodes on `ground`, the easiest first, until the bid has a place in `slots`.
bool clear(const Scene& scene, Ground& ground, SlotRange slots, Yields found, Eviction& eviction) {
  const LaneKey key = scene.candidate.lane->key();
  for (Yield& yield : found.nodes) {
    found.missing -= clear_node(scene, ground, yield, slots, eviction);
    if (scene.work_left <= 0) return false;
    if (found.missing > 0) continue;
    if (place(ground.lanes().at(key), scene.candidate.ask, slots)) return true;
    scene.work_left -= kSameTimeWork;
    if (eviction.gone.size() >= kMostMoves || scene.work_left <= 0) return false;
  }
  return false;
}

/// Puts everybody who is gone somewhere else on `ground`, the hardest first.
bool resettle(const Scene& scene, Ground& ground, Eviction& eviction) {
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
    scene.work_left -= scene.reach.in_time ? kInTimeWork : kSameTimeWork;
    if (scene.work_left < 0) return false;
    auto move = another_place(scene.plan, ground, *booking, scene.now, scene.reach);
    if (!move) return false;
    hold(scene.plan, ground, moved(*booking, *move));
    eviction.placed.push_back(std::move(*move));
  }
  return true;
}

/// The offer at `start`, if others can be put elsewhere. Leaves `ground` as it was, and copies it
/// from the plan when it is first needed.
std::optional<Offer> make_room(const Scene& scene, std::optional<Ground>& copy, Time start) {
  const SlotRange slots = touched(start, start + scene.bid.duration, scene.plan.settings().slot);
  auto found = yields(scene, slots);
  if (!found) return std::nullopt;
  if (!copy) copy = scene.plan.ground();
  Ground& ground = *copy;
  std::optional<Offer> offer;
  Eviction eviction;
  if (clear(scene, ground, slots, std::move(*found), eviction)) {
    const Lane& lane = ground.lanes().at(scene.candidate.lane->key());
    auto nodes = place(lane, scene.candidate.ask, slots);
    const Hold held{scene.bid.shape.per_rank, *nodes, slots};
    ground.add(held);
    const bool resettled = resettle(scene, ground, eviction);
    ground.release(held);
    const auto cost = cost_over(lane, scene.candidate.ask.gang, slots);
    if (resettled && cost) {
      offer = offer_of(scene.plan, scene.bid, lane, {start, slots, *cost, *nodes});
      for (const Move& move : eviction.placed) {
        const Booking& before = *eviction.gone.at(move.job);
        const bool stays = move.start == before.start && move.nodes == before.nodes;
        if (!stays) offer->moves.push_back(move);
      }
    }
  }
  undo(scene, ground, eviction);
  return offer;
}

/// The offer at the first opening where it works out.
std::optional<Offer> make_room_soon(const Scene& scene, std::optional<Ground>& copy) {
  for (const Opening& opening : openings(scene)) {
    scene.work_left -= kWindowWork;
    if (scene.work_left <= 0) break;
    if (auto offer = make_room(scene, copy, opening.start)) return offer;
  }
  return std::nullopt;
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
  for (const bool in_time : {false, true}) {
    std::optional<Offer> best;
    for (const Candidate& candidate : *candidates) {
      const auto nodes = static_cast<std::int64_t>(candidate.lane->nodes().size());
      std::int64_t work = std::clamp(kMostWorkOnNodes / nodes, kLeastWork, kMostWork);
      Positions positions;
      const Reach reach{in_time, false};
      const Scene scene{plan, bid, candidate, *when, now, reach, loose, work, positions};
      auto offer = make_room_soon(scene, copy);
      if (!offer) continue;
      const bool better =
          !best || std::tie(offer->price, offer->start) < std::tie(best->price, best->start);
      if (better) best = std::move(offer);
    }
    if (best) return best;
  }
  return std::nullopt;
}

}  // namespace era
