// Whether nodes hold a gang, found in the quick ways and by looking at every node for every start.
// On failure the seed in the message replays the run.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <tuple>

#include "era/request.h"
#include "era/test_world.h"
#include "era/yields.h"

namespace era {
namespace {

using namespace test;  // NOLINT: the words of these tests.
using domain::NodeId;
using domain::Placement;
using domain::Shape;

constexpr std::int64_t kHorizon = 1'200;

Shape random_shape(std::mt19937& random) {
  Shape shape;
  shape.ranks = 1 + static_cast<std::int32_t>(below(random, 12));
  shape.per_rank = {.gpus = static_cast<std::int32_t>(below(random, 7)),
                    .cpu_millis = below(random, 3) * 4'000,
                    .memory_bytes = below(random, 3) * 100};
  shape.placement = static_cast<Placement>(below(random, 3));
  return shape;
}

PlanNode random_node(std::mt19937& random, std::int64_t number) {
  PlanNode node = gpu_node("n" + std::to_string(number));
  constexpr std::int32_t kSizes[] = {2, 8, 8, 8, 300};
  node.capacity.gpus = kSizes[below(random, below(random, 8) == 0 ? 5 : 4)];
  node.closed = random_closings(random, kHorizon);
  if (below(random, 5) == 0) node.pool = {"other"};
  return node;
}

/// Nodes come, change and go while gangs are booked and unbooked and time passes.
Plan random_plan(std::mt19937& random) {
  Plan plan({.slot = domain::kMinute, .horizon_slots = static_cast<std::int32_t>(kHorizon)});
  const std::int64_t nodes = 2 + below(random, below(random, 4) == 0 ? 80 : 12);
  std::int64_t passed = below(random, 100);
  plan.advance(at_minute(passed));
  for (std::int64_t i = 0; i < nodes; ++i) plan.put_node(random_node(random, i));
  for (std::int64_t job = 1; job < 8 * nodes; ++job) {
    domain::Bid made = bid({.duration = minutes(1 + below(random, 400)), .earliest = {}});
    made.shape = random_shape(random);
    made.earliest = at_minute(below(random, kHorizon));
    const Answer answer = find_offer(plan, made, at_minute(passed));
    if (const Offer* offer = offer_in(answer)) plan.book(booking_of(job, made, *offer));
    if (below(random, 10) == 0) plan.unbook({1 + below(random, job)});
    if (below(random, 20) == 0) plan.advance(at_minute(passed += below(random, 20)));
    if (below(random, 20) == 0) plan.put_node(random_node(random, below(random, nodes + 5)));
    if (below(random, 40) == 0) plan.remove_node({"n" + std::to_string(below(random, nodes))});
  }
  return plan;
}

/// Looks at every node and every step of it.
bool holds(const Lane& lane, const Ask& ask, SlotRange slots) {
  std::vector<std::int32_t> ranks;
  for (const NodeLine& line : lane.nodes()) {
    const bool open = line.open_over(slots);
    ranks.push_back(open ? ranks_in(line.free_over(slots), ask.shape) : 0);
    if (ask.shape.placement == Placement::spread) ranks.back() = std::min(ranks.back(), 1);
  }
  std::sort(ranks.begin(), ranks.end(), std::greater<>());
  const bool packed = ask.shape.placement == Placement::packed;
  if (packed && std::ssize(ranks) > ask.most_nodes)
    ranks.resize(static_cast<std::size_t>(ask.most_nodes));
  std::int64_t sum = 0;
  for (const std::int32_t here : ranks) sum += here;
  return sum >= ask.shape.ranks;
}

bool contains(const std::vector<Starts>& ranges, std::int64_t start) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Starts& range) {
    return range.first <= start && start <= range.last;
  });
}

