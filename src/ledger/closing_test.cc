#include <gtest/gtest.h>

#include "ledger/test_world.h"

// Nodes that close for a time: what may be wished, whom it concerns, what is kept of it.
namespace ledger {
namespace {

using domain::ClosedTime;
using domain::JobClass;
using domain::JobState;
using domain::Time;
using test::Cluster;
using test::minutes;

class ClosingTest : public testing::Test {
 protected:
  ClosingTest() {
    cluster.add_node("n1", 4);
    cluster.add_node("n2", 4);
  }

  ClosedTime from_until(std::int64_t from, std::int64_t until) const {
    return {cluster.now + minutes(from), cluster.now + minutes(until), {}};
  }
  base::Result<> close(nodes::Closure closure, bool anyway = false) {
    return cluster.wish(nodes::Command{nodes::CloseNodes{std::move(closure), anyway}});
  }
  base::Result<> close_n1(const ClosedTime& time) { return close({"c", {{"n1"}}, {}, {time}, ""}); }
  std::string refused_field(const ClosedTime& time) {
    const auto done = close_n1(time);
    return done ? "none" : done.error().field;
  }
  domain::JobId reserve(int ranks, int within) {
    return cluster.bid({.job_class = JobClass::reserved,
                        .ranks = ranks,
                        .gpus = 4,
                        .duration = minutes(60),
                        .deadline = minutes(within)});
  }

