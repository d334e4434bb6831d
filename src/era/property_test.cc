// Properties over seeded random bids. On failure the seed in the message replays the run.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "era/price_table.h"
#include "era/quote.h"
#include "era/request.h"
#include "era/test_world.h"

namespace era {
namespace {

using namespace test;  // The words of these tests.
using domain::Bid;
using domain::NodeId;
using domain::Placement;
using domain::Resources;
using domain::Time;

constexpr std::int64_t kSlots = 40;

/// A few small nodes over forty slots, so that everything can be tried out.
Plan tiny_plan(std::mt19937& random) {
  Plan plan({.slot = domain::kMinute, .horizon_slots = kSlots});
  const std::int64_t nodes = 1 + below(random, 4);
  for (std::int64_t i = 0; i < nodes; ++i) {
    PlanNode node =
        gpu_node("n" + std::to_string(i), 1 + static_cast<std::int32_t>(below(random, 4)));
    node.capacity.cpu_millis = 4'000;
    node.closed = random_closings(random, kSlots);
    plan.put_node(node);
  }
  return plan;
}

Bid random_bid(std::mt19937& random, Time now) {
  Bid made = bid({.ranks = 1 + static_cast<std::int32_t>(below(random, 4)),
                  .gpus = static_cast<std::int32_t>(below(random, 4))});
  made.shape.per_rank.cpu_millis = below(random, 3) * 700;
  made.shape.placement = static_cast<Placement>(below(random, 3));
  made.duration = domain::Duration{1 + below(random, 8 * domain::kMinute.ms)};
  made.earliest = now + minutes(below(random, 20));
  made.deadline = made.earliest + made.duration + minutes(below(random, 20));
  made.firm = below(random, 4) == 0;
  if (below(random, 6) == 0) {
    made.job_class = domain::JobClass::eager;
    made.earliest = now;
  }
  return made;
}

/// What is free on `node` in `slot`, counted from the bookings alone.
Resources free_in(const Plan& plan, const PlanNode& node, std::int64_t slot) {
  Resources free = node.capacity;
  for (const auto& [job, booking] : plan.bookings()) {
    const SlotRange held = plan.slots_of(booking);
    if (slot < held.first || slot >= held.end) continue;
    for (const NodeId& id : booking.nodes) {
      if (id == node.id) free = free - booking.per_rank;
    }
  }
  return free;
}

bool closed_in(const Plan& plan, const PlanNode& node, std::int64_t slot) {
  const Time at{slot * plan.settings().slot.ms};
  return std::ranges::any_of(node.closed, [&](const domain::ClosedTime& closed) {
    const auto next = domain::next_occurrence(closed, at);
    return next && next->from <= at;
  });
}

std::vector<PlanNode> nodes_of(const Plan& plan) {
  std::vector<PlanNode> nodes;
  for (const auto& [key, lane] : plan.ground().lanes()) {
    for (const NodeLine& line : lane.nodes()) nodes.push_back(line.node);
  }
  return nodes;
}

std::int32_t ranks_free(const Plan& plan, const PlanNode& node, const Bid& made, SlotRange slots) {
  std::int32_t ranks = made.shape.ranks;
  for (std::int64_t slot = slots.first; slot < slots.end; ++slot) {
    const Resources free = free_in(plan, node, slot);
    if (closed_in(plan, node, slot)) return 0;
    while (ranks > 0 && !(made.shape.per_rank * ranks).fits_in(free)) --ranks;
  }
  return ranks;
}

/// Tries every set of nodes.
bool has_place(const Plan& plan, const Bid& made, SlotRange slots) {
  const std::vector<PlanNode> nodes = nodes_of(plan);
  std::size_t fewest = nodes.size() + 1;
  std::size_t fewest_empty = nodes.size() + 1;
  for (std::size_t set = 0; set < (std::size_t{1} << nodes.size()); ++set) {
    std::int32_t ranks = 0;
    std::int32_t ranks_empty = 0;
    std::size_t size = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if ((set >> i & 1) == 0) continue;
      const bool spread = made.shape.placement == Placement::spread;
      const std::int32_t here = ranks_free(plan, nodes[i], made, slots);
      std::int32_t empty = made.shape.ranks;
      while (empty > 0 && !(made.shape.per_rank * empty).fits_in(nodes[i].capacity)) --empty;
      ++size;
      ranks += spread ? std::min(here, 1) : here;
      ranks_empty += spread ? std::min(empty, 1) : empty;
    }
    if (ranks >= made.shape.ranks) fewest = std::min(fewest, size);
    if (ranks_empty >= made.shape.ranks) fewest_empty = std::min(fewest_empty, size);
  }
  if (made.shape.placement == Placement::packed)
    return fewest <= fewest_empty && fewest <= nodes.size();
  return fewest <= nodes.size();
}

/// Unit by unit, slot by slot: Algorithm 1 as it is written. What lies idle in a first and a last
/// slot that are one more than the duration needs is free.
domain::Money price_by_hand(const Plan& plan, const Bid& made, Time start) {
  const std::int64_t slot_ms = plan.settings().slot.ms;
  const SlotRange slots = touched(start, start + made.duration, plan.settings().slot);
  std::vector<std::int64_t> costs;
  const std::int32_t gpus = made.shape.per_rank.gpus * made.shape.ranks;
  const std::int32_t cores = core_units(made.shape.per_rank) * made.shape.ranks;
  const auto rate = [&](std::int64_t hourly, std::int64_t unit, std::int64_t capacity) {
    const std::int64_t full =
        capacity == 0 ? 1000 : std::min<std::int64_t>(1000, unit * 1000 / capacity);
    std::int64_t permille = 0;
    for (const CurveStep& step : plan.prices().curve) {
      if (step.fullness_permille <= full) permille = step.rate_permille;
    }
    return (hourly * permille + 999) / 1000;
  };
  for (std::int64_t slot = slots.first; slot < slots.end; ++slot) {
    std::int64_t sum = 0;
    Resources capacity;
    std::int64_t promised_gpus = 0;
    std::int64_t promised_cores = 0;
    for (const PlanNode& node : nodes_of(plan)) {
      if (!closed_in(plan, node, slot)) capacity = capacity + node.capacity;
      if (closed_in(plan, node, slot)) continue;
      for (const auto& [job, booking] : plan.bookings()) {
        const SlotRange held = plan.slots_of(booking);
        if (slot < held.first || slot >= held.end) continue;
        const auto ranks = std::count(booking.nodes.begin(), booking.nodes.end(), node.id);
        promised_gpus += booking.per_rank.gpus * ranks;
        promised_cores += core_units(booking.per_rank) * ranks;
      }
    }
    for (std::int32_t i = 0; i < gpus; ++i) {
      sum += rate(plan.prices().gpu_hour.at("").micros, promised_gpus + i, capacity.gpus);
    }
    for (std::int32_t i = 0; i < cores; ++i) {
      sum += rate(plan.prices().core_hour.micros, promised_cores + i, capacity.cpu_millis / 1000);
    }
    costs.push_back(sum);
  }
  std::int64_t sum = std::accumulate(costs.begin(), costs.end(), std::int64_t{0});
  if (slots.end - slots.first > (made.duration.ms + slot_ms - 1) / slot_ms) {
    const std::int64_t before = start.ms - slots.first * slot_ms;
    const std::int64_t after = slots.end * slot_ms - start.ms - made.duration.ms;
    sum -= (costs.front() * before + costs.back() * after) / slot_ms;
  }
  return price_of(sum, plan.settings().slot, class_permille(plan.prices(), made));
}

/// The cheapest of all starts, the earliest where prices tie.
std::optional<std::pair<domain::Money, Time>> by_hand(const Plan& plan, const Bid& made, Time now) {
  const domain::Duration slot = plan.settings().slot;
  const bool eager = made.job_class == domain::JobClass::eager;
  const Time first = eager ? now : std::max(now, made.earliest);
  std::set<Time> starts{first};
  for (std::int64_t i = first.ms / slot.ms + 1; i < kSlots && !eager; ++i)
    starts.insert({i * slot.ms});
  std::optional<std::pair<domain::Money, Time>> best;
  for (const Time start : starts) {
    const Time finish = start + made.duration;
    if (finish > made.deadline || finish > plan.horizon_end()) continue;
    const SlotRange slots = touched(start, finish, slot);
    if (!has_place(plan, made, slots)) continue;
    const domain::Money price = price_by_hand(plan, made, start);
    if (!best || price < best->first) best.emplace(price, start);
  }
  return best;
}

void expect_nothing_twice(const Plan& plan, unsigned seed) {
  for (const PlanNode& node : nodes_of(plan)) {
    for (std::int64_t slot = plan.ground().begin(); slot < 2 * kSlots; ++slot) {
      const Resources free = free_in(plan, node, slot);
      const bool ok = free.gpus >= 0 && free.cpu_millis >= 0 && free.memory_bytes >= 0;
      ASSERT_TRUE(ok) << "seed " << seed << " node " << node.id.value << " slot " << slot;
      ASSERT_TRUE(!closed_in(plan, node, slot) || free == node.capacity) << "seed " << seed;
    }
  }
}

/// Every promise made so far, as it was made.
void expect_promises_kept(const Plan& plan, const std::map<domain::JobId, Booking>& made,
                          unsigned seed) {
  for (const auto& [job, promise] : made) {
    const Booking* booking = plan.find(job);
    ASSERT_TRUE(booking) << "seed " << seed;
    ASSERT_GE(booking->start, promise.earliest) << "seed " << seed;
    ASSERT_LE(booking->finish, promise.deadline) << "seed " << seed;
    ASSERT_EQ(booking->finish - booking->start, promise.finish - promise.start) << "seed " << seed;
    if (promise.firm) ASSERT_EQ(booking->start, promise.start) << "seed " << seed;
    const std::set<NodeId> distinct(booking->nodes.begin(), booking->nodes.end());
    ASSERT_EQ(booking->nodes.size(), promise.nodes.size()) << "seed " << seed;
    if (promise.shape.placement == Placement::spread) {
      ASSERT_EQ(distinct.size(), booking->nodes.size()) << "seed " << seed;
    }
  }
}

TEST(QuoteProperties, EveryOfferIsTheCheapestThatBruteForceFinds) {
  int offers = 0;
  int refusals = 0;
  for (unsigned seed = 0; seed < 150; ++seed) {
    std::mt19937 random{seed};
    Plan plan = tiny_plan(random);
    for (int job = 1; job < 12; ++job) {
      const Time now{below(random, 2) * 30'000};
      const Bid made = random_bid(random, now);
      const Answer answer = find_offer(plan, made, now);
      const auto expected = by_hand(plan, made, now);
      const Offer* offer = offer_in(answer);
      ASSERT_EQ(offer != nullptr, expected.has_value()) << "seed " << seed << " job " << job;
      (offer ? offers : refusals) += 1;
      if (!offer) continue;
      ASSERT_EQ(offer->price, expected->first) << "seed " << seed << " job " << job;
      ASSERT_EQ(offer->start, expected->second) << "seed " << seed << " job " << job;
      plan.book(booking_of(job, made, *offer));
      expect_nothing_twice(plan, seed);
    }
  }
  EXPECT_GT(offers, 300);
  EXPECT_GT(refusals, 300);
}

TEST(QuoteProperties, MovesKeepEveryPromiseAndNothingIsPromisedTwice) {
  std::size_t moves = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::mt19937 random{seed};
    Plan plan = tiny_plan(random);
    std::map<domain::JobId, Booking> promises;
    for (int job = 1; job < 25; ++job) {
      const Bid made = random_bid(random, {});
      const Answer answer = quote(plan, made, {});
      const Offer* offer = offer_in(answer);
      if (!offer) continue;
      moves += offer->moves.size();
      make(plan, offer->moves);
      plan.book(booking_of(job, made, *offer));
      promises.emplace(domain::JobId{job}, *plan.find({job}));
      expect_promises_kept(plan, promises, seed);
      expect_nothing_twice(plan, seed);
      ASSERT_EQ(quote(plan, made, {}), quote(plan, made, {})) << "seed " << seed;
    }
  }
  EXPECT_GT(moves, 50u);
}

TEST(QuoteProperties, SplittingABidInOneWindowNeverHelps) {
  int compared = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random{seed};
    Plan plan = tiny_plan(random);
    Bid whole = random_bid(random, {});
    whole.job_class = domain::JobClass::reserved;
    whole.shape.placement = Placement::any;
    whole.shape.ranks = 2 + static_cast<std::int32_t>(below(random, 4));
    whole.deadline = whole.earliest + whole.duration;
    const Answer at_once = find_offer(plan, whole, {});
    if (!offer_in(at_once)) continue;
    Bid part = whole;
    part.shape.ranks = 1;
    domain::Money sum;
    for (int rank = 0; rank < whole.shape.ranks; ++rank) {
      const Answer answer = find_offer(plan, part, {});
      ASSERT_TRUE(offer_in(answer)) << "seed " << seed;
      sum += offer_in(answer)->price;
      plan.book(booking_of(rank + 1, part, *offer_in(answer)));
    }
    ASSERT_GE(sum, offer_in(at_once)->price) << "seed " << seed;
    ++compared;
  }
  EXPECT_GT(compared, 50);
}

