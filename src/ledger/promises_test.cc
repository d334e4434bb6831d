#include <gtest/gtest.h>

#include "ledger/test_world.h"

// What is promised and what becomes of it: reserved, eager and firm bids, quotes, refusals, money.
namespace ledger {
namespace {

using domain::ExitCause;
using domain::JobClass;
using domain::JobState;
using domain::Money;
using test::Ask;
using test::Cluster;
using test::kCrashed;
using test::kStopped;
using test::kSuccess;
using test::minutes;
using test::seconds;

class PromisesTest : public testing::Test {
 protected:
  PromisesTest() { cluster.add_node("n1", 4); }

  era::RefusalReason reason(domain::JobId id) const { return cluster.job(id).refusal->reason; }

  /// Fills the node with a firm promise, so that nothing else is free from `from` on for `length`.
  domain::JobId block(domain::Duration from, domain::Duration length) {
    const auto id = cluster.bid({.job_class = JobClass::reserved,
                                 .gpus = 4,
                                 .duration = length,
                                 .earliest = from,
                                 .deadline = from + length,
                                 .firm = true});
    CHECK(cluster.job(id).state == JobState::reserved || cluster.is_running(id), "it fits");
    return id;
  }

  Cluster cluster;
};

TEST_F(PromisesTest, AReservedJobStartsEarlyWhereItsPlaceIsFree) {
  const auto id = cluster.bid({.job_class = JobClass::reserved, .deadline = minutes(300)});
  EXPECT_TRUE(cluster.is_running(id));
  EXPECT_EQ(cluster.job(id).deadline, cluster.now + minutes(300));
}

TEST_F(PromisesTest, AFirmJobStartsAtItsTimeAndNotBefore) {
  const auto start = cluster.now + minutes(30);
  const auto id = block(minutes(30), minutes(60));
  EXPECT_EQ(cluster.job(id).promised_start, start);
  cluster.pass(minutes(30) - seconds(1));
  EXPECT_EQ(cluster.job(id).state, JobState::reserved);
  cluster.pass(seconds(1));
  ASSERT_TRUE(cluster.is_running(id));
  EXPECT_EQ(cluster.attempt(id).started, start);
}

TEST_F(PromisesTest, FlexGivesWayInTimeAndComesBack) {
  const auto promised = block(minutes(60), minutes(60));
  const auto flex = cluster.bid({.gpus = 4, .duration = minutes(50)});
  ASSERT_TRUE(cluster.is_running(flex));
  cluster.run(flex);
  ASSERT_TRUE(cluster.on_jobs(jobs::ExtendJob{flex, minutes(60), std::nullopt}));
  cluster.pass(minutes(60) - jobs::kMostGraceInTheWay - seconds(6));
  EXPECT_EQ(cluster.attempt(flex).stop, jobs::StopKind::none);
  cluster.pass(seconds(1));
  EXPECT_EQ(cluster.attempt(flex).stop, jobs::StopKind::give_way);
  cluster.pass(seconds(20));
  cluster.end(flex, kStopped);
  EXPECT_EQ(cluster.job(flex).state, JobState::interrupted);
  cluster.pass(seconds(15));
  ASSERT_TRUE(cluster.is_running(promised));
  cluster.end(promised);
  EXPECT_TRUE(cluster.is_running(flex));
  EXPECT_EQ(cluster.job(flex).retries_used, 0);
}

TEST_F(PromisesTest, OnlyFlexJobsThatHoldWhatIsNeededGiveWay) {
  block(minutes(30), minutes(60));
  const auto on_gpus = cluster.bid({.gpus = 4, .duration = minutes(90)});
  const auto on_cores = cluster.bid({.gpus = 0, .duration = minutes(90)});
  ASSERT_TRUE(cluster.is_running(on_gpus));
  ASSERT_TRUE(cluster.is_running(on_cores));
  cluster.pass(minutes(30));
  EXPECT_EQ(cluster.attempt(on_gpus).stop, jobs::StopKind::give_way);
  EXPECT_EQ(cluster.attempt(on_cores).stop, jobs::StopKind::none);
}

TEST_F(PromisesTest, APromisedJobWaitsUntilWhatIsInItsPlaceIsGone) {
  const auto promised = block(minutes(60), minutes(60));
  const auto flex = cluster.bid({.gpus = 4, .duration = minutes(90)});
  cluster.run(flex);
  cluster.pass(minutes(60));
  EXPECT_EQ(cluster.job(promised).state, JobState::reserved);
  cluster.pass(seconds(30));
  cluster.end(flex, kStopped);
  ASSERT_TRUE(cluster.is_running(promised));
  // The half minute that it lost is given back at no cost.
  const auto price = cluster.job(promised).price;
  cluster.pass(minutes(60) - seconds(30));
  EXPECT_EQ(cluster.attempt(promised).stop, jobs::StopKind::none);
  EXPECT_EQ(cluster.job(promised).price, price);
  cluster.pass(seconds(29));
  EXPECT_EQ(cluster.attempt(promised).stop, jobs::StopKind::none);
  EXPECT_EQ(cluster.job(promised).price, price);
}

TEST_F(PromisesTest, AJobThatHasRunBeginsWithARestartWhereItIsPlacedAgain) {
  const auto id = cluster.bid({.job_class = JobClass::reserved,
                               .gpus = 4,
                               .duration = minutes(60),
                               .deadline = minutes(300),
                               .restart = minutes(2)});
  ASSERT_TRUE(cluster.is_running(id));
  EXPECT_FALSE(cluster.job(id).booking->resumes);
  cluster.run(id);
  cluster.pass(minutes(10));
  cluster.lose_node("n1");
  cluster.pass(seconds(5));
  ASSERT_FALSE(cluster.job(id).booking);
  cluster.add_node("n2", 4);
  cluster.pass(minutes(1));
  ASSERT_TRUE(cluster.job(id).booking);
  EXPECT_TRUE(cluster.job(id).booking->resumes);
}

TEST_F(PromisesTest, EagerStartsNowOrIsRefused) {
  const auto first = cluster.bid({.job_class = JobClass::eager, .gpus = 3});
  EXPECT_TRUE(cluster.is_running(first));
  EXPECT_EQ(cluster.job(first).booking->start, cluster.now);
  const auto second = cluster.bid({.job_class = JobClass::eager, .gpus = 3});
  EXPECT_EQ(cluster.job(second).state, JobState::refused);
  EXPECT_EQ(reason(second), era::RefusalReason::not_free_now);
  EXPECT_EQ(cluster.job(second).refusal->blocking, std::vector<domain::JobId>{first});
}

TEST_F(PromisesTest, NobodyIsToldToAskForMoreRanksThanAJobMayHave) {
  // 67 is a prime: on nodes of 64 GPUs, 67 times 67 of them are that many ranks of one.
  for (int i = 0; i < 71; ++i) cluster.add_node("wide" + std::to_string(i), 64);
  const Ask wide{.job_class = JobClass::reserved, .ranks = 67, .gpus = 67};
  const auto id = cluster.bid(wide);
  ASSERT_EQ(reason(id), era::RefusalReason::rank_larger_than_node);
  const auto& changes = cluster.job(id).refusal->changes;
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_FALSE(changes[0].ranks);
  EXPECT_EQ(changes[0].per_rank->gpus, 64);
}

TEST_F(PromisesTest, ARefusalSaysWhyAndWhatWouldBeAccepted) {
  block({}, minutes(60));
  const auto late = cluster.bid({.job_class = JobClass::reserved,
                                 .gpus = 4,
                                 .duration = minutes(60),
                                 .deadline = minutes(90)});
  EXPECT_EQ(reason(late), era::RefusalReason::no_free_window);
  const auto& changes = cluster.job(late).refusal->changes;
  ASSERT_FALSE(changes.empty());
  const auto deadline =
      std::ranges::find_if(changes, [](const auto& c) { return c.deadline.has_value(); });
  ASSERT_NE(deadline, changes.end());
  EXPECT_EQ(*deadline->deadline, cluster.now + minutes(120));

  EXPECT_EQ(reason(cluster.bid({.job_class = JobClass::reserved, .gpus = 5})),
            era::RefusalReason::rank_larger_than_node);
  EXPECT_EQ(reason(cluster.bid({.gpus = 5})), era::RefusalReason::rank_larger_than_node);
  EXPECT_EQ(
      reason(cluster.bid(
          {.job_class = JobClass::reserved, .duration = minutes(60), .deadline = minutes(30)})),
      era::RefusalReason::window_too_short);
  const auto dear = cluster.bid({.job_class = JobClass::reserved, .max_price = Money{1}});
  EXPECT_EQ(reason(dear), era::RefusalReason::too_expensive);
  EXPECT_GT(*cluster.job(dear).refusal->price, Money{1});
  const auto poor =
      cluster.bid({.job_class = JobClass::reserved, .ranks = 4, .duration = minutes(60 * 24 * 60)});
  EXPECT_EQ(reason(poor), era::RefusalReason::insufficient_funds);
  EXPECT_EQ(accounts::sum(cluster.state.accounts), Money{});
}

TEST_F(PromisesTest, AQuoteIsHonouredExactlyOrIsGone) {
  const auto spec = Cluster::spec(
      {.job_class = JobClass::reserved, .gpus = 4, .deadline = minutes(100)}, cluster.now);
  const auto answer = era::quote(cluster.state.plan, spec.bid, cluster.now);
  const auto offer = std::get<era::Offer>(answer);
  const jobs::MakeBid quoted{{"ada"}, {"vision"}, spec, offer};
  cluster.pass(minutes(2));
  const domain::JobId id{cluster.state.jobs.next_job};
  ASSERT_TRUE(cluster.on_jobs(quoted));
  EXPECT_EQ(cluster.job(id).price, offer.price);
  EXPECT_EQ(cluster.job(id).booking->finish, cluster.now + minutes(60));
  const auto again = cluster.on_jobs(quoted);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, base::ErrorCode::gone);
}

TEST_F(PromisesTest, EveryCommandMayBeRepeatedAndIsDoneOnce) {
  const auto spec = Cluster::spec({}, cluster.now);
  const std::vector<Wish> wishes{
      jobs::Command{jobs::MakeBid{{"ada"}, {"vision"}, spec, std::nullopt}},
      jobs::Command{jobs::ExtendJob{{1}, minutes(5), std::nullopt}},
      jobs::Command{jobs::CancelJob{{1}, "enough"}},
      accounts::Command{accounts::Grant{{"vision"}, domain::credits(1)}},
      access::Command{access::CreateTeam{{"speech"}}},
      nodes::Command{nodes::JoinNode{{"n9"}}},
      nodes::Command{nodes::DrainNode{{"n1"}, "fans"}},
  };
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    const std::string id = "again-" + std::to_string(i);
    const auto before = cluster.log.size();
    ASSERT_TRUE(cluster.wish(wishes[i], id));
    const auto size = cluster.log.size();
    EXPECT_GT(size, before);
    EXPECT_TRUE(cluster.wish(wishes[i], id));
    EXPECT_EQ(cluster.log.size(), size) << "wish " << i;
  }
}