  Cluster cluster;
};

TEST_F(ClosingTest, ATimeIsAheadAndInOrderAndRepeatsAtMostOnceADay) {
  EXPECT_EQ(refused_field({{-1}, cluster.now, {}}), "from");
  EXPECT_EQ(refused_field({domain::kNever, domain::kNever, {}}), "from");
  EXPECT_EQ(refused_field(from_until(60, 60)), "until");
  EXPECT_EQ(refused_field(from_until(-60, 0)), "until");
  ClosedTime daily = from_until(-60, 0);
  daily.every = minutes(23 * 60);
  EXPECT_EQ(refused_field(daily), "every_ms");
  daily.every = domain::kDay * 367;
  EXPECT_EQ(refused_field(daily), "every_ms");
  daily.every = domain::kDay + domain::kSecond;
  EXPECT_EQ(refused_field(daily), "every_ms");
  daily = from_until(0, 25 * 60);
  daily.every = domain::kDay;
  EXPECT_EQ(refused_field(daily), "until");
  daily.until = domain::kNever;
  EXPECT_EQ(refused_field(daily), "until");
  daily = from_until(-60, 0);
  daily.every = domain::kDay;
  EXPECT_EQ(refused_field(daily), "none");
  EXPECT_TRUE(cluster.state.nodes.closures.contains("c"));
}

TEST_F(ClosingTest, ItSaysWhichNodes) {
  const auto time = from_until(10, 20);
  EXPECT_EQ(close({"c", {{"n3"}}, {}, {time}, ""}).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(close({"c", {}, {"h100"}, {time}, ""}).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(close({"c", {{"n1"}}, {"a100"}, {time}, ""}).error().field, "pool");
  EXPECT_EQ(close({"", {{"n1"}}, {}, {time}, ""}).error().field, "id");
  EXPECT_EQ(close({"c", {{"n1"}}, {}, {}, ""}).error().field, "times");
  EXPECT_EQ(close({"c", {{"n1"}}, {}, std::vector(8, time), ""}).error().field, "times");
  ASSERT_TRUE(close({"c", {{"n2"}, {"n1"}, {"n2"}}, {}, {time}, ""}));
  EXPECT_EQ(cluster.state.nodes.closures.at("c").nodes,
            (std::vector<domain::NodeId>{{"n1"}, {"n2"}}));
  EXPECT_EQ(close({"c", {{"n1"}}, {}, {time}, ""}).error().code, base::ErrorCode::conflict);
}

TEST_F(ClosingTest, WholeMinutesAreClosed) {
  cluster.pass(domain::kSecond * 30);
  ASSERT_TRUE(close_n1(from_until(10, 20)));
  const ClosedTime& time = cluster.state.nodes.closures.at("c").times.front();
  EXPECT_EQ(time.from, cluster.now + minutes(9) + domain::kSecond * 30);
  EXPECT_EQ(time.until, cluster.now + minutes(20) + domain::kSecond * 30);
}

TEST_F(ClosingTest, AClosedPoolClosesNodesThatJoinLater) {
  ASSERT_TRUE(close({"c", {}, {"a100"}, {from_until(0, 120)}, ""}));
  cluster.add_node("n3", 4);
  const auto waits = cluster.bid({.gpus = 1});
  EXPECT_FALSE(cluster.is_running(waits));
  const auto later = reserve(3, 300);
  EXPECT_EQ(cluster.job(later).booking->start, cluster.now + minutes(120));
  cluster.pass(minutes(120));
  EXPECT_TRUE(cluster.is_running(later));
}

TEST_F(ClosingTest, AllNodesCloseWhereNoneIsNamed) {
  ASSERT_TRUE(close({"c", {}, {}, {from_until(0, 60)}, ""}));
  EXPECT_EQ(cluster.job(reserve(1, 100)).state, JobState::refused);
  EXPECT_EQ(cluster.job(reserve(2, 120)).booking->start, cluster.now + minutes(60));
}

TEST_F(ClosingTest, SeveralTimesInOneClosure) {
  ASSERT_TRUE(close({"c", {}, {}, {from_until(90, 120), from_until(0, 60)}, ""}));
  EXPECT_EQ(cluster.job(reserve(2, 140)).state, JobState::refused) << "30 minutes between them";
  EXPECT_EQ(cluster.job(reserve(2, 180)).booking->start, cluster.now + minutes(120));
}

TEST_F(ClosingTest, JobsThatWouldLoseTheirPlaceAreNamed) {
  for (int i = 0; i < 10; ++i) reserve(1, 60 * (1 + i / 2));
  const auto done = close_n1(from_until(0, 10));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, base::ErrorCode::conflict);
  EXPECT_EQ(done.error().message.substr(0, 5), "job 1") << done.error().message;
  const auto all = close({"c", {}, {}, {from_until(0, 300)}, ""});
  EXPECT_EQ(all.error().message,
            "jobs 1, 2, 3, 4, 5, 6, 7, 8 and 2 more would lose a promised place and find no other");
  EXPECT_TRUE(cluster.state.nodes.closures.empty());
  EXPECT_TRUE(cluster.facts<jobs::BookingsMoved>().empty());
}

TEST_F(ClosingTest, ItIsRefusedForTheRunningJobOfAGangElsewhereToo) {
  const auto gang = reserve(2, 60);
  ASSERT_TRUE(cluster.is_running(gang));
  EXPECT_EQ(close({"c", {{"n2"}}, {}, {from_until(30, 90)}, ""}).error().message,
            "job 1 would lose a promised place and find no other");
  ASSERT_TRUE(close({"c", {{"n2"}}, {}, {from_until(60, 90)}, ""}));
}

TEST_F(ClosingTest, AnywayWhatHasNoPlaceLeavesItsOwnToOthers) {
  ASSERT_TRUE(close({"n1", {{"n1"}}, {}, {from_until(0, 300)}, ""}));
  const auto firm = cluster.bid({.job_class = JobClass::reserved,
                                 .gpus = 4,
                                 .earliest = minutes(60),
                                 .deadline = minutes(120),
                                 .firm = true});
  const auto after = cluster.bid({.job_class = JobClass::reserved,
                                  .gpus = 4,
                                  .earliest = minutes(60),
                                  .deadline = minutes(180)});
  ASSERT_EQ(cluster.job(after).booking->start, cluster.now + minutes(120));
  const nodes::Closure twice{"n2", {{"n2"}}, {}, {from_until(60, 61), from_until(170, 180)}, ""};
  EXPECT_EQ(close(twice).error().message, "job 1 would lose a promised place and find no other");
  ASSERT_TRUE(close(twice, true));
  EXPECT_FALSE(cluster.job(firm).booking);
  EXPECT_LT(cluster.job(after).booking->start, cluster.now + minutes(120));
  cluster.pass(minutes(62));
  EXPECT_EQ(cluster.job(firm).state, JobState::lost);
}

TEST_F(ClosingTest, OpeningGivesTheTimeBackAtOnce) {
  ASSERT_TRUE(close({"c", {}, {}, {from_until(0, 600)}, ""}));
  const auto flex = cluster.bid({.gpus = 1});
  cluster.pass(minutes(5));
  EXPECT_FALSE(cluster.is_running(flex));
  ASSERT_TRUE(cluster.wish(nodes::Command{nodes::OpenNodes{"c"}}));
  EXPECT_TRUE(cluster.is_running(flex));
  EXPECT_EQ(cluster.wish(nodes::Command{nodes::OpenNodes{"c"}}).error().code,
            base::ErrorCode::not_found);
}

TEST_F(ClosingTest, WhatIsOverIsForgottenWithTheNextClosure) {
  ASSERT_TRUE(close_n1(from_until(0, 10)));
  cluster.pass(minutes(20));
  EXPECT_EQ(cluster.wish(nodes::Command{nodes::OpenNodes{"c"}}).error().code,
            base::ErrorCode::not_found);
  ASSERT_TRUE(close({"d", {{"n1"}}, {}, {from_until(0, 10)}, ""}));
  EXPECT_EQ(cluster.state.nodes.closures.size(), 1u);
}

TEST_F(ClosingTest, TheStateIsReadBackWithItsClosures) {
  ClosedTime nightly = from_until(60, 600);
  nightly.every = domain::kDay;
  ASSERT_TRUE(close({"c", {}, {}, {nightly}, "lent by day"}));
  const auto again = decode_state(encode(cluster.state));
  ASSERT_TRUE(again);
  const auto now = cluster.now;
  const auto spec = Cluster::spec({.ranks = 2, .gpus = 4, .duration = minutes(600)}, now);
  domain::Bid bid = spec.bid;
  bid.job_class = JobClass::reserved;
  bid.deadline = now + minutes(3 * 24 * 60);
  const auto offer = era::quote(cluster.state.plan, bid, now);
  ASSERT_TRUE(std::holds_alternative<era::Offer>(offer));
  EXPECT_EQ(std::get<era::Offer>(offer).start, now + minutes(600));
  EXPECT_EQ(std::get<era::Offer>(era::quote(again->plan, bid, now)), std::get<era::Offer>(offer));
}

}  // namespace
}  // namespace ledger
