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
constexpr std::size_t kMostStarts = 2'000;

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
  std::vector<const Booking*> loose;  ///< May be moved, and overlap the window.
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
    const std::int64_t length = std::min(slots.end, runs[i + 1].from) - std::max(slots.first, runs[i].from);
    const Run& run = runs[i].value;
    const std::int64_t gpus = std::max(0, gang.gpus - run.gpus_free);
    const std::int64_t cores = std::max<std::int64_t>(0, gang.cpu_millis - run.cpu_millis_free);
    opening.missing += (gpus * 1000 + cores) * length;
  }
  opening.cost = cost_over(lane, gang, slots).value_or(0);
  return opening;
}

/// The most promising times: little missing, then cheap, then early. Starts are the window's first
/// and those at which a loose booking begins or ends or would just not be met.
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
    if (scene.window.only_first || starts.size() > kMostStarts) break;
    const SlotRange held = scene.plan.slots_of(*booking);
    for (const std::int64_t at : {held.first, held.end, held.first - length}) add(at);
  }
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  std::vector<Opening> found;
  for (const Time start : starts) found.push_back(opening_at(scene, start));
  if (!scene.reach.in_time) std::erase_if(found, [](const Opening& at) { return at.missing > 0; });
  std::sort(found.begin(), found.end(), [](const Opening& a, const Opening& b) {
    return std::tie(a.missing, a.cost, a.start) < std::tie(b.missing, b.cost, b.start);
  });
  if (found.size() > kMostWindows) found.resize(kMostWindows);
  return found;
}

/// A node on which bookings could make way for ranks.
struct Yield {
  std::int32_t ranks_now = 0;
  std::int32_t ranks_then = 0;  ///< If all of them went.
  std::int64_t in_the_way = 0;  ///< What they hold, in thousandths of a GPU and of a core.
  NodeId node;
  std::vector<const Booking*> bookings;
};

/// Cheap to clear before dear; a packed gang looks for whole nodes first.
bool easier(const Yield& a, const Yield& b, bool packed) {
  const auto gain = [](const Yield& y) { return std::int64_t{y.ranks_then - y.ranks_now}; };
  if (packed && a.ranks_then != b.ranks_then) return a.ranks_then > b.ranks_then;
  const std::int64_t left = a.in_the_way * std::max<std::int64_t>(1, gain(b));
  const std::int64_t right = b.in_the_way * std::max<std::int64_t>(1, gain(a));
  return std::tie(left, a.node) < std::tie(right, b.node);
}

std::vector<Yield> yields(const Scene& scene, SlotRange slots) {
  const Lane& lane = *scene.candidate.lane;
  std::map<NodeId, Yield> by_node;
  std::map<NodeId, domain::Resources> freed;
  for (const Booking* booking : scene.loose) {
    if (!overlap(scene.plan.slots_of(*booking), slots)) continue;
    for (const auto& [node, ranks] : ranks_by_node(booking->nodes)) {
      Yield& yield = by_node[node];
      yield.node = node;
      yield.bookings.push_back(booking);
      const domain::Resources held = booking->per_rank * ranks;
      yield.in_the_way += std::int64_t{held.gpus} * 1000 + held.cpu_millis;
      freed[node] = freed[node] + held;
    }
  }
  std::vector<Yield> found;
  for (auto& [node, yield] : by_node) {
    const NodeLine* line = lane.find(node);
    if (line == nullptr || !line->open_over(slots)) continue;
    const domain::Resources free = line->free_over(slots);
    yield.ranks_now = ranks_in(free, scene.bid.shape);
    yield.ranks_then = ranks_in(free + freed[node], scene.bid.shape);
    if (yield.ranks_then > yield.ranks_now) found.push_back(std::move(yield));
  }
  const bool packed = scene.bid.shape.placement == domain::Placement::packed;
  std::sort(found.begin(), found.end(),
            [&](const Yield& a, const Yield& b) { return easier(a, b, packed); });
  return found;
}

