#include "era/repack.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "era/openings.h"
#include "era/yields.h"

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
// there are more nodes, and from kManyNodes on so much less that it also takes less time. Roughly,
// a step of 1 takes 30 ns a node.
constexpr std::int64_t kMostWork = 1'000;
constexpr std::int64_t kLeastWork = 8;
constexpr std::int64_t kMostWorkOnNodes = 40'000;
constexpr std::int64_t kManyNodes = 300;
constexpr std::int64_t kWindowWork = 5;
constexpr std::int64_t kEvictionWork = 1;
constexpr std::int64_t kSameTimeWork = 2;
constexpr std::int64_t kInTimeWork = 12;

std::int64_t work_on(std::int64_t nodes) {
  const std::int64_t work = kMostWorkOnNodes / nodes * kManyNodes / std::max(nodes, kManyNodes);
  return std::clamp(work, kLeastWork, kMostWork);
}

/// What is looked at while room is made for one bid in one lane.
struct Scene {
  const Plan& plan;
  const Bid& bid;
  const Candidate& candidate;
  const Window& window;
  Time now;
  const Loose& loose;  ///< May be moved, and overlap the window.
  std::int64_t& work_left;
};

bool overlap(SlotRange a, SlotRange b) { return a.first < b.end && b.first < a.end; }

std::vector<const Movable*> loose_bookings(const Plan& plan, const Window& window, Time now) {
  std::vector<const Movable*> loose;
  loose.reserve(plan.movables().size());
  const SlotRange slots = touched(window.first, window.finish_by, plan.settings().slot);
  for (const Movable& movable : plan.movables()) {
    if (movable.start <= now || !overlap(movable.slots, slots)) continue;
    // What goes on in later pieces is left to replan().
    if (movable.booking->movable && movable.booking->later.empty()) loose.push_back(&movable);
  }
  return loose;
}

/// Who had to leave their places, and where they went.
struct Eviction {
  std::map<JobId, const Booking*> gone;
  std::vector<Move> placed;
};

/// Clears one node, the smallest bookings first, as far as the bid can use it. Returns how many
/// ranks that gains.
std::int64_t clear_node(const Scene& scene, Ground& ground, const Yields& found, const Yield& yield,
                        Eviction& eviction) {
  const NodeId& node = yield.line->node.id;
  const auto holds = [&] {
    return ranks_in(ground.find(node)->free_over(found.slots()), scene.bid.shape);
  };
  const std::int32_t before = holds();
  for (const auto& [booking, ranks] : found.smallest_on(*yield.line)) {
    if (holds() >= yield.ranks_then || eviction.gone.size() == kMostMoves) break;
    if (scene.work_left <= 0) break;
    if (!eviction.gone.emplace(booking->job, booking).second) continue;
    release(scene.plan, ground, *booking);
    scene.work_left -= kEvictionWork;
  }
  return holds() - before;
}

/// Clears nodes on `ground`, the easiest first, until the bid has a place: that place.
std::optional<std::vector<NodeId>> clear(const Scene& scene, Ground& ground, Yields& found,
                                         Eviction& eviction) {
  std::int64_t missing = found.missing();
  const LaneKey key = scene.candidate.lane->key();
  for (std::size_t i = 0; const Yield* yield = found.after(i); ++i) {
    missing -= clear_node(scene, ground, found, *yield, eviction);
    if (scene.work_left <= 0) break;
    if (missing > 0) continue;
    auto nodes = place(ground.lanes().at(key), scene.candidate.ask, found.slots());
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

/// The offer at `start`, if others can be put elsewhere: tried out on a copy of the plan's ground.
std::optional<Offer> make_room(const Scene& scene, Time start, Reach reach) {
  const SlotRange slots = touched(start, start + scene.bid.duration, scene.plan.settings().slot);
  auto found = Yields::find(scene.candidate, slots, scene.loose);
  if (!found) return std::nullopt;
  const std::int64_t most = scene.work_left / (kEvictionWork + kSameTimeWork) + 1;
  const auto too_many = static_cast<std::size_t>(most);
  if (found->evictions_needed(too_many) >= too_many) return std::nullopt;
  Ground ground = scene.plan.ground();
  Eviction eviction;
  auto nodes = clear(scene, ground, *found, eviction);
  if (!nodes) return std::nullopt;
  const Hold held{scene.bid.shape.per_rank, *nodes, slots};
  ground.add(held);
  if (!resettle(scene, ground, eviction, reach)) return std::nullopt;
  ground.release(held);
  const Lane& lane = ground.lanes().at(scene.candidate.lane->key());
  const auto cost = cost_over(lane, scene.candidate.ask.gang, slots);
  if (!cost) return std::nullopt;
  Offer offer = offer_of(scene.plan, scene.bid, lane, {start, slots, *cost, *nodes});
  for (const Move& move : eviction.placed) {
    const Booking& before = *eviction.gone.at(move.job);
    const bool stays = moved(before, move) == before;
    if (!stays) offer.moves.push_back(move);
  }
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
Room make_room_soon(const Scene& scene) {
  Room room;
  const auto found = openings(scene.plan, scene.candidate, scene.window, scene.loose.bookings());
  for (const Opening& opening : found) {
    // What is missing in sum only other times can give.
    if (room.in_time && opening.missing > 0) break;
    scene.work_left -= kWindowWork;
    if (scene.work_left < kEvictionWork + kSameTimeWork) break;
    auto offer = make_room(scene, opening.start, {.in_time = !room.in_time});
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
  if (when->first + when->duration > when->finish_by) return std::nullopt;  // But on more ranks.
  const auto loose = loose_bookings(plan, *when, now);
  if (loose.empty()) return std::nullopt;
  Room best;
  for (const Candidate& candidate : *candidates) {
    const auto nodes = static_cast<std::int64_t>(candidate.lane->nodes().size());
    std::int64_t work = work_on(nodes);
    const Loose bookings(*candidate.lane, loose);
    const Scene scene{plan, bid, candidate, *when, now, bookings, work};
    Room room = make_room_soon(scene);
    keep_better(best.same_time, std::move(room.same_time));
    keep_better(best.in_time, std::move(room.in_time));
  }
  return best.same_time ? best.same_time : best.in_time;
}

}  // namespace era