TEST(QuoteProperties, APriceNeverFallsWithLoad) {
  int rises = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random{seed};
    Plan plan = tiny_plan(random);
    const Bid watched = random_bid(random, {});
    std::optional<domain::Money> before;
    bool refused = false;
    for (int job = 1; job < 12; ++job) {
      const Answer answer = find_offer(plan, watched, {});
      const Offer* offer = offer_in(answer);
      ASSERT_FALSE(refused && offer) << "seed " << seed;
      refused = offer == nullptr;
      if (offer && before) {
        ASSERT_GE(offer->price, *before) << "seed " << seed;
        if (offer->price > *before) ++rises;
      }
      if (offer) before = offer->price;
      const Bid load = random_bid(random, {});
      const Answer other = find_offer(plan, load, {});
      if (offer_in(other)) plan.book(booking_of(job, load, *offer_in(other)));
    }
  }
  EXPECT_GT(rises, 20);
}

/// The same plan, made anew at `now`.
Plan made_anew(const Plan& plan, Time now) {
  Plan fresh(plan.settings());
  fresh.advance(now);
  for (const auto& [key, lane] : plan.ground().lanes()) {
    for (const NodeLine& line : lane.nodes()) {
      if (line.present) fresh.put_node(line.node);
    }
  }
  for (const auto& [job, booking] : plan.bookings()) fresh.restore(booking);
  return fresh;
}