void expect_same(const Lane& lane, const Ask& ask, const Starts& starts, unsigned seed) {
  const auto placeable = placeable_starts(lane, ask, starts);
  const auto possible = possible_starts(lane, ask, starts);
  std::optional<Stretch> best;
  std::optional<Stretch> soonest;
  for (std::int64_t start = starts.first; start <= starts.last; ++start) {
    const SlotRange slots{start, start + starts.length};
    const bool here = holds(lane, ask, slots);
    ASSERT_EQ(contains(placeable, start), here) << "seed " << seed << " start " << start;
    ASSERT_EQ(place(lane, ask, slots).has_value(), here) << "seed " << seed << " start " << start;
    ASSERT_TRUE(!here || contains(possible, start)) << "seed " << seed << " start " << start;
    const auto cost = here ? cost_over(lane, ask.gang, slots) : std::nullopt;
    if (!cost) continue;
    if (!soonest) soonest = Stretch{start, *cost};
    if (!best || *cost < best->cost) best = Stretch{start, *cost};
  }
  const domain::Duration slot = domain::kMinute;
  const Window window{
      {starts.first * slot.ms}, {(starts.last + starts.length) * slot.ms}, slot * starts.length};
  for (const bool is_soonest : {false, true}) {
    const auto& wanted = is_soonest ? soonest : best;
    const auto place_found = find_place(lane, ask, window, slot, {.soonest = is_soonest});
    const Found* found = std::get_if<Found>(&place_found);
    ASSERT_EQ(found != nullptr, wanted.has_value()) << "seed " << seed;
    if (found == nullptr) continue;
    ASSERT_EQ((Stretch{found->slots.first, found->cost}), *wanted) << "seed " << seed;
  }
}

TEST(Placeable, EqualsLookingAtEveryNodeForEveryStart) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random{seed};
    const Plan plan = random_plan(random);
    for (int i = 0; i < 10; ++i) {
      const Lane& lane = plan.ground().lanes().begin()->second;
      const auto ask = ask_of(lane, random_shape(random));
      if (!ask) continue;
      Starts starts{1 + below(random, 400), plan.ground().begin() + below(random, 300), 0};
      starts.last = starts.first + below(random, 700);
      ASSERT_NO_FATAL_FAILURE(expect_same(lane, *ask, starts, seed));
    }
  }
}

/// Where `place` puts ranks that fit, one node after the other by looking at all that are left.
std::vector<NodeId> chosen_one_by_one(const Lane& lane, const Ask& ask, SlotRange slots) {
  struct Room {
    NodeId id;
    domain::Resources free;
    std::int32_t ranks;
  };
  std::vector<Room> rooms;
  for (const NodeLine& line : lane.nodes()) {
    if (!line.open_over(slots)) continue;
    const domain::Resources free = line.free_over(slots);
    rooms.push_back({line.node.id, free, ranks_in(free, ask.shape)});
    if (ask.shape.placement == Placement::spread)
      rooms.back().ranks = std::min(rooms.back().ranks, 1);
  }
  std::erase_if(rooms, [](const Room& room) { return room.ranks == 0; });
  const auto choose = [&ask](std::vector<Room> left, bool fewest) {
    std::vector<NodeId> nodes;
    while (std::ssize(nodes) < ask.shape.ranks) {
      const auto missing = ask.shape.ranks - static_cast<std::int32_t>(nodes.size());
      const auto key = [&](const Room& room) {
        const std::int32_t used = fewest ? std::min(room.ranks, missing) : 0;
        return std::tuple(-used, room.free.gpus, room.free.cpu_millis, room.id);
      };
      const auto next = std::ranges::min_element(left, {}, key);
      nodes.insert(nodes.end(), static_cast<std::size_t>(std::min(next->ranks, missing)), next->id);
      left.erase(next);
    }
    std::ranges::sort(nodes);
    return nodes;
  };
  if (ask.shape.placement == Placement::spread) return choose(rooms, false);
  const std::vector<NodeId> few = choose(rooms, true);
  const std::set<NodeId> different(few.begin(), few.end());
  return std::ssize(different) <= ask.most_nodes ? few : choose(rooms, false);
}

TEST(Place, TakesTheNodesThatChoosingOneByOneGives) {
  std::size_t seen = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random{seed};
    const Plan plan = random_plan(random);
    for (int i = 0; i < 40; ++i) {
      const Lane& lane = plan.ground().lanes().begin()->second;
      const auto ask = ask_of(lane, random_shape(random));
      if (!ask) continue;
      const std::int64_t first = plan.ground().begin() + below(random, 900);
      const SlotRange slots{first, first + 1 + below(random, 200)};
      const auto nodes = place(lane, *ask, slots);
      if (!nodes) continue;
      ASSERT_EQ(*nodes, chosen_one_by_one(lane, *ask, slots)) << "seed " << seed;
      ++seen;
    }
  }
  EXPECT_GT(seen, 500U);
}