TEST_F(PromisesTest, ALostNodesJobIsPlacedAgainInsideItsDeadline) {
  cluster.add_node("n2", 4);
  const auto id =
      cluster.bid({.job_class = JobClass::reserved, .gpus = 4, .deadline = minutes(180)});
  const auto deadline = cluster.job(id).deadline;
  const auto price = cluster.job(id).price;
  cluster.run(id);
  cluster.pass(minutes(20));
  cluster.lose_node(cluster.attempt(id).ranks[0].node.value);
  ASSERT_TRUE(cluster.is_running(id));
  EXPECT_EQ(cluster.job(id).booking->finish, cluster.now + minutes(60));
  EXPECT_EQ(cluster.job(id).deadline, deadline);
  EXPECT_EQ(cluster.job(id).price, price);
}

TEST_F(PromisesTest, AfterALossOnlyWhatTheCheckpointLacksIsPlacedAgain) {
  cluster.add_node("n2", 4);
  const auto id =
      cluster.bid({.job_class = JobClass::reserved, .gpus = 4, .deadline = minutes(80)});
  cluster.run(id);
  cluster.pass(minutes(30));
  cluster.keep_checkpoint(id, "step-9", 9);
  cluster.end(id, kCrashed);
  cluster.pass(minutes(1));
  ASSERT_TRUE(cluster.is_running(id));
  cluster.lose_node(cluster.attempt(id).ranks[0].node.value);
  ASSERT_TRUE(cluster.is_running(id));
  EXPECT_EQ(cluster.job(id).booking->finish, cluster.now + minutes(30));
  EXPECT_EQ(cluster.attempt(id).resume_from, "step-9");
}

