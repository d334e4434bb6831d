// What fills the rest: flex jobs, early starts, extensions; and what happens when nodes go.
#include <gtest/gtest.h>

#include <algorithm>

#include "era/quote.h"
#include "era/test_world.h"

namespace era {
namespace {

using namespace test;  // The words of these tests.
using domain::Bid;
using domain::credits;
using domain::Money;
using domain::NodeId;
using domain::Resources;

using Uses = std::map<NodeId, Resources>;

TEST(Flex, CostsTheFlatRateInTheDearestPoolItMayRunIn) {
  Plan plan = gpu_plan(1);
  PriceList prices = default_prices();  // However full: the curve does not count.
  prices.gpu_hour["h100"] = credits(3);
  plan.set_prices(prices);
  occupy(plan, 1, "n0", 7, {0, 96});
  const Bid any = bid({.gpus = 2, .cores = 10, .duration = hours(2)});
  EXPECT_EQ(std::get<Money>(flex_price(plan, any)).micros, 300'000 * 5);
  plan.put_node(gpu_node("h0", 8, "h100"));
  EXPECT_EQ(std::get<Money>(flex_price(plan, any)).micros, 300'000 * 13);
  EXPECT_EQ(flex_price_on(plan, any, {"a100"}, hours(1)).micros, 750'000);
  EXPECT_EQ(flex_price_on(plan, any, {"a100"}, {1}).micros, 1);  // 0.21 micro-credits, rounded up.
}

TEST(Flex, IsRefusedOnlyWhatNoPoolCouldEverRun) {
  Plan plan = gpu_plan(2);
  occupy(plan, 1, "n0", 8, {0, 96});
  occupy(plan, 2, "n1", 8, {0, 96});
  EXPECT_TRUE(std::holds_alternative<Money>(flex_price(plan, bid({.ranks = 16}))));
  const auto answer = flex_price(plan, bid({.ranks = 17}));
  ASSERT_TRUE(std::holds_alternative<Refusal>(answer));
  EXPECT_EQ(std::get<Refusal>(answer).reason, RefusalReason::larger_than_pool);
}

TEST(Flex, StartsWhereItCannotDelayAPromiseAndLeavesTheLeastIdle) {
  Plan plan = gpu_plan(3);
  occupy(plan, 1, "n0", 6, {0, 5});
  occupy(plan, 2, "n1", 5, {0, 5});
  occupy(plan, 3, "n1", 8, {6, 8});
  const domain::Shape pair = bid({.ranks = 1, .gpus = 2}).shape;
  const auto on = [&](const Uses& in_use, domain::Duration need) {
    const auto place = place_flex(plan, in_use, pair, at_hour(0), need);
    return place ? place->nodes.front().value : "nowhere";
  };
  EXPECT_EQ(on({}, hours(1)), "n0");
  EXPECT_EQ(on({{{"n0"}, {.gpus = 1}}}, hours(1)), "n1");
  EXPECT_EQ(on({{{"n0"}, {.gpus = 1}}}, hours(7)), "n2");
  EXPECT_EQ(on({{{"n0"}, {.gpus = 1}}, {{"n2"}, {.gpus = 8}}}, hours(7)), "nowhere");
}

/// Somebody who would pay ten times the base rate is sure to come for all of n0 some time ahead.
Forecast a_crowd_later(domain::Duration from) {
  Forecast crowd;
  crowd.trust_permille = 1000;
  crowd.rates = {credits(10)};
  crowd.leads = {{{}, {0}, {1}}, {from, {100'000}, {1}}};
  return crowd;
}

/// The same, but for the time up to `until`.
Forecast a_crowd_soon(domain::Duration until, std::int32_t trust_permille) {
  Forecast crowd;
  crowd.trust_permille = trust_permille;
  crowd.rates = {credits(10)};
  crowd.leads = {{{}, {100'000}, {1}}, {until, {0}, {1}}};
  return crowd;
}

TEST(EarlyStarts, GoInPlannedOrderAndDoNotPushOutFlexOrFirmOnes) {
  Plan plan = gpu_plan(2);
  const auto put = [&](std::int64_t job, std::int32_t gpus, int start, bool firm) {
    const Bid made = bid({.gpus = gpus, .duration = hours(2), .firm = firm});
    plan.book(booking_of(job, made,
                         {.pool = {"a100"},
                          .start = at_hour(start),
                          .finish = at_hour(start + 2),
                          .price = {},
                          .nodes = {{"n0"}},
                          .moves = {}}));
  };
  put(1, 4, 20, false);
  put(2, 8, 10, false);
  put(3, 8, 30, true);
  const auto all = early_starts(plan, {}, at_hour(1), 9);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].job.value, 2);
  EXPECT_EQ(all[1].job.value, 1);
  EXPECT_NE(all[0].nodes, all[1].nodes);
  EXPECT_EQ(all[0].start, at_hour(1));
  EXPECT_EQ(early_starts(plan, {}, at_hour(1), 1).size(), 1u);
  const auto beside_flex =
      early_starts(plan, {{{"n0"}, {.gpus = 1}}, {{"n1"}, {.gpus = 1}}}, at_hour(1), 9);
  ASSERT_EQ(beside_flex.size(), 1u);
  EXPECT_EQ(beside_flex[0].job.value, 1);
}

TEST(EarlyStarts, WaitForTheWindowToOpen) {
  Plan plan = gpu_plan(1);
  reserve(plan, 1, bid({.gpus = 8, .earliest = at_hour(5)}));
  EXPECT_TRUE(early_starts(plan, {}, at_hour(4), 9).empty());
}

TEST(EarlyStarts, LeaveIdleTimeToThoseWhoAreExpectedToPayMoreForIt) {
  Plan plan = gpu_plan(1);
  occupy(plan, 9, "n0", 8, {0, 6});
  const Bid flexible = bid({.gpus = 4, .duration = hours(2), .deadline = at_hour(20)});
  ASSERT_NE(offer_in(reserve(plan, 1, flexible)), nullptr);
  plan.unbook({9});
  const auto starts = [&](const Forecast& forecast) {
    plan.set_forecast({{"a100"}, "a100"}, forecast);
    return early_starts(plan, {}, at_hour(1), 9).size();
  };
  EXPECT_EQ(starts(a_crowd_soon(hours(5), 1000)), 0U);
  EXPECT_EQ(starts(a_crowd_soon(hours(5), 400)), 1U) << "not enough is known yet";
  EXPECT_EQ(starts(a_crowd_later(hours(5))), 1U);
  EXPECT_EQ(starts(Forecast{.trust_permille = 1000}), 1U) << "as cheap";
}

/// A plain reserved bid; an extension looks at nothing else of it than class and firmness.
const Bid kAsked = bid({});

std::variant<Extension, Refusal> more_time(const Plan& plan, domain::Time finish,
                                           const Bid& asked = kAsked) {
  return extension(plan, {1}, asked, finish, at_hour(0));
}

TEST(Extension, CostsTheGoingPriceOfTheAddedSlots) {
  Plan plan = gpu_plan(1);
  plan.set_prices(default_prices());
  reserve(plan, 1, bid({.gpus = 4, .duration = hours(2), .deadline = at_hour(2)}));
  EXPECT_EQ(std::get<Extension>(more_time(plan, at_hour(3))).price, credits(4));
  EXPECT_EQ(std::get<Extension>(more_time(plan, at_hour(2))).price, Money{});
  occupy(plan, 2, "n0", 4, {2, 4});
  EXPECT_EQ(std::get<Extension>(more_time(plan, at_hour(3))).price.micros, 9'500'000);
  occupy(plan, 3, "n0", 1, {4, 5});
  occupy(plan, 4, "n0", 4, {4, 5});
  const auto refused = more_time(plan, at_hour(5));
  ASSERT_TRUE(std::holds_alternative<Refusal>(refused));
  EXPECT_EQ(std::get<Refusal>(refused).blocking, (std::vector<domain::JobId>{{2}, {3}, {4}}));
  EXPECT_EQ(std::get<Refusal>(refused).blocked_until, at_hour(4));
}

TEST(Extension, CostsWhatTheClassOfTheBidCosts) {
  Plan plan = gpu_plan(1);
  PriceList prices = default_prices();
  prices.eager_permille = 1'500;
  prices.firm_permille = 1'100;
  plan.set_prices(prices);
  reserve(plan, 1, bid({.gpus = 4, .duration = hours(2), .deadline = at_hour(2)}));
  const auto price = [&](const Bid& asked) {
    return std::get<Extension>(more_time(plan, at_hour(3), asked)).price.micros;
  };
  Bid eager = kAsked;
  eager.job_class = domain::JobClass::eager;
  EXPECT_EQ(price(eager), 6'000'000);
  EXPECT_EQ(price(bid({.firm = true})), 4'400'000);
  EXPECT_EQ(price(kAsked), 4'000'000);
}

TEST(Extension, NeedsTheVeryNodesThatTheJobHas) {
  Plan plan = gpu_plan(2);
  occupy(plan, 1, "n0", 8, {0, 2});
  occupy(plan, 2, "n0", 1, {2, 4});
  EXPECT_TRUE(std::holds_alternative<Refusal>(more_time(plan, at_hour(3))));
}

/// Job 1 runs on all of n0 until 2h, and is due at 4h; what else is booked can be moved.
Plan running_late(int nodes) {
  Plan plan = gpu_plan(nodes);
  reserve(plan, 1, bid({.gpus = 8, .duration = hours(2), .deadline = at_hour(4)}));
  plan.pin({1});
  return plan;
}

TEST(Extension, OthersThatHaveNotStartedMakeWay) {
  Plan plan = running_late(2);
  occupy(plan, 2, "n1", 8, {0, 2});
  reserve(plan, 3,
          bid({.gpus = 8, .duration = hours(1), .earliest = at_hour(2), .deadline = at_hour(9)}));
  ASSERT_EQ(plan.find({3})->nodes.front().value, "n0");
  const auto answer = more_time(plan, at_hour(3));
  ASSERT_TRUE(std::holds_alternative<Extension>(answer));
  const std::vector<Move> moves = std::get<Extension>(answer).moves;
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].start, at_hour(2)) << "rather other nodes than another time";
  EXPECT_EQ(moves[0].nodes.front().value, "n1");
}

TEST(Extension, OnlyThoseMoveWhoMust) {
  // Of eight GPUs four are wanted for another hour; of three that have two each, one can go on.
  Plan plan = gpu_plan(1);
  reserve(plan, 1, bid({.gpus = 4, .duration = hours(2), .deadline = at_hour(4)}));
  plan.pin({1});
  for (const int job : {2, 3, 4}) {
    reserve(plan, job,
            bid({.gpus = 2, .duration = hours(1), .earliest = at_hour(2), .deadline = at_hour(4)}));
    ASSERT_EQ(plan.find({job})->start, at_hour(2));
  }
  const auto answer = more_time(plan, at_hour(3));
  ASSERT_TRUE(std::holds_alternative<Extension>(answer));
  EXPECT_EQ(std::get<Extension>(answer).moves.size(), 1U);
}

TEST(Extension, OthersMakeWayInTimeInsideTheirPromises) {
  Plan plan = running_late(1);
  reserve(plan, 2,
          bid({.gpus = 8, .duration = hours(1), .earliest = at_hour(2), .deadline = at_hour(4)}));
  const auto answer = more_time(plan, at_hour(3));
  ASSERT_TRUE(std::holds_alternative<Extension>(answer));
  EXPECT_EQ(std::get<Extension>(answer).moves.at(0).start, at_hour(3));
  const auto refused = more_time(plan, at_hour(4));
  ASSERT_TRUE(std::holds_alternative<Refusal>(refused)) << "job 2 would be late";
  EXPECT_EQ(std::get<Refusal>(refused).blocking, (std::vector<domain::JobId>{{2}}));
}

TEST(Extension, NobodyMakesWayForWhatIsLateOrForAFirmStart) {
  Plan plan = running_late(1);
  reserve(plan, 2,
          bid({.gpus = 8, .duration = hours(1), .earliest = at_hour(4), .deadline = at_hour(9)}));
  EXPECT_TRUE(std::holds_alternative<Extension>(more_time(plan, at_hour(4))));
  EXPECT_TRUE(std::holds_alternative<Refusal>(more_time(plan, at_hour(5)))) << "past its deadline";
  Plan firm = running_late(1);
  reserve(firm, 2,
          bid({.gpus = 8,
               .duration = hours(1),
               .earliest = at_hour(3),
               .deadline = at_hour(9),
               .firm = true}));
  EXPECT_TRUE(std::holds_alternative<Extension>(more_time(firm, at_hour(3))));
  EXPECT_TRUE(std::holds_alternative<Refusal>(more_time(firm, at_hour(4))));
}

TEST(Extension, AFirmStartIsPutElsewhereBeforeWhatCanWait) {
  Plan plan = running_late(2);
  occupy(plan, 4, "n1", 8, {0, 12});
  reserve(plan, 2,
          bid({.gpus = 8, .duration = hours(1), .earliest = at_hour(2), .deadline = at_hour(9)}));
  reserve(plan, 3,
          bid({.gpus = 4,
               .duration = hours(1),
               .earliest = at_hour(3),
               .deadline = at_hour(9),
               .firm = true}));
  plan.unbook({4});
  occupy(plan, 4, "n1", 8, {0, 3});
  occupy(plan, 5, "n1", 8, {4, 12});
  const auto answer = more_time(plan, at_hour(4));
  ASSERT_TRUE(std::holds_alternative<Extension>(answer)) << "the larger one took its only place";
  make(plan, std::get<Extension>(answer).moves);
  EXPECT_EQ(plan.find({3})->start, at_hour(3));
  EXPECT_EQ(plan.find({3})->nodes.front().value, "n1");
  EXPECT_EQ(plan.find({2})->start, at_hour(4));
}

TEST(Extension, PaysWhatItsSlotsAreWorthOnceTheOthersAreGone) {
  Plan plan = running_late(2);
  plan.set_prices(default_prices());
  const auto alone = std::get<Extension>(more_time(plan, at_hour(3))).price;
  reserve(plan, 2,
          bid({.gpus = 8, .duration = hours(1), .earliest = at_hour(2), .deadline = at_hour(9)}));
  ASSERT_EQ(plan.find({2})->start, at_hour(2));
  EXPECT_GT(std::get<Extension>(more_time(plan, at_hour(3))).price, alone);
}

TEST(Calendar, ShowsTheLeastFreeAndTheNextPriceOfEachHour) {
  Plan plan = gpu_plan(2);
  plan.set_prices(default_prices());
  plan.put_node(cpu_node("c0", 16));
  occupy(plan, 1, "n0", 8, {1, 2});
  const auto shown = calendar(plan, at_hour(0), 3);
  ASSERT_EQ(shown.size(), 6u);
  EXPECT_EQ(shown[0].pool.value, "a100");
  EXPECT_EQ(shown[0].free_gpus, 16);
  EXPECT_EQ(shown[0].next_gpu_hour, credits(1));
  EXPECT_EQ(shown[1].free_gpus, 8);
  EXPECT_EQ(shown[1].capacity_gpus, 16);
  EXPECT_EQ(shown[1].next_gpu_hour.micros, 1'500'000);
  EXPECT_EQ(shown[3].pool.value, "cpu");
  EXPECT_EQ(shown[3].free_cpu_millis, 16'000);
  EXPECT_EQ(shown[3].next_core_hour.micros, 50'000);
  const Bid brief = bid({.gpus = 8, .duration = minutes(30), .earliest = at_hour(2)});
  reserve(plan, 2, brief);
  EXPECT_EQ(calendar(plan, at_hour(2), 1)[0].free_gpus, 8);
  EXPECT_EQ(calendar(plan, at_hour(95), 9).size(), 2u);  // One hour of each pool, then the horizon.
}

TEST(Displaced, NamesBookingsOnNodesThatCloseShrinkOrGo) {
  Plan plan = gpu_plan(3);
  occupy(plan, 1, "n0", 6, {0, 5});
  occupy(plan, 2, "n1", 2, {0, 5});
  occupy(plan, 3, "n1", 2, {6, 9});
  occupy(plan, 4, "n2", 2, {0, 5});
  plan.put_node(gpu_node("n0", 4));
  PlanNode closing = gpu_node("n1");
  closing.closed = {{at_hour(5)}};
  plan.put_node(closing);
  plan.remove_node({"n2"});
  EXPECT_EQ(plan.displaced(), (std::vector<domain::JobId>{{1}, {3}, {4}}));
  plan.put_node(gpu_node("n2"));
  EXPECT_EQ(plan.displaced(), (std::vector<domain::JobId>{{1}, {3}}));
  plan.advance(at_hour(5));
  EXPECT_EQ(plan.displaced(), (std::vector<domain::JobId>{{3}}));
}

TEST(Displaced, LeavesNothingBehindOnAClosedNodeWhenItGoes) {
  Plan plan = gpu_plan(2);
  occupy(plan, 1, "n0", 6, {0, 5});
  PlanNode closing = gpu_node("n0");
  closing.closed = {{at_hour(1)}};
  plan.put_node(closing);
  plan.unbook({1});
  EXPECT_EQ(calendar(plan, at_hour(0), 1)[0].free_gpus, 16);
  EXPECT_EQ(calendar(plan, at_hour(2), 1)[0].free_gpus, 8);
  EXPECT_EQ(calendar(plan, at_hour(2), 1)[0].capacity_gpus, 8);
}

TEST(Mend, FirstTriesOtherNodesAtTheSameTime) {
  Plan plan = gpu_plan(2);
  const Bid made = bid({.gpus = 4, .earliest = at_hour(2)});
  reserve(plan, 1, made);
  const auto start = plan.find({1})->start;
  plan.remove_node(plan.find({1})->nodes.front());
  const Mended mended = mend(plan, plan.displaced(), at_hour(1));
  ASSERT_EQ(mended.moves.size(), 1u);
  EXPECT_EQ(mended.moves[0].start, start);
  EXPECT_TRUE(mended.broken.empty());
}

TEST(Mend, LetsOthersMakeRoomBeforeItBreaksAPromise) {
  Plan plan = gpu_plan(2);
  occupy(plan, 9, "n1", 8, {2, 4});
  reserve(plan, 1,
          bid({.gpus = 8, .duration = hours(2), .earliest = at_hour(2), .deadline = at_hour(4)}));
  plan.unbook({9});
  const Bid loose =
      bid({.gpus = 8, .duration = hours(2), .earliest = at_hour(2), .deadline = at_hour(9)});
  reserve(plan, 2, loose);
  plan.remove_node(plan.find({1})->nodes.front());
  const Mended mended = mend(plan, plan.displaced(), at_hour(1));
  EXPECT_TRUE(mended.broken.empty());
  make(plan, mended.moves);
  EXPECT_EQ(plan.find({1})->start, at_hour(2));
  EXPECT_EQ(plan.find({2})->start, at_hour(4));
}

TEST(PlanDeathTest, NeverPromisesAGpuTwice) {
  Plan plan = gpu_plan(1);
  occupy(plan, 1, "n0", 5, {0, 2});
  EXPECT_DEATH(occupy(plan, 2, "n0", 4, {1, 3}), "promised twice");
}

TEST(Replan, MovesWhatHasNotStartedToWhereNobodyWouldPayForIt) {
  Plan plan = gpu_plan(1);
  const Bid flexible = bid({.gpus = 4, .duration = hours(2), .deadline = at_hour(20)});
  occupy(plan, 9, "n0", 8, {0, 6});
  ASSERT_NE(offer_in(reserve(plan, 1, flexible)), nullptr);
  ASSERT_EQ(plan.find({1})->start, at_hour(6));
  EXPECT_TRUE(replan(plan, {}, 64).empty());

  plan.set_forecast({{"a100"}, "a100"}, a_crowd_later(hours(5)));
  plan.unbook({9});
  const auto moves = replan(plan, {}, 64);
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].start, at_hour(0));
  make(plan, moves);
  EXPECT_TRUE(replan(plan, {}, 64).empty());
}

TEST(Replan, LeavesAloneWhatIsFirmOrHasStarted) {
  Plan plan = gpu_plan(1);
  occupy(plan, 9, "n0", 8, {0, 6});
  Wish wish{.gpus = 1, .duration = hours(2), .deadline = at_hour(20)};
  ASSERT_NE(offer_in(reserve(plan, 1, bid(wish))), nullptr);
  wish.firm = true;
  ASSERT_NE(offer_in(reserve(plan, 2, bid(wish))), nullptr);
  plan.pin({1});
  plan.unbook({9});
  EXPECT_TRUE(replan(plan, {}, 64).empty());
}

TEST(Replan, MovesNoMoreThanAskedAndKeepsEveryPromise) {
  Plan plan = gpu_plan(2);
  occupy(plan, 90, "n0", 8, {0, 6});
  occupy(plan, 91, "n1", 8, {0, 6});
  for (std::int64_t job = 1; job <= 6; ++job) {
    ASSERT_NE(
        offer_in(reserve(plan, job,
                         bid({.gpus = 4, .duration = hours(job), .deadline = at_hour(30 - job)}))),
        nullptr);
  }
  plan.unbook({90});
  plan.unbook({91});
  EXPECT_EQ(replan(plan, {}, 2).size(), 2U);
  make(plan, replan(plan, {}, 64));  // Booked again: what does not fit is a bug.
  for (std::int64_t job = 1; job <= 6; ++job) {
    EXPECT_LE(plan.find({job})->finish, at_hour(30 - job));
    EXPECT_EQ(plan.find({job})->finish - plan.find({job})->start, hours(job));
  }
}

}  // namespace
}  // namespace era