/// What may be moved is listed as the bookings have it.
void expect_movables_listed(const Plan& plan, unsigned seed) {
  auto listed = plan.movables().begin();
  for (const auto& [job, booking] : plan.bookings()) {
    if (!booking.movable) continue;
    ASSERT_NE(listed, plan.movables().end()) << "seed " << seed;
    ASSERT_EQ(listed->booking, &booking) << "seed " << seed;
    ASSERT_EQ(listed->start, booking.start) << "seed " << seed;
    ASSERT_EQ(listed->slots, plan.slots_of(booking)) << "seed " << seed;
    ++listed;
  }
  ASSERT_EQ(listed, plan.movables().end()) << "seed " << seed;
}

TEST(PlanProperties, EveryPlanListsItsOwnMovableBookings) {
  std::size_t movables = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random{seed};
    Plan plan = tiny_plan(random);
    for (int i = 1; i < 40; ++i) {
      reserve(plan, 1 + (i * 17) % 40, random_bid(random, {}));
      if (i % 4 == 0) plan.unbook({1 + below(random, 40)});
      if (i % 4 == 2) plan.pin({1 + below(random, 40)});
      expect_movables_listed(plan, seed);
      Plan copy = plan;
      expect_movables_listed(copy, seed);
      copy.unbook({1 + below(random, 40)});
      plan = copy;
      movables += plan.movables().size();
      expect_movables_listed(plan, seed);
    }
  }
  EXPECT_GT(movables, 1'000u);
}

