#include "era/quote.h"

#include <gtest/gtest.h>

#include "era/test_world.h"

namespace era {
namespace {

using namespace test;  // The words of these tests.
using domain::Bid;
using domain::credits;
using domain::JobClass;
using domain::Placement;

RefusalReason reason(const Answer& answer) {
  const Refusal* refusal = refusal_in(answer);
  return refusal == nullptr ? RefusalReason::limit_reached : refusal->reason;
}

TEST(Quote, TakesTheEarliestOfEquallyCheapTimes) {
  const Plan plan = gpu_plan(1);
  const Answer answer =
      quote(plan, bid({.gpus = 4, .duration = hours(2), .earliest = at_hour(1)}), {});
  ASSERT_TRUE(offer_in(answer));
  EXPECT_EQ(offer_in(answer)->start, at_hour(1));
  EXPECT_EQ(offer_in(answer)->finish, at_hour(3));
  EXPECT_EQ(offer_in(answer)->price, credits(8));
  EXPECT_EQ(offer_in(answer)->nodes, (std::vector<domain::NodeId>{{"n0"}}));
}

TEST(Quote, WaitsForAPromiseToEndRatherThanBreakIt) {
  Plan plan = gpu_plan(1);
  occupy(plan, 1, "n0", 6, {0, 5});
  const Answer answer = quote(plan, bid({.gpus = 4, .duration = hours(2)}), {});
  ASSERT_TRUE(offer_in(answer));
  EXPECT_EQ(offer_in(answer)->start, at_hour(5));
}

TEST(Quote, SaysWhyWhenItCannotBe) {
  Plan plan = gpu_plan(2);
  Bid elsewhere = bid({});
  elsewhere.shape.pool = "h100";
  EXPECT_EQ(reason(quote(plan, elsewhere, {})), RefusalReason::no_such_pool);
  EXPECT_EQ(reason(quote(plan, bid({.gpus = 9}), {})), RefusalReason::rank_larger_than_node);
  EXPECT_EQ(reason(quote(plan, bid({.ranks = 17}), {})), RefusalReason::larger_than_pool);
  EXPECT_EQ(reason(quote(plan, bid({.ranks = 3, .placement = Placement::spread}), {})),
            RefusalReason::larger_than_pool);
  EXPECT_EQ(reason(quote(plan, bid({.duration = hours(3), .deadline = at_hour(2)}), {})),
            RefusalReason::window_too_short);
  EXPECT_EQ(reason(quote(plan, bid({.duration = hours(97)}), {})), RefusalReason::beyond_horizon);
  occupy(plan, 1, "n0", 8, {0, 96});
  occupy(plan, 2, "n1", 8, {0, 96});
  EXPECT_EQ(reason(quote(plan, bid({}), {})), RefusalReason::no_free_window);
}

TEST(Quote, CallsItFragmentedWhenOnlyTheSumWouldDo) {
  Plan plan = gpu_plan(2);
  occupy(plan, 1, "n0", 4, {0, 96});
  occupy(plan, 2, "n1", 4, {0, 96});
  EXPECT_EQ(reason(quote(plan, bid({.gpus = 8}), {})), RefusalReason::fragmented);
}

TEST(Quote, GoesOnToTheNextCheapestTimeAtWhichTheNodesHoldTheRanks) {
  Plan plan = gpu_plan(2);
  occupy(plan, 1, "n0", 4, {0, 10});
  occupy(plan, 2, "n1", 4, {0, 12});
  const Answer answer = quote(plan, bid({.gpus = 8}), {});
  ASSERT_TRUE(offer_in(answer));
  EXPECT_EQ(offer_in(answer)->start, at_hour(10));
}

TEST(Quote, TakesTheEarliestOfEquallyCheapTimesAtWhichTheNodesHoldTheRanks) {
  Plan plan = gpu_plan(2);
  occupy(plan, 1, "n0", 4, {0, 10});
  occupy(plan, 2, "n0", 4, {20, 30});
  occupy(plan, 3, "n1", 4, {0, 40});
  const Answer answer = quote(plan, bid({.gpus = 8}), {});
  ASSERT_TRUE(offer_in(answer));
  EXPECT_EQ(offer_in(answer)->start, at_hour(10));
}

TEST(Quote, HoldsGpusCoresAndMemoryOfOneNodeTogether) {
  Plan plan = gpu_plan(2);
  Bid wide = bid({.gpus = 1, .cores = 65});
  EXPECT_EQ(reason(quote(plan, wide, {})), RefusalReason::rank_larger_than_node);
  Bid hungry = bid({.ranks = 3});
  hungry.shape.per_rank.memory_bytes = 600;
  EXPECT_EQ(reason(quote(plan, hungry, {})), RefusalReason::larger_than_pool);
  hungry.shape.ranks = 2;
  const Answer answer = quote(plan, hungry, {});
  ASSERT_TRUE(offer_in(answer));
  EXPECT_EQ(offer_in(answer)->nodes, (std::vector<domain::NodeId>{{"n0"}, {"n1"}}));
}

TEST(Quote, AddsThePricesOfGpusAndCores) {
  const Plan plan = gpu_plan(1);
  const Answer answer = quote(plan, bid({.gpus = 2, .cores = 10}), {});
  ASSERT_TRUE(offer_in(answer));
  EXPECT_EQ(offer_in(answer)->price.micros, 2'500'000);
}

TEST(Quote, ChargesMoreWhereItIsFullerAndSoAvoidsIt) {
  Plan plan = gpu_plan(1);
  plan.set_prices(default_prices());
  occupy(plan, 1, "n0", 4, {0, 5});
  const Answer tight = quote(plan, bid({.gpus = 4, .deadline = at_hour(1)}), {});
  ASSERT_TRUE(offer_in(tight));
  EXPECT_EQ(offer_in(tight)->price.micros, 2 * 1'500'000 + 2'500'000 + 4'000'000);
  const Answer loose = quote(plan, bid({.gpus = 4}), {});
  EXPECT_EQ(offer_in(loose)->start, at_hour(5));
  EXPECT_EQ(offer_in(loose)->price, credits(4));
}

TEST(Quote, NeverLooksAtMaxPriceBeforeTheEnd) {
  const Plan plan = gpu_plan(1);
  Bid poor = bid({.gpus = 4});
  const Answer unlimited = quote(plan, poor, {});
  poor.max_price = credits(4);
  EXPECT_EQ(quote(plan, poor, {}), unlimited);
  poor.max_price = domain::Money{3'999'999};
  const Answer refused = quote(plan, poor, {});
  EXPECT_EQ(reason(refused), RefusalReason::too_expensive);
  EXPECT_EQ(refusal_in(refused)->price, credits(4));
}

TEST(Quote, StartsNowInTheMiddleOfASlotAndPaysForTheTimeItRuns) {
  Plan plan = gpu_plan(1);
  const domain::Time now{30'000};
  const Answer at_once = quote(plan, bid({}), now);
  ASSERT_TRUE(offer_in(at_once));
  EXPECT_EQ(offer_in(at_once)->start, now);
  EXPECT_EQ(offer_in(at_once)->price.micros, 1'000'000);
}

TEST(Quote, WaitsForTheNextSlotIfThisOneIsDearer) {
  Plan plan = gpu_plan(1);
  plan.set_prices(default_prices());
  occupy(plan, 1, "n0", 7, {0, 1});  // The first hour is nearly full, so it is dear.
  const domain::Time now{30'000};
  const Answer answer = quote(plan, bid({}), now);
  ASSERT_TRUE(offer_in(answer));
  EXPECT_EQ(offer_in(answer)->start, at_hour(1));
}

TEST(Quote, StartsAnEagerBidNowOrRefusesIt) {
  Plan plan = gpu_plan(1);
  Bid eager = bid({.gpus = 8, .earliest = at_hour(9)});
  eager.job_class = JobClass::eager;
  const Answer answer = quote(plan, eager, {30'000});
  ASSERT_TRUE(offer_in(answer));
  EXPECT_EQ(offer_in(answer)->start.ms, 30'000);
  occupy(plan, 1, "n0", 1, {0, 2});
  EXPECT_EQ(reason(quote(plan, eager, {30'000})), RefusalReason::not_free_now);
}

TEST(Quote, MultipliesTheClassOnceAtTheEnd) {
  Plan plan = gpu_plan(1);
  const Answer firm = quote(plan, bid({.gpus = 3, .firm = true}), {});
  EXPECT_EQ(offer_in(firm)->price.micros, 3'300'000);
  PriceList prices = flat_prices();
  prices.eager_permille = 1333;
  plan.set_prices(prices);
  Bid eager = bid({.duration = minutes(1)});
  eager.job_class = JobClass::eager;
  EXPECT_EQ(offer_in(quote(plan, eager, {}))->price.micros,
            22'217);  // 16,666.67 x 1.333 = 22,216.67.
}

TEST(Quote, TakesTheCheapestPoolAndMatchesModelsWithoutCase) {
  Plan plan = gpu_plan(1);
  plan.put_node(gpu_node("h0", 8, "H100"));
  PriceList prices = flat_prices();
  prices.gpu_hour["h100"] = credits(3);
  plan.set_prices(prices);
  EXPECT_EQ(offer_in(quote(plan, bid({}), {}))->pool.value, "a100");
  Bid fast = bid({});
  fast.shape.gpu_model = "h100";
  EXPECT_EQ(offer_in(quote(plan, fast, {}))->pool.value, "H100");
  EXPECT_EQ(offer_in(quote(plan, fast, {}))->price, credits(3));
}

TEST(Quote, KeepsJobsWithoutGpusOffGpuNodesUnlessOnlyTheyCouldHoldThem) {
  Plan plan = gpu_plan(1);
  plan.put_node(cpu_node("c0", 16));
  const Bid small = bid({.gpus = 0, .cores = 16});
  ASSERT_TRUE(offer_in(reserve(plan, 1, small)));
  EXPECT_EQ(plan.find({1})->pool.value, "cpu");
  const Answer second = quote(plan, small, {});
  EXPECT_EQ(offer_in(second)->pool.value, "cpu");
  EXPECT_EQ(offer_in(second)->start, at_hour(1));
  EXPECT_EQ(offer_in(quote(plan, bid({.gpus = 0, .cores = 17}), {}))->pool.value, "a100");
  Bid named = small;
  named.shape.pool = "a100";
  EXPECT_EQ(offer_in(quote(plan, named, {}))->start, at_hour(0));
}

TEST(Quote, PacksOnTheFewestNodesOrRefuses) {
  Plan plan = gpu_plan(3, 4);
  occupy(plan, 1, "n0", 2, {0, 96});
  const Answer packed = quote(plan, bid({.ranks = 6, .placement = Placement::packed}), {});
  ASSERT_TRUE(offer_in(packed));
  EXPECT_EQ(offer_in(packed)->nodes,
            (std::vector<domain::NodeId>{{"n0"}, {"n0"}, {"n1"}, {"n1"}, {"n1"}, {"n1"}}));
  occupy(plan, 2, "n1", 2, {0, 96});
  occupy(plan, 3, "n2", 1, {0, 96});
  EXPECT_EQ(reason(quote(plan, bid({.ranks = 6, .placement = Placement::packed}), {})),
            RefusalReason::fragmented);
  EXPECT_TRUE(offer_in(quote(plan, bid({.ranks = 6}), {})));  // As it comes.
}

TEST(Quote, SpreadsRanksOverDistinctNodes) {
  Plan plan = gpu_plan(3);
  const Answer answer = quote(plan, bid({.ranks = 3, .placement = Placement::spread}), {});
  ASSERT_TRUE(offer_in(answer));
  EXPECT_EQ(offer_in(answer)->nodes, (std::vector<domain::NodeId>{{"n0"}, {"n1"}, {"n2"}}));
}

TEST(Quote, KeepsWholeNodesFree) {
  Plan plan = gpu_plan(2);
  occupy(plan, 1, "n1", 5, {0, 96});
  EXPECT_EQ(offer_in(quote(plan, bid({.gpus = 2}), {}))->nodes.front().value, "n1");
}

TEST(Quote, UsesANodeOnlyUntilItCloses) {
  Plan plan = gpu_plan(1);
  PlanNode closing = gpu_node("n0");
  closing.closed = {{at_hour(5)}};
  plan.put_node(closing);
  EXPECT_TRUE(offer_in(quote(plan, bid({.duration = hours(5)}), {})));
  EXPECT_EQ(reason(quote(plan, bid({.duration = hours(6)}), {})), RefusalReason::no_free_window);
}

TEST(Quote, MovesOthersToOtherNodesToMakeRoom) {
  Plan plan = gpu_plan(2);
  const Bid half = bid({.gpus = 4, .earliest = at_hour(1), .deadline = at_hour(2)});
  Offer first = *offer_in(quote(plan, half, {}));
  plan.book(booking_of(1, half, first));
  first.nodes = {{"n1"}};
  plan.book(booking_of(2, half, first));
  const Bid whole = bid({.gpus = 8, .earliest = at_hour(1), .deadline = at_hour(2)});
  const Answer answer = reserve(plan, 3, whole);
  ASSERT_TRUE(offer_in(answer));
  ASSERT_EQ(offer_in(answer)->moves.size(), 1u);
  EXPECT_EQ(plan.find({1})->nodes, plan.find({2})->nodes);
}

TEST(Quote, MovesOthersInTimeButNeverAFirmStart) {
  for (const bool firm : {false, true}) {
    Plan plan = gpu_plan(1);
    ASSERT_TRUE(offer_in(reserve(plan, 1, bid({.gpus = 8, .earliest = at_hour(1), .firm = firm}))));
    const Bid tight = bid({.gpus = 8, .earliest = at_hour(1), .deadline = at_hour(2)});
    const Answer answer = reserve(plan, 2, tight);
    EXPECT_EQ(offer_in(answer) != nullptr, !firm);
    EXPECT_EQ(plan.find({1})->start, firm ? at_hour(1) : at_hour(2));
  }
}

TEST(Quote, NeverMovesWhatHasStarted) {
  Plan plan = gpu_plan(1);
  ASSERT_TRUE(offer_in(reserve(plan, 1, bid({.gpus = 8, .earliest = at_hour(1)}))));
  plan.pin({1});
  EXPECT_EQ(
      reason(quote(plan, bid({.gpus = 8, .earliest = at_hour(1), .deadline = at_hour(2)}), {})),
      RefusalReason::no_free_window);
}

TEST(Explain, NamesWhoBlocksUntilWhenAndWhatWouldBeAccepted) {
  Plan plan = gpu_plan(1);
  occupy(plan, 7, "n0", 6, {0, 5});
  const Bid asked = bid({.ranks = 4, .duration = hours(2), .deadline = at_hour(6)});
  const Answer answer = quote(plan, asked, {});
  ASSERT_EQ(reason(answer), RefusalReason::no_free_window);
  const Refusal why = explain(plan, asked, {}, *refusal_in(answer));
  EXPECT_EQ(why.blocking, (std::vector<domain::JobId>{{7}}));
  EXPECT_EQ(why.blocked_until, at_hour(5));
  ASSERT_EQ(why.changes.size(), 3u);
  // By an hour of two, by two ranks of four, by one hour of two: all change half.
  EXPECT_EQ(why.changes[0].deadline, at_hour(7));
  EXPECT_EQ(why.changes[1].ranks, 2);
  EXPECT_EQ(why.changes[2].duration, hours(1));
  EXPECT_EQ(why.changes[0].offer.start, at_hour(5));
}

TEST(Explain, NamesThePriceAndACheaperTime) {
  Plan plan = gpu_plan(1);
  plan.set_prices(default_prices());
  occupy(plan, 1, "n0", 4, {0, 5});
  Bid poor = bid({.gpus = 4, .deadline = at_hour(2)});
  poor.max_price = credits(4);
  const Answer answer = quote(plan, poor, {});
  ASSERT_EQ(reason(answer), RefusalReason::too_expensive);
  const Refusal why = explain(plan, poor, {}, *refusal_in(answer));
  ASSERT_TRUE(why.cheaper);
  EXPECT_EQ(why.cheaper->start, at_hour(5));
  EXPECT_EQ(why.cheaper->price, credits(4));
  bool names_price = false;
  for (const Change& change : why.changes) {
    names_price = names_price || change.max_price == domain::Money{9'500'000};
    if (change.deadline) EXPECT_EQ(*change.deadline, at_hour(6));
  }
  EXPECT_TRUE(names_price);
}

TEST(Explain, TellsAnEagerBidWhenItCouldBe) {
  Plan plan = gpu_plan(1);
  occupy(plan, 1, "n0", 8, {0, 3});
  Bid eager = bid({.gpus = 8});
  eager.job_class = JobClass::eager;
  const Refusal why = explain(plan, eager, {}, *refusal_in(quote(plan, eager, {})));
  ASSERT_TRUE(why.cheaper);
  EXPECT_EQ(why.cheaper->start, at_hour(3));
}

TEST(Cheaper, FindsTheNextTimeThatCostsLess) {
  Plan plan = gpu_plan(1);
  plan.set_prices(default_prices());
  occupy(plan, 1, "n0", 4, {0, 5});
  const Bid tight = bid({.gpus = 4, .deadline = at_hour(1)});
  const Offer dear = *offer_in(quote(plan, tight, {}));
  const auto found = cheaper(plan, tight, {}, dear);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->start, at_hour(5));
  EXPECT_FALSE(cheaper(plan, tight, {}, *found));
}

}  // namespace
}  // namespace era
