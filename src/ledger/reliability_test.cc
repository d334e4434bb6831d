#include <gtest/gtest.h>

#include "ledger/test_world.h"

// How long an attempt can be expected to run until something ends it.
namespace ledger {
namespace {

using domain::Duration;
using domain::kDay;
using domain::kHour;
using test::Cluster;
using test::minutes;

class ReliabilityTest : public testing::Test {
 protected:
  ReliabilityTest() {
    for (const char* name : {"n1", "n2", "n3"}) cluster.add_node(name, 4);
  }
  double days(domain::JobId job) const {
    return static_cast<double>(cluster.attempt(job).mtbf.ms) / static_cast<double>(kDay.ms);
  }

  Cluster cluster;
};

TEST_F(ReliabilityTest, WithoutHistoryItIsThatOfAKnownCluster) {
  EXPECT_NEAR(days(cluster.bid({.gpus = 4})), 1'000 / 6.5, .01);
  EXPECT_NEAR(days(cluster.bid({.ranks = 2, .gpus = 4})), 500 / 6.5, .01) << "either may fail";
}

TEST_F(ReliabilityTest, RanksOnOneNodeFailWithIt) {
  EXPECT_NEAR(days(cluster.bid({.ranks = 4, .gpus = 1})), 1'000 / 6.5, .01);
}

TEST_F(ReliabilityTest, TimeWithoutAFailureCountsByNodes) {
  const auto pair = cluster.bid({.ranks = 2, .gpus = 4, .duration = kDay * 3});
  cluster.run(pair);
  cluster.pass(kDay * 2);
  cluster.end_all(pair);
  EXPECT_NEAR(days(cluster.bid({.gpus = 4})), 1'000 / 6.5 + 4, .01);
}

TEST_F(ReliabilityTest, WhatIsStoppedOrFailsForGoodIsNoFailure) {
  const auto cancelled = cluster.bid({.gpus = 4});
  cluster.run(cancelled);
  ASSERT_TRUE(cluster.on_jobs(jobs::Command{jobs::CancelJob{cancelled}}));
  cluster.end(cancelled, {domain::ExitCause::stopped});
  const auto wrong = cluster.bid({.gpus = 4});
  cluster.run(wrong);
  cluster.end(wrong, {domain::ExitCause::failed, 1});
  EXPECT_EQ(cluster.state.jobs.reliability.failures, 0);
}

TEST_F(ReliabilityTest, AProgramsFailureCountsForItsJob) {
  const auto job = cluster.bid({.gpus = 4, .duration = kDay});
  cluster.run(job);
  cluster.pass(kHour);
  cluster.end(job, {domain::ExitCause::crashed, 0, 9});
  cluster.pass(minutes(1));
  ASSERT_EQ(cluster.attempt(job).number, 2);
  const double all = 1 / (1'000 / 6.5 + 1 / 24.);
  const double own = 1 / (2 / 24.);
  EXPECT_NEAR(days(job), 1 / (all + own), 1e-4) << "an hour of its own, and one on trust";
  EXPECT_NEAR(days(cluster.bid({.gpus = 4})), 1 / all, .01);
}

TEST_F(ReliabilityTest, ALostNodeCountsForAll) {
  const auto job = cluster.bid({.gpus = 4, .duration = kDay});
  cluster.run(job);
  cluster.pass(kHour);
  cluster.lose_node(cluster.attempt(job).ranks.front().node.value);
  EXPECT_EQ(cluster.state.jobs.reliability.failures, 1);
  EXPECT_EQ(cluster.state.jobs.reliability.node_time, kHour);
  EXPECT_NEAR(days(cluster.bid({.gpus = 4})), (1'000 / 6.5 + 1 / 24.) / 2, .01);
}

}  // namespace
}  // namespace ledger
