// Bids teach the forecast, the forecast makes prices, prices move what has not started.
#include <gtest/gtest.h>

#include "domain/json.h"
#include "ledger/test_world.h"

namespace ledger {
namespace {

using domain::credits;
using domain::JobClass;
using domain::JobState;
using domain::Money;
using test::Ask;
using test::Cluster;
using test::minutes;
using test::seconds;

class EconomyTest : public ::testing::Test {
 protected:
  EconomyTest() {
    cluster.add_node("n1", 8);
    CHECK(cluster.wish(accounts::Command{accounts::Grant{{"vision"}, credits(1'000'000)}}),
          "a team with means");
  }

  /// A bid that is refused at once, whatever the price: all GPUs for more than is free.
  void refuse_one(Money max_price, const std::string& argument = "--fast") {
    const auto id = cluster.bid({.job_class = JobClass::reserved,
                                 .gpus = 8,
                                 .duration = minutes(240),
                                 .deadline = minutes(300),
                                 .max_price = max_price,
                                 .argument = argument});
    ASSERT_EQ(cluster.job(id).state, JobState::refused);
  }
  /// Fills the node for two days, for good.
  void fill_the_node() {
    ASSERT_EQ(cluster
                  .job(cluster.bid({.job_class = JobClass::reserved,
                                    .gpus = 8,
                                    .duration = minutes(48 * 60),
                                    .firm = true}))
                  .state,
              JobState::starting);
  }
  /// What a GPU costs for an hour, a day after the node is free again.
  Money price_in_three_days() const {
    auto bid =
        Cluster::spec({.job_class = JobClass::reserved, .earliest = minutes(72 * 60)}, cluster.now)
            .bid;
    bid.deadline = bid.earliest + bid.duration;
    bid.shape.per_rank.cpu_millis = 0;
    return std::get<era::Offer>(era::quote(cluster.state.plan, bid, cluster.now)).price;
  }
  std::size_t forecasts() const {
    return static_cast<std::size_t>(std::ranges::count_if(cluster.log, [](const Fact& fact) {
      return std::holds_alternative<demand::ForecastMade>(fact.event);
    }));
  }

  Cluster cluster;
};

TEST_F(EconomyTest, WhatIsRefusedTodayIsPricedTomorrow) {
  fill_the_node();
  const Money before = price_in_three_days();
  for (int hour = 0; hour < 30; ++hour) {
    refuse_one(credits(320), std::to_string(hour));  // Ten credits for a GPU-hour.
    cluster.pass(minutes(60));
  }
  EXPECT_EQ(before, credits(1));
  EXPECT_GT(price_in_three_days(), credits(5));
}

TEST_F(EconomyTest, WhoIsRefusedAndAsksAgainIsNoMoreDemand) {
  fill_the_node();
  const auto learned = [&] { return base::to_json(cluster.state.demand); };
  refuse_one(credits(320));
  const auto once = learned();
  for (int time = 0; time < 5; ++time) {
    cluster.pass(minutes(1));
    refuse_one(credits(320));
  }
  EXPECT_EQ(learned(), once);
  refuse_one(credits(320), "another");
  const auto twice = learned();
  EXPECT_NE(twice, once);
  refuse_one(credits(320), "another");
  EXPECT_NE(learned(), twice) << "at one moment: it wants both";
  cluster.pass(minutes(300));
  const auto later = learned();
  refuse_one(credits(320));
  EXPECT_NE(learned(), later) << "the time for the first is over";
}

TEST_F(EconomyTest, WithoutDemandAPriceFallsToTheFloor) {
  ASSERT_NE(
      cluster.job(cluster.bid({.job_class = JobClass::reserved, .gpus = 1, .duration = minutes(1)}))
          .state,
      JobState::refused);
  cluster.pass(minutes(30 * 24 * 60));
  EXPECT_EQ(price_in_three_days(), Money{250'000});
}

TEST_F(EconomyTest, WhatATeamCannotPayTellsNothing) {
  Cluster poor;  // Its team has 1,000 credits.
  poor.add_node("n1", 8);
  cluster = poor;
  for (int hour = 0; hour < 30; ++hour) {
    cluster.bid({.job_class = JobClass::reserved,
                 .gpus = 8,
                 .duration = minutes(2'000 * 60),
                 .deadline = minutes(2'100 * 60),
                 .max_price = credits(1'000'000'000)});
    cluster.pass(minutes(60));
  }
  EXPECT_LE(price_in_three_days(), credits(1));
}

TEST_F(EconomyTest, AClusterWithoutBidsForecastsNothing) {
  cluster.pass(minutes(24 * 60));
  EXPECT_EQ(forecasts(), 0U);
  fill_the_node();
  cluster.pass(minutes(3 * 60));
  EXPECT_EQ(forecasts(), 3U);
}

TEST_F(EconomyTest, WhatAnybodyOffersChangesNobodysPriceButThroughTheForecast) {
  fill_the_node();
  const Money before = price_in_three_days();
  refuse_one(credits(3'200));
  EXPECT_EQ(price_in_three_days(), before);
}

TEST_F(EconomyTest, TheFactsAloneGiveTheSamePrices) {
  fill_the_node();
  for (int hour = 0; hour < 30; ++hour) {
    refuse_one(credits(100 + 10 * hour));
    cluster.pass(minutes(60));
  }
  State again;
  for (const Fact& fact : cluster.log) apply(again, decode(encode(fact)).value());
  EXPECT_EQ(hash(again), hash(cluster.state));
  const Money price = price_in_three_days();
  cluster.state = decode_state(encode(cluster.state)).value();
  EXPECT_EQ(price_in_three_days(), price);
  cluster.state = again;
  EXPECT_EQ(price_in_three_days(), price);
}

TEST_F(EconomyTest, WhatHasNotStartedMovesToABetterTimeAndCostsNoMore) {
  era::PriceList flat = era::default_prices();
  flat.curve = {{0, 1000}};
  ASSERT_TRUE(cluster.wish(accounts::Command{accounts::SetPrices{flat}}));
  fill_the_node();
  const auto waiting = cluster.bid({.job_class = JobClass::reserved,
                                    .gpus = 4,
                                    .duration = minutes(60),
                                    .earliest = minutes(60),
                                    .deadline = minutes(72 * 60)});
  ASSERT_EQ(cluster.job(waiting).state, JobState::reserved);
  const Money price = cluster.job(waiting).price;
  const auto planned = cluster.job(waiting).booking->start;
  ASSERT_GE(planned, cluster.now + minutes(48 * 60));
  // A new node has room sooner, but the job may not start at once.
  cluster.add_node("n2", 8);
  cluster.pass(minutes(10));
  EXPECT_LT(cluster.job(waiting).booking->start, planned);
  EXPECT_EQ(cluster.job(waiting).price, price);
  EXPECT_EQ(accounts::sum(cluster.state.accounts), Money{});
}

}  // namespace
}  // namespace ledger