TEST_F(PromisesTest, ABrokenPromiseIsRefundedWithThePenalty) {
  const auto id =
      cluster.bid({.job_class = JobClass::reserved, .gpus = 4, .deadline = minutes(70)});
  const auto price = cluster.job(id).price;
  const auto balance = cluster.balance() + price;
  cluster.run(id);
  cluster.pass(minutes(5));
  cluster.lose_node("n1");
  EXPECT_EQ(cluster.job(id).state, JobState::interrupted);
  cluster.pass(minutes(10));
  EXPECT_EQ(cluster.job(id).state, JobState::lost);
  EXPECT_TRUE(cluster.job(id).promise_broken);
  EXPECT_EQ(cluster.facts<jobs::PromiseBroken>().size(), 1U);
  EXPECT_EQ(cluster.balance(), balance + Money{price.micros / 10});
  EXPECT_EQ(cluster.held(id), Money{});
}

TEST_F(PromisesTest, AFirmStartIsKeptOrBrokenNeverMoved) {
  const auto id = block(minutes(60), minutes(30));
  const auto start = cluster.job(id).promised_start;
  cluster.silence("n1");
  EXPECT_FALSE(cluster.job(id).booking.has_value());
  cluster.pass(minutes(30));
  cluster.report_node("n1", 4, "boot-1");
  cluster.pass(minutes(1));
  ASSERT_TRUE(cluster.job(id).booking.has_value());
  EXPECT_EQ(cluster.job(id).booking->start, start);
  cluster.silence("n1");
  cluster.pass(minutes(40));
  EXPECT_EQ(cluster.job(id).state, JobState::lost);
}

