// The cheapest stretch against adding up every stretch, slot by slot. The seed in a message replays
// the run.
#include "era/cheapest.h"

#include <gtest/gtest.h>

#include <random>

#include "era/test_world.h"

namespace era {
namespace {

using namespace test;  // The words of these tests.

constexpr std::int32_t kSlots = 900;

/// Demand that differs from lead to lead.
Forecast some_forecast(std::mt19937& random) {
  Learner learner;
  domain::Time now;
  for (int bids = 0; bids < 40; ++bids) {
    const domain::Duration duration = minutes(1 + below(random, 300));
    learner.see({1000 * (1 + below(random, 20)),
                 duration,
                 minutes(below(random, 90)),
                 duration + minutes(below(random, 200)),
                 {below(random, 9'000'000)}},
                now);
    if (bids % 10 == 9) learner.pass_hour(now = now + domain::kHour);
  }
  return forecast(learner, now);
}

/// A node whose load changes every slot or, where `longest` is larger, every so many slots. It
/// closes before the end, and some of its time is full.
Plan busy_node(std::mt19937& random, std::int64_t longest) {
  Plan plan({.slot = domain::kMinute, .horizon_slots = kSlots});
  PlanNode node = gpu_node("n", 64);
  node.capacity.cpu_millis = 64'000;
  node.closed = {{at_minute(kSlots - below(random, 60))}};
  plan.put_node(node);
  const std::int64_t fullest = below(random, 3) == 0 ? 65 : 40;
  for (std::int64_t at = 0, job = 1; at < kSlots - 60; ++job) {
    const std::int64_t until = std::min<std::int64_t>(kSlots - 60, at + 1 + below(random, longest));
    const auto gpus = static_cast<std::int32_t>(below(random, fullest));
    Booking booking{.job = {job}, .pool = node.pool};
    booking.start = at_minute(at);
    booking.finish = at_minute(until);
    booking.per_rank = {.gpus = gpus, .cpu_millis = std::int64_t{gpus} * 900};
    booking.nodes = {{"n"}};
    plan.book(booking);
    at = until;
  }
  return plan;
}

std::optional<Stretch> by_hand(const Lane& lane, const Gang& gang, const Starts& starts,
                               const Goal& goal) {
  std::optional<Stretch> best;
  for (std::int64_t first = starts.first; first <= starts.last; ++first) {
    std::int64_t cost = 0;
    bool full = false;
    for (std::int64_t slot = first; slot < first + starts.length && !full; ++slot) {
      const Run& run = lane.runs().all()[lane.runs().at(slot)].value;
      const std::int64_t more = lane.slot_cost(run, lane.lead_of(slot), gang);
      full = more == Lane::kInfeasible;
      cost += more;
    }
    if (full || cost > goal.limit) continue;
    if (goal.soonest) return Stretch{first, cost};
    if (!best || cost < best->cost) best = Stretch{first, cost};
  }
  return best;
}

TEST(CheapestStretch, EqualsTheBestOfAllStretches) {
  int found = 0;
  int none = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random{seed};
    const std::int64_t longest = seed % 3 == 0 ? 1 : 1 + below(random, 30);
    Plan plan = busy_node(random, longest);
    if (seed % 2 == 0) plan.set_forecast({{"a100"}, "a100"}, some_forecast(random));
    const Lane& lane = plan.ground().lanes().begin()->second;
    for (int i = 0; i < 4; ++i) {
      Gang gang{.gpus = static_cast<std::int32_t>(below(random, 30))};
      if (gang.gpus == 0 || i == 0) gang.core_units = static_cast<std::int32_t>(below(random, 20));
      gang.cpu_millis = gang.core_units * std::int64_t{1000};
      const std::int64_t first = below(random, kSlots / 2);
      const Starts starts{1 + below(random, 60), first, first + below(random, kSlots / 2)};
      const auto cheapest = by_hand(lane, gang, starts, {});
      ASSERT_EQ(cheapest_stretch(lane, gang, starts), cheapest) << "seed " << seed;
      (cheapest ? found : none) += 1;
      if (!cheapest) continue;
      for (const std::int64_t more : {-1, 0, 1, 2'000'000, 200'000'000}) {
        const Goal soonest{true, cheapest->cost + more};
        ASSERT_EQ(cheapest_stretch(lane, gang, starts, soonest),
                  by_hand(lane, gang, starts, soonest))
            << "seed " << seed << " and " << more;
        const Goal limited{false, cheapest->cost + more};
        ASSERT_EQ(cheapest_stretch(lane, gang, starts, limited),
                  by_hand(lane, gang, starts, limited))
            << "seed " << seed << " and " << more;
      }
      ASSERT_EQ(cheapest_stretch(lane, gang, starts, {.soonest = true}),
                by_hand(lane, gang, starts, {.soonest = true}))
          << "seed " << seed;
    }
  }
  EXPECT_GT(found, 500);
  EXPECT_GT(none, 5);
}

}  // namespace
}  // namespace era