/// Clears nodes on `ground`, the easiest first and on each the smallest bookings first, until the bid
/// has a place in `slots`. Returns who had to go; none if even that did not do.
std::optional<std::map<JobId, const Booking*>> clear(const Scene& scene, Ground& ground,
                                                     SlotRange slots) {
  std::map<JobId, const Booking*> gone;
  const LaneKey key = scene.candidate.lane->key();
  const auto fits_now = [&] { return place(ground.lanes().at(key), scene.candidate.ask, slots).has_value(); };
  for (Yield& yield : yields(scene, slots)) {
    std::sort(yield.bookings.begin(), yield.bookings.end(), [](const Booking* a, const Booking* b) {
      return std::tuple(a->nodes.size(), a->per_rank.gpus, b->job) <
             std::tuple(b->nodes.size(), b->per_rank.gpus, a->job);
    });
    for (const Booking* booking : yield.bookings) {
      const NodeLine* line = ground.find(yield.node);
      const bool cleared = ranks_in(line->free_over(slots), scene.bid.shape) >= yield.ranks_then;
      if (cleared || gone.contains(booking->job)) continue;
      if (gone.size() == kMostMoves) return std::nullopt;
      gone.emplace(booking->job, booking);
      release(scene.plan, ground, *booking);
      if (fits_now()) return gone;
    }
  }
  return std::nullopt;
}

/// Puts everybody in `gone` somewhere else on `ground`, the hardest first.
std::optional<std::vector<Move>> resettle(const Scene& scene, Ground& ground,
                                          const std::map<JobId, const Booking*>& gone) {
  std::vector<const Booking*> order;
  for (const auto& [job, booking] : gone) order.push_back(booking);
  std::sort(order.begin(), order.end(), [](const Booking* a, const Booking* b) {
    const auto key = [](const Booking* x) {
      const std::int64_t gpus = x->per_rank.gpus * static_cast<std::int64_t>(x->nodes.size());
      return std::tuple(!x->firm, -gpus, x->job);
    };
    return key(a) < key(b);
  });
  std::vector<Move> moves;
  for (const Booking* booking : order) {
    auto move = another_place(scene.plan, ground, *booking, scene.now, scene.reach);
    if (!move) return std::nullopt;
    hold(scene.plan, ground, moved(*booking, *move));
    if (move->start != booking->start || move->nodes != booking->nodes) moves.push_back(*std::move(move));
  }
  return moves;
}

std::optional<Offer> make_room(const Scene& scene, Time start) {
  const Duration slot = scene.plan.settings().slot;
  const Window at_start{start, start + scene.bid.duration, scene.bid.duration, true};
  Ground ground = scene.plan.ground();
  const auto gone = clear(scene, ground, touched(at_start.first, at_start.finish_by, slot));
  if (!gone) return std::nullopt;

  const Lane& lane = ground.lanes().at(scene.candidate.lane->key());
  const auto cleared = find_place(lane, scene.candidate.ask, at_start, slot);
  const Found* room = std::get_if<Found>(&cleared);
  if (room == nullptr) return std::nullopt;
  const Hold held{scene.bid.shape.per_rank, room->nodes, room->slots};
  ground.add(held);
  auto moves = resettle(scene, ground, *gone);
  if (!moves) return std::nullopt;
  ground.release(held);
  const auto cost = cost_over(lane, scene.candidate.ask.gang, room->slots);
  if (!cost) return std::nullopt;
  Offer offer = offer_of(scene.plan, scene.bid, lane, {start, room->slots, *cost, room->nodes});
  offer.moves = std::move(*moves);
  return offer;
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
  for (const bool in_time : {false, true}) {
    std::optional<Offer> best;
    for (const Candidate& candidate : *candidates) {
      const Scene scene{plan, bid, candidate, *when, now, {in_time, false}, loose};
      for (const Opening& opening : openings(scene)) {
        auto offer = make_room(scene, opening.start);
        if (!offer) continue;
        const bool better = !best || std::tie(offer->price, offer->start) < std::tie(best->price, best->start);
        if (better) best = std::move(offer);
        break;
      }
    }
    if (best) return best;
  }
  return std::nullopt;
}

}  // namespace era