/// Looks at every node: what it would yield if all of its movable bookings in `slots` were gone.
std::vector<Yield> all_yields(const Plan& plan, const Lane& lane, const Ask& ask, SlotRange slots) {
  std::vector<Yield> all;
  for (const NodeLine& line : lane.nodes()) {
    if (!line.open_over(slots)) continue;
    Yield yield{.line = &line, .free = line.free_over(slots)};
    for (const Movable& movable : plan.movables()) {
      if (movable.slots.first >= slots.end || slots.first >= movable.slots.end) continue;
      const auto& nodes = movable.booking->nodes;
      const auto ranks = std::count(nodes.begin(), nodes.end(), line.node.id);
      yield.freed = yield.freed + movable.booking->per_rank * ranks;
    }
    yield.ranks_now = ranks_in(yield.free, ask.shape);
    yield.ranks_then = ranks_in(yield.free + yield.freed, ask.shape);
    yield.in_the_way = std::int64_t{yield.freed.gpus} * 1000 + yield.freed.cpu_millis;
    if (yield.ranks_then > yield.ranks_now) all.push_back(yield);
  }
  const bool packed = ask.shape.placement == Placement::packed;
  std::stable_sort(all.begin(), all.end(), [&](const Yield& a, const Yield& b) {
    if (packed && a.ranks_then != b.ranks_then) return a.ranks_then > b.ranks_then;
    return a.in_the_way * (b.ranks_then - b.ranks_now) <
           b.in_the_way * (a.ranks_then - a.ranks_now);
  });
  return all;
}

TEST(Yields, ComeInTheOrderThatLookingAtAllNodesGives) {
  std::size_t seen = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random{seed};
    const Plan plan = random_plan(random);
    const Lane& lane = plan.ground().lanes().begin()->second;
    const auto ask = ask_of(lane, random_shape(random));
    if (!ask) continue;
    const Candidate candidate{&lane, *ask};
    std::vector<const Movable*> movables;
    for (const Movable& movable : plan.movables()) movables.push_back(&movable);
    const Loose loose(lane, movables);
    const std::int64_t first = plan.ground().begin() + below(random, 400);
    const SlotRange slots{first, first + 1 + below(random, 300)};
    auto found = Yields::find(candidate, slots, loose);
    if (!found) continue;
    const std::vector<Yield> wanted = all_yields(plan, lane, *ask, slots);
    for (std::size_t i = 0; i < wanted.size(); ++i, ++seen) {
      const Yield* yield = found->after(i);
      ASSERT_NE(yield, nullptr) << "seed " << seed;
      ASSERT_EQ(yield->line, wanted[i].line) << "seed " << seed << " place " << i;
      ASSERT_EQ(yield->ranks_now, wanted[i].ranks_now) << "seed " << seed;
      ASSERT_EQ(yield->ranks_then, wanted[i].ranks_then) << "seed " << seed;
    }
    ASSERT_EQ(found->after(wanted.size()), nullptr) << "seed " << seed;
  }
  EXPECT_GT(seen, 100U);
}

/// Every row and step of every lane.
std::vector<std::int64_t> everything_in(const Ground& ground) {
  std::vector<std::int64_t> all;
  for (const auto& [key, lane] : ground.lanes()) {
    for (const auto& step : lane.runs().all()) {
      all.insert(all.end(), {step.from, step.value.gpus_free, step.value.cpu_millis_free});
    }
    for (const NodeLine& line : lane.nodes()) {
      for (const auto& step : line.load.all()) {
        all.insert(all.end(), {step.from, step.value.promised.gpus});
      }
      for (std::int64_t block = 0; block < 60; ++block) {
        all.push_back(lane.free_blocks().row(block)[line.column]);
      }
    }
  }
  return all;
}

TEST(Placeable, ACopyOfTheGroundIsItsOwn) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::mt19937 random{seed};
    Plan plan = random_plan(random);
    const auto before = everything_in(plan.ground());
    Ground copy = plan.ground();
    for (const auto& [job, booking] : plan.bookings()) {
      copy.release({booking.per_rank, booking.nodes, plan.slots_of(booking)});
    }
    copy.advance(copy.begin() + 500);
    ASSERT_EQ(everything_in(plan.ground()), before) << "seed " << seed;
    const auto released = everything_in(copy);
    ASSERT_NE(released, before) << "seed " << seed;
    std::vector<domain::JobId> jobs;
    for (const auto& [job, booking] : plan.bookings()) jobs.push_back(job);
    for (const domain::JobId job : jobs) plan.unbook(job);
    ASSERT_EQ(everything_in(copy), released) << "seed " << seed;
  }
}

}  // namespace
}  // namespace era
