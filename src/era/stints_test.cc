// The cheapest stints against a search through all choices of slots. The seed in a message replays
// the run.
#include "era/stints.h"

#include <gtest/gtest.h>

#include <random>

#include "era/cheapest.h"
#include "era/test_world.h"

namespace era {
namespace {

using namespace test;  // NOLINT: the words of these tests.

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max() / 4;

/// The least that any choice of slots costs, by work done so far and whether the last slot ran.
std::int64_t least_by_hand(const Lane& lane, const StintsAsk& ask) {
  const std::int64_t wanted = ask.work.ms / domain::kMinute.ms;
  const std::int64_t restart = ask.restart.ms / domain::kMinute.ms;
  const auto width = static_cast<std::size_t>(wanted + restart + 1);
  // Work is shifted by `restart`: a job may owe as much. More than is wanted counts as that.
  std::vector<std::int64_t> ran(width, kNone), paused(width, kNone);
  const auto nothing = static_cast<std::size_t>(restart);
  const std::int64_t fresh = ask.before == Before::nothing ? 0 : kNone;
  if (ask.before == Before::runs) ran[nothing] = 0;
  if (ask.before == Before::pauses) paused[nothing] = 0;
  for (std::int64_t slot = ask.first.ms / domain::kMinute.ms;
       slot < ask.finish_by.ms / domain::kMinute.ms; ++slot) {
    const auto cost = cost_over(lane, ask.gang, {slot, slot + 1});
    std::vector<std::int64_t> runs(width, kNone);
    const auto add = [&](std::size_t work, std::int64_t sum) {
      auto& entry = runs[std::min(work + 1, width - 1)];
      entry = std::min(entry, sum + *cost);
    };
    for (std::size_t work = 0; cost && work < width; ++work) {
      if (ran[work] < kNone) add(work, ran[work]);
      if (paused[work] < kNone && work >= nothing) add(work - nothing, paused[work]);
    }
    if (cost && fresh < kNone) add(nothing, fresh);
    for (std::size_t work = 0; work < width; ++work)
      paused[work] = std::min(paused[work], ran[work]);
    ran = std::move(runs);
  }
  return std::min(ran.back(), paused.back());
}

std::int64_t cost_of(const Lane& lane, const StintsAsk& ask, const std::vector<Stint>& stints) {
  std::int64_t sum = 0;
  for (const Stint& stint : stints) {
    const auto cost =
        cost_over(lane, ask.gang, touched(stint.start, stint.finish, domain::kMinute));
    EXPECT_TRUE(cost.has_value()) << "a stint where there is no room";
    sum += cost.value_or(0);
  }
  return sum;
}

/// All the work and its restarts, in order, inside the window.
void expect_whole(const StintsAsk& ask, const std::vector<Stint>& stints) {
  domain::Duration sum;
  domain::Time before = ask.first;
  for (const Stint& stint : stints) {
    EXPECT_LT(stint.start, stint.finish);
    if (&stint != &stints.front()) EXPECT_LT(before, stint.start) << "they do not touch";
    EXPECT_LE(before, stint.start);
    before = stint.finish;
    sum = sum + (stint.finish - stint.start);
  }
  EXPECT_LE(before, ask.finish_by);
  const bool goes_on = ask.before == Before::runs && stints.front().start == ask.first;
  const bool restarts_first = ask.before != Before::nothing && !goes_on;
  const std::int64_t breaks = std::ssize(stints) - (restarts_first ? 0 : 1);
  EXPECT_EQ(sum, ask.work + ask.restart * breaks);
}

StintsAsk some_ask(std::mt19937& random, std::int64_t restart) {
  StintsAsk ask;
  ask.gang.gpus = static_cast<std::int32_t>(1 + below(random, 30));
  ask.first = at_minute(below(random, 10));
  ask.finish_by = ask.first + minutes(20 + below(random, 100));
  ask.work = minutes(1 + below(random, (ask.finish_by - ask.first).ms / domain::kMinute.ms));
  ask.restart = minutes(restart);
  ask.before = static_cast<Before>(below(random, 3));
  return ask;
}

TEST(Stints, AreTheCheapestSlotsWhereARestartIsFree) {
  int found = 0;
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const Plan plan = loaded_node(random, 140);
    const StintsAsk ask = some_ask(random, 0);
    const auto stints = cheapest_stints(only_lane(plan), ask, domain::kMinute);
    const std::int64_t least = least_by_hand(only_lane(plan), ask);
    ASSERT_EQ(stints.has_value(), least < kNone);
    if (!stints) continue;
    ++found;
    expect_whole(ask, *stints);
    EXPECT_EQ(cost_of(only_lane(plan), ask, *stints), least);
  }
  EXPECT_GT(found, 100);
}

TEST(Stints, AreCloseToTheCheapestWhereARestartTakesTime) {
  std::int64_t sum = 0;
  std::int64_t least_sum = 0;
  for (std::uint32_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const Plan plan = loaded_node(random, 140);
    const StintsAsk ask = some_ask(random, 1 + below(random, 4));
    const auto stints = cheapest_stints(only_lane(plan), ask, domain::kMinute);
    const std::int64_t least = least_by_hand(only_lane(plan), ask);
    ASSERT_EQ(stints.has_value(), least < kNone) << "whether there is time for it is exact";
    if (!stints) continue;
    expect_whole(ask, *stints);
    const std::int64_t cost = cost_of(only_lane(plan), ask, *stints);
    EXPECT_GE(cost, least);
    sum += cost;
    least_sum += least;
  }
  EXPECT_LT(static_cast<double>(sum), 1.01 * static_cast<double>(least_sum));
}

TEST(Stints, LeaveClosedSlotsAlone) {
  Plan plan = gpu_plan(1);
  StintsAsk ask;
  ask.gang.gpus = 1;
  ask.finish_by = at_minute(60);
  ask.work = minutes(20);
  ask.restart = minutes(5);
  const auto stints = cheapest_stints(only_lane(plan), ask, domain::kMinute, {{10, 12}});
  ASSERT_TRUE(stints);
  EXPECT_EQ(*stints, (std::vector<Stint>{{at_minute(12), at_minute(32)}}));
}

TEST(Stints, GoOnWithoutARestartWhereTheJobRuns) {
  Plan plan = gpu_plan(1);
  StintsAsk ask;
  ask.gang.gpus = 1;
  ask.finish_by = at_minute(60);
  ask.work = minutes(20);
  ask.restart = minutes(5);
  ask.before = Before::runs;
  EXPECT_EQ(*cheapest_stints(only_lane(plan), ask, domain::kMinute, {}),
            (std::vector<Stint>{{at_minute(0), at_minute(20)}}));
  EXPECT_EQ(*cheapest_stints(only_lane(plan), ask, domain::kMinute, {{0, 1}}),
            (std::vector<Stint>{{at_minute(1), at_minute(26)}}));
}

}  // namespace
}  // namespace era