TEST_F(PromisesTest, AJobOverItsTimeIsExtendedWhileItIsFreeAndPaid) {
  const auto id =
      cluster.bid({.job_class = JobClass::reserved, .gpus = 4, .deadline = minutes(60)});
  const auto price = cluster.job(id).price;
  cluster.run(id);
  cluster.pass(minutes(61));
  EXPECT_EQ(cluster.attempt(id).stop, jobs::StopKind::none);
  EXPECT_GT(cluster.job(id).booking->finish, cluster.now);
  EXPECT_GT(cluster.job(id).price, price);
  EXPECT_EQ(cluster.held(id), cluster.job(id).price);
}

TEST_F(PromisesTest, AJobOverItsTimeGoesOnAsFlexWhereThePlaceIsPromised) {
  const auto id =
      cluster.bid({.job_class = JobClass::reserved, .gpus = 4, .deadline = minutes(60)});
  const auto after = block(minutes(60), minutes(30));
  cluster.run(id);
  cluster.pass(minutes(60));
  EXPECT_EQ(cluster.attempt(id).stop, jobs::StopKind::overrun);
  cluster.pass(seconds(10));
  cluster.end(id, kStopped);
  EXPECT_EQ(cluster.job(id).state, JobState::interrupted);
  EXPECT_EQ(cluster.job(id).job_class, JobClass::flex);
  ASSERT_TRUE(cluster.is_running(after));
  cluster.pass(minutes(5));
  cluster.end(after);
  ASSERT_TRUE(cluster.is_running(id));
  cluster.end(id);
  EXPECT_EQ(cluster.job(id).state, JobState::succeeded);
}

TEST_F(PromisesTest, AFlexJobOverItsTimeExpiresAtItsMaxPrice) {
  const auto id = cluster.bid({.gpus = 4, .max_price = domain::credits(2)});
  cluster.run(id);
  cluster.pass(minutes(60));
  EXPECT_EQ(cluster.attempt(id).stop, jobs::StopKind::expire);
  cluster.end(id, kStopped);
  EXPECT_EQ(cluster.job(id).state, JobState::expired);
}

TEST_F(PromisesTest, ABidForAMomentIsExtendedByTheMinute) {
  const auto id = cluster.bid({.duration = domain::Duration{1}});
  cluster.run(id);
  cluster.pass(minutes(10));
  EXPECT_TRUE(cluster.is_running(id));
  EXPECT_LE(cluster.facts<jobs::JobExtended>().size(), 10U);
}

TEST_F(PromisesTest, WhatIsNotUsedIsRefunded) {
  const auto before = cluster.balance();
  const auto id = cluster.bid({.job_class = JobClass::eager, .gpus = 4, .duration = minutes(100)});
  const auto price = cluster.job(id).price;
  EXPECT_EQ(cluster.balance(), before - price);
  EXPECT_EQ(cluster.held(id), price);
  cluster.run(id);
  cluster.pass(minutes(25));
  cluster.end(id);
  EXPECT_EQ(cluster.job(id).paid.micros, (price.micros + 3) / 4);
  EXPECT_EQ(cluster.balance(), before - cluster.job(id).paid);
  EXPECT_FALSE(cluster.state.accounts.balances.contains(accounts::hold_account(id)));
  EXPECT_EQ(cluster.job(id).held, Money{});
}

