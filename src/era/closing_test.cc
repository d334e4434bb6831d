#include <gtest/gtest.h>

#include "era/test_world.h"

// Nodes that are closed for a time.
namespace era::test {
namespace {

using domain::ClosedTime;
using domain::NodeId;
using domain::Time;

/// Closed from 22h to 6h, every day.
const ClosedTime kNights{at_hour(22), at_hour(30), domain::kDay};

Plan closed_at_night(int nodes) {
  Plan plan = gpu_plan(nodes);
  for (int i = 0; i < nodes; ++i) {
    PlanNode node = gpu_node("n" + std::to_string(i));
    node.closed = {kNights};
    plan.put_node(node);
  }
  return plan;
}

TEST(ClosedTimes, OccurOnceOrAgain) {
  const auto from = [](const ClosedTime& closed, Time at) {
    const auto next = domain::next_occurrence(closed, at);
    return next ? next->from : Time{-1};
  };
  EXPECT_EQ(from({at_hour(1), at_hour(2), {}}, at_hour(0)), at_hour(1));
  EXPECT_EQ(from({at_hour(1), at_hour(2), {}}, at_minute(119)), at_hour(1));
  EXPECT_EQ(from({at_hour(1), at_hour(2), {}}, at_hour(2)), Time{-1});
  EXPECT_EQ(from({at_hour(1)}, at_hour(9'999)), at_hour(1));
  EXPECT_EQ(from(kNights, at_minute(30 * 60 - 1)), at_hour(22));
  EXPECT_EQ(from(kNights, at_hour(30)), at_hour(46));
  EXPECT_EQ(from(kNights, at_hour(54)), at_hour(70));
  const std::vector<ClosedTime> both{kNights, {at_hour(20), at_hour(21), {}}};
  EXPECT_EQ(domain::next_occurrence(both, at_hour(0))->from, at_hour(20));
  EXPECT_EQ(domain::next_occurrence(both, at_hour(21))->from, at_hour(22));
  EXPECT_FALSE(domain::next_occurrence(std::vector<ClosedTime>{}, at_hour(0)));
}

TEST(Closing, TheCalendarHasNoCapacityThen) {
  const Plan plan = closed_at_night(2);
  for (const CalendarHour& hour : calendar(plan, at_hour(0), 48)) {
    const std::int64_t of_day = hour.from.ms / domain::kHour.ms % 24;
    // Nothing closes before the first night.
    const bool closed = of_day >= 22 || (of_day < 6 && hour.from >= at_hour(24));
    EXPECT_EQ(hour.capacity_gpus, closed ? 0 : 16) << hour.from.ms / domain::kHour.ms;
    EXPECT_EQ(hour.free_gpus, closed ? 0 : 16);
  }
}

TEST(Closing, ANewClosureTakesAwayWhatItsNodesHave) {
  Plan plan = closed_at_night(2);
  PlanNode open = gpu_node("n0");
  open.closed = {{at_hour(2), at_hour(4), {}}};
  plan.put_node(open);
  std::vector<std::int32_t> gpus;
  for (const CalendarHour& hour : calendar(plan, at_hour(0), 24)) gpus.push_back(hour.free_gpus);
  std::vector<std::int32_t> expected(24, 16);
  expected[2] = expected[3] = 8;
  expected[22] = expected[23] = 8;
  EXPECT_EQ(gpus, expected);
}

TEST(Closing, MeetingAndOverlappingTimesAreOne) {
  Plan plan = gpu_plan(1);
  PlanNode node = gpu_node("n0");
  node.closed = {{at_hour(4), at_hour(6), {}},
                 {at_hour(1), at_hour(3), {}},
                 {at_hour(2), at_hour(4), {}},
                 {at_minute(150), at_minute(160), {}}};
  plan.put_node(node);
  const NodeLine& line = *plan.ground().find({"n0"});
  EXPECT_EQ(line.load.size(), 3u);
  EXPECT_TRUE(line.open_over({0, 60}));
  EXPECT_FALSE(line.open_over({0, 61}));
  EXPECT_FALSE(line.open_over({359, 400}));
  EXPECT_TRUE(line.open_over({360, 4'000}));
}

TEST(Closing, NightsAreKnownAsFarAsThePlanLooks) {
  Plan plan = closed_at_night(1);
  for (std::int64_t day = 0; day < 30; ++day) {
    plan.advance(at_hour(day * 24));
    const Time last_night = at_hour((day + 3) * 24 + 22);
    Wish wish{.gpus = 8, .duration = hours(2)};
    wish.earliest = last_night - hours(3);
    wish.deadline = last_night + hours(1);
    const Answer answer = quote(plan, bid(wish), at_hour(day * 24));
    ASSERT_TRUE(offer_in(answer)) << day;
    EXPECT_EQ(offer_in(answer)->start, wish.earliest);
    wish.duration = hours(4);
    EXPECT_TRUE(refusal_in(quote(plan, bid(wish), at_hour(day * 24)))) << day;
  }
}

/// When each run of the only lane begins, what it has free and promised, and its capacity.
std::vector<std::int64_t> runs(const Plan& plan) {
  std::vector<std::int64_t> all;
  for (const auto& step : only_lane(plan).runs().all()) {
    all.insert(all.end(), {step.from, step.value.gpus_free, step.value.gpus_promised,
                           only_lane(plan).capacity_of(step.value).gpus});
  }
  return all;
}

TEST(Closing, SeveralNodesAtOnceAsOneByOne) {
  std::mt19937 random{7};
  Plan one_by_one = gpu_plan(6);
  for (int job = 1; job < 30; ++job) {
    Wish wish{.ranks = 2, .gpus = 3, .duration = minutes(1 + below(random, 400))};
    wish.earliest = at_minute(below(random, 1'000));
    reserve(one_by_one, job, bid(wish));
  }
  Plan at_once = one_by_one;
  std::vector<PlanNode> nodes;
  for (std::int64_t i = 0; i < 8; ++i) {  // Two of them are new.
    nodes.push_back(gpu_node("n" + std::to_string(i)));
    nodes.back().closed = random_closings(random, 1'000);
    nodes.back().closed.push_back({at_minute(100 * i), at_minute(100 * i + 50), {}});
    one_by_one.put_node(nodes.back());
  }
  at_once.put_nodes(nodes);
  EXPECT_EQ(at_once.displaced(), one_by_one.displaced());
  EXPECT_FALSE(at_once.displaced().empty());
  EXPECT_EQ(runs(at_once), runs(one_by_one));
}

TEST(Closing, WhatANodeHasForgottenDoesNotCount) {
  Plan plan = gpu_plan(3);
  // The sums have much ahead, so they remember longer what was before than the node does.
  for (int hour = 30; hour < 90; ++hour) occupy(plan, hour, "n1", 1 + hour % 3, {hour, hour + 1});
  for (std::int64_t hour = 0; hour < 24; hour += 3) {
    plan.advance(at_hour(hour));
    for (const bool closes : {true, false, true}) {
      PlanNode node = gpu_node("n0");
      if (closes) node.closed = {{at_minute(hour * 60 - 120), at_minute(hour * 60 + 90), {}}};
      plan.put_node(node);
      for (const auto& step : only_lane(plan).runs().all()) {
        const Capacity& has = only_lane(plan).capacity_of(step.value);
        ASSERT_TRUE(has.gpus == 24 || has.gpus == 16) << hour << ": " << has.gpus;
      }
    }
  }
}

TEST(Closing, ANodeThatIsOffHasNothingBeforeItCouldBeOn) {
  Plan plan = gpu_plan(1);
  PlanNode off = gpu_node("n0");
  off.opens_after = minutes(7);
  plan.put_node(off);
  const auto start_at = [&](Time now) {
    plan.advance(now);
    return offer_in(quote(plan, bid({.gpus = 8, .duration = hours(1)}), now))->start;
  };
  EXPECT_EQ(start_at(at_hour(0)), at_minute(7));
  EXPECT_EQ(start_at(at_minute(3)), at_minute(10));
  EXPECT_EQ(start_at(at_minute(3) + domain::kSecond), at_minute(10));
  EXPECT_EQ(start_at(at_hour(500)), at_hour(500) + minutes(7));
  reserve(plan, 1, bid({.gpus = 8, .duration = hours(1)}), at_hour(500));
  plan.advance(at_hour(500) + minutes(1));
  EXPECT_EQ(plan.displaced().size(), 1u) << "nobody has switched it on";
  plan.put_node(gpu_node("n0"));
  EXPECT_TRUE(plan.displaced().empty());
}

TEST(Closing, WhatIsOffOpensLaterAsIfItWerePutInThen) {
  std::mt19937 random{11};
  for (int round = 0; round < 20; ++round) {
    Plan later = gpu_plan(4);
    std::vector<PlanNode> nodes;
    for (int i = 0; i < 4; ++i) {
      nodes.push_back(gpu_node("n" + std::to_string(i)));
      if (below(random, 3) > 0) nodes.back().opens_after = minutes(1 + below(random, 90));
      if (below(random, 2) > 0) nodes.back().closed = random_closings(random, 500);
    }
    later.put_nodes(nodes);
    for (int job = 1; job < 30; ++job) {
      Wish wish{.ranks = 2, .gpus = 3, .duration = minutes(1 + below(random, 200))};
      wish.earliest = at_minute(below(random, 500));
      reserve(later, job, bid(wish));
    }
    for (std::int64_t minute = 0; minute < 500; minute += 1 + below(random, 60)) {
      later.advance(at_minute(minute));
      Plan anew = later;
      anew.put_nodes(nodes);
      ASSERT_EQ(runs(later), runs(anew)) << round << ", " << minute;
      ASSERT_EQ(later.displaced(), anew.displaced());
      for (const PlanNode& node : nodes) {
        const auto& load = later.ground().find(node.id)->load;
        const auto& expected = anew.ground().find(node.id)->load;
        for (std::int64_t slot = minute; slot < 800; ++slot)
          ASSERT_EQ(load.all()[load.at(slot)].value, expected.all()[expected.at(slot)].value);
      }
    }
  }
}

TEST(Without, MovesWhatCanAndNamesWhatCannot) {
  Plan plan = gpu_plan(2);
  occupy(plan, 1, "n0", 8, {0, 3});  // Runs.
  reserve(plan, 2, bid({.gpus = 8, .duration = hours(1), .deadline = at_hour(9)}));
  ASSERT_EQ(plan.find({2})->nodes.front().value, "n1");
  const auto without_n = [&](const std::string& name, Time from, Time until) {
    PlanNode node = gpu_node(name);
    node.closed = {{from, until, {}}};
    return era::without(plan, {node}, at_hour(0));
  };
  const Without without_n1 = without_n("n1", at_hour(0), at_hour(4));
  const Mended& moved = without_n1.mended;
  EXPECT_TRUE(moved.broken.empty());
  EXPECT_TRUE(without_n1.stuck.empty());
  ASSERT_EQ(moved.moves.size(), 1u);
  EXPECT_EQ(moved.moves[0].start, at_hour(3));
  EXPECT_EQ(moved.moves[0].nodes.front().value, "n0");
  EXPECT_EQ(without_n("n0", at_hour(2), at_hour(4)).stuck, (std::vector<domain::JobId>{{1}}));
  EXPECT_TRUE(without_n("n0", at_hour(3), at_hour(4)).stuck.empty());
  const auto neither = without_n("n1", at_hour(0), at_hour(9));
  EXPECT_EQ(neither.mended.moves.size(), 1u) << "after job 1";
  EXPECT_EQ(plan.find({2})->nodes.front().value, "n1") << "only looked";
}

TEST(Without, WhatRunsDoesNotGoOnElsewhereAtOnce) {
  Plan plan = gpu_plan(2);
  domain::Bid pausing = bid({.gpus = 8, .duration = hours(4), .deadline = at_hour(5)});
  pausing.preemptible = true;
  reserve(plan, 1, pausing);
  ASSERT_EQ(plan.find({1})->nodes.front().value, "n0");
  plan.pin({1});
  Wish later{.gpus = 8, .duration = hours(4), .deadline = at_hour(10)};
  later.earliest = at_hour(1);
  reserve(plan, 2, bid(later));
  ASSERT_EQ(plan.find({2})->nodes.front().value, "n1");
  PlanNode node = gpu_node("n0");
  node.closed = {{at_hour(2), at_hour(9), {}}};
  // Job 2 could make room for all of job 1 on n1, but job 1 is on n0.
  const Without found = era::without(plan, {node}, at_hour(0));
  EXPECT_EQ(found.stuck, (std::vector<domain::JobId>{{1}}));
  EXPECT_TRUE(found.mended.moves.empty());
}

TEST(Without, WhatPausesDoesSoWhereItsNodeCloses) {
  Plan plan = gpu_plan(1);
  domain::Bid pausing = bid({.gpus = 8, .duration = hours(4), .deadline = at_hour(12)});
  pausing.preemptible = true;
  pausing.restart = minutes(10);
  reserve(plan, 1, pausing);
  plan.pin({1});
  PlanNode node = gpu_node("n0");
  node.closed = {{at_hour(2), at_hour(5), {}}};
  const auto [mended, stuck] = era::without(plan, {node}, at_hour(0));
  EXPECT_TRUE(mended.broken.empty());
  EXPECT_TRUE(stuck.empty());
  ASSERT_EQ(mended.moves.size(), 1u);
  EXPECT_EQ(mended.moves[0].finish, at_hour(2));
  ASSERT_EQ(mended.moves[0].later.size(), 1u);
  EXPECT_EQ(mended.moves[0].later[0].start, at_hour(5));
  EXPECT_EQ(mended.moves[0].later[0].finish, at_hour(7) + minutes(10));
}

TEST(Without, WhatRunsMayStayUpToNowOnWhatHasClosed) {
  Plan plan = gpu_plan(2);
  domain::Bid pausing = bid({.gpus = 8, .duration = hours(1), .deadline = at_hour(9)});
  pausing.preemptible = true;
  pausing.restart = minutes(10);
  reserve(plan, 1, pausing);
  plan.pin({1});
  reserve(plan, 2,
          bid({.gpus = 8,
               .duration = hours(1),
               .earliest = at_hour(3),
               .deadline = at_hour(4),
               .firm = true}));
  occupy(plan, 3, "n1", 8, {3, 9});
  ASSERT_EQ(plan.find({1})->nodes, plan.find({2})->nodes);
  plan.advance(at_minute(30));
  PlanNode node = gpu_node("n0");
  node.closed = {{at_minute(30), at_hour(9), {}}};
  const auto [mended, stuck] = era::without(plan, {node}, at_minute(30) + domain::kSecond);
  EXPECT_TRUE(stuck.empty());
  EXPECT_EQ(mended.broken, (std::vector<domain::JobId>{{2}}));
  ASSERT_EQ(mended.moves.size(), 1u);
  EXPECT_EQ(mended.moves[0].later.front().nodes.front().value, "n1");
}

TEST(Without, AFirmStartThatHasComeDoesNotMove) {
  Plan plan = gpu_plan(2);
  reserve(plan, 1, bid({.gpus = 8, .duration = hours(1), .deadline = at_hour(9), .firm = true}));
  PlanNode node = gpu_node(plan.find({1})->nodes.front().value);
  node.closed = {{at_minute(30), at_hour(2), {}}};
  const auto [mended, stuck] = era::without(plan, {node}, at_hour(0) + domain::kSecond);
  EXPECT_EQ(stuck, (std::vector<domain::JobId>{{1}}));
  EXPECT_TRUE(mended.moves.empty());
}

TEST(Without, WhatHadLostItsPlaceBeforeIsNotItsDoing) {
  Plan plan = gpu_plan(2);
  occupy(plan, 1, "n0", 8, {0, 3});
  plan.remove_node({"n0"});
  PlanNode node = gpu_node("n1");
  node.closed = {{at_hour(0), at_hour(4), {}}};
  EXPECT_TRUE(era::without(plan, {node}, at_hour(0)).stuck.empty());
}

TEST(Without, NobodyGetsThePlaceOfWhatStays) {
  // n0 closes: job 1 runs there, may pause, and has no time to; job 2 is to follow it on n1.
  Plan plan = gpu_plan(2);
  domain::Bid pausing = bid({.gpus = 8, .duration = hours(4), .deadline = at_hour(4)});
  pausing.preemptible = true;
  pausing.restart = minutes(10);
  reserve(plan, 1, pausing);
  plan.pin({1});
  occupy(plan, 3, "n1", 8, {0, 3});
  reserve(plan, 2,
          bid({.gpus = 8, .duration = hours(1), .earliest = at_hour(3), .deadline = at_hour(4)}));
  std::vector<PlanNode> closing{gpu_node("n0"), gpu_node("n1")};
  closing[0].closed = {{at_hour(1), at_hour(2), {}}};
  closing[1].closed = {{at_hour(3), at_hour(4), {}}};
  const auto [mended, stuck] = era::without(plan, closing, at_hour(0));
  EXPECT_EQ(stuck, (std::vector<domain::JobId>{{1}}));
  EXPECT_EQ(mended.broken, (std::vector<domain::JobId>{{2}}));
  EXPECT_TRUE(mended.moves.empty());
}

}  // namespace
}  // namespace era::test