TEST(PlanProperties, AdvancingEqualsAFreshPlan) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random{seed};
    Plan plan = tiny_plan(random);
    Time now;
    for (int job = 1; job < 30; ++job) {
      now = now + domain::Duration{below(random, 3 * domain::kMinute.ms)};
      plan.advance(now);
      const Bid made = random_bid(random, now);
      const Plan fresh = made_anew(plan, now);
      ASSERT_EQ(find_offer(plan, made, now), find_offer(fresh, made, now)) << "seed " << seed;
      ASSERT_EQ(plan.displaced(), fresh.displaced()) << "seed " << seed;
      ASSERT_EQ(calendar(plan, now, 1).size(), calendar(fresh, now, 1).size());
      reserve(plan, job, made, now);
      if (job % 5 == 0) plan.unbook({1 + below(random, job)});
      if (job % 7 == 0) plan.remove_node({"n0"});
      if (job % 7 == 2) plan.put_node(gpu_node("n0", 2));
    }
  }
}

TEST(PlanProperties, BookingAndUnbookingLeavesNoTrace) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random{seed};
    Plan plan = tiny_plan(random);
    std::map<NodeId, std::size_t> steps;
    for (const PlanNode& node : nodes_of(plan)) {
      steps[node.id] = plan.ground().find(node.id)->load.size();
    }
    for (int job = 1; job < 15; ++job) reserve(plan, job, random_bid(random, {}));
    for (int job = 1; job < 15; ++job) plan.unbook({job});
    for (const auto& [node, before] : steps) {
      ASSERT_EQ(plan.ground().find(node)->load.size(), before) << "seed " << seed;
    }
  }
}