TEST_F(PromisesTest, AnExtensionAskedForIsPaidOrRefusedWithWhoIsInTheWay) {
  const auto id =
      cluster.bid({.job_class = JobClass::reserved, .gpus = 4, .deadline = minutes(60)});
  const auto price = cluster.job(id).price;
  EXPECT_FALSE(cluster.on_jobs(jobs::ExtendJob{id, minutes(30), Money{1}}));
  ASSERT_TRUE(cluster.on_jobs(jobs::ExtendJob{id, minutes(30), std::nullopt}));
  EXPECT_EQ(cluster.job(id).booking->finish, cluster.now + minutes(90));
  EXPECT_GT(cluster.job(id).price, price);
  EXPECT_EQ(cluster.held(id), cluster.job(id).price);
  const auto next = block(minutes(90), minutes(30));
  const auto refused = cluster.on_jobs(jobs::ExtendJob{id, minutes(30), std::nullopt});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("job " + std::to_string(next.value)), std::string::npos);
}

TEST_F(PromisesTest, AJobThatIsOverTimeOnADrainingNodeIsStopped) {
  const auto id =
      cluster.bid({.job_class = JobClass::reserved, .gpus = 4, .deadline = minutes(60)});
  cluster.run(id);
  ASSERT_TRUE(cluster.wish(nodes::Command{nodes::DrainNode{{"n1"}, "fans"}}));
  cluster.pass(minutes(60));
  EXPECT_EQ(cluster.attempt(id).stop, jobs::StopKind::overrun);
  cluster.end(id, kStopped);
  EXPECT_EQ(cluster.job(id).job_class, JobClass::flex);
  EXPECT_EQ(cluster.job(id).state, JobState::interrupted);
}

TEST_F(PromisesTest, BookingsOfADrainedNodeMoveToAnother) {
  cluster.add_node("n2", 4);
  const auto id = block(minutes(30), minutes(30));
  const auto first = cluster.job(id).booking->nodes[0];
  ASSERT_TRUE(cluster.wish(nodes::Command{nodes::DrainNode{first, "fans"}}));
  EXPECT_NE(cluster.job(id).booking->nodes[0], first);
  EXPECT_EQ(cluster.job(id).booking->start, cluster.job(id).promised_start);
}

TEST_F(PromisesTest, MoneyIsConservedAndTheStatementExplainsTheBalance) {
  for (int i = 0; i < 3; ++i) {
    const auto id = cluster.bid({.gpus = 1, .duration = minutes(30)});
    cluster.run(id);
    cluster.pass(minutes(std::int64_t{7} * (i + 1)));
    cluster.end(id, i == 1 ? test::kFailed : kSuccess);
    EXPECT_EQ(accounts::sum(cluster.state.accounts), Money{});
  }
  const auto& lines = cluster.state.accounts.lines.at(accounts::team_account({"vision"}));
  Money balance;
  for (const auto& line : lines) {
    const bool in = line.moved.to == accounts::team_account({"vision"});
    balance += in ? line.moved.amount : -line.moved.amount;
    EXPECT_EQ(line.balance, balance);
    EXPECT_GE(line.balance, Money{});
  }
  EXPECT_EQ(balance, cluster.balance());
  EXPECT_EQ(lines.size(), 7U);  // A grant, and each time a hold and a refund.
}

TEST_F(PromisesTest, PricesAndGrantsAreCheckedBeforeTheyAreFacts) {
  const auto size = cluster.log.size();
  era::PriceList negative = era::default_prices();
  negative.core_hour = Money{-1};
  EXPECT_FALSE(cluster.wish(accounts::Command{accounts::SetPrices{negative}}));
  EXPECT_FALSE(cluster.wish(accounts::Command{accounts::Grant{{"vision"}, Money{}}}));
  EXPECT_FALSE(cluster.wish(accounts::Command{accounts::Grant{{"nobody"}, domain::credits(1)}}));
  EXPECT_EQ(cluster.log.size(), size);
}

}  // namespace
}  // namespace ledger