TEST(MendProperties, KeepsPromisesAndBreaksOnlyWhatNoPlaceIsLeftFor) {
  std::size_t mended_jobs = 0;
  std::size_t broken_jobs = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random{seed};
    Plan plan = tiny_plan(random);
    std::map<domain::JobId, Booking> promises;
    for (int job = 1; job < 10; ++job) {
      if (offer_in(reserve(plan, job, random_bid(random, {})))) {
        promises.emplace(domain::JobId{job}, *plan.find({job}));
      }
    }
    for (auto& [job, promise] : promises) promise = *plan.find(job);
    if (seed % 2 == 0) {
      plan.remove_node({"n0"});
    } else {
      PlanNode closing = plan.ground().find({"n0"})->node;
      closing.closed.push_back({at_minute(below(random, 20))});
      plan.put_node(closing);
    }
    const auto displaced = plan.displaced();
    const Mended mended = mend(plan, displaced, {});
    std::map<domain::JobId, Booking> lost;
    for (const domain::JobId job : mended.broken) {
      lost.emplace(job, *plan.find(job));
      promises.erase(job);
      plan.unbook(job);
    }
    make(plan, mended.moves);
    ASSERT_TRUE(plan.displaced().empty()) << "seed " << seed;
    expect_promises_kept(plan, promises, seed);
    expect_nothing_twice(plan, seed);
    mended_jobs += mended.moves.size();
    broken_jobs += lost.size();
    for (const auto& [job, booking] : lost) {
      Bid again = bid({});
      again.shape = booking.shape;
      again.duration = booking.finish - booking.start;
      again.earliest = booking.firm ? booking.start : booking.earliest;
      again.deadline = booking.firm ? booking.finish : booking.deadline;
      const bool never =
          std::holds_alternative<RefusalReason>(lanes_for(plan.ground(), again.shape));
      ASSERT_TRUE(never || !by_hand(plan, again, {})) << "seed " << seed << " job " << job.value;
    }
  }
  EXPECT_GT(mended_jobs, 100u);
  EXPECT_GT(broken_jobs, 100u);
}

}  // namespace
}  // namespace era
