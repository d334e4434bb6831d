#include <gtest/gtest.h>

#include "ledger/test_world.h"

// Nodes that are off while nobody needs them.
namespace ledger {
namespace {

using domain::Duration;
using domain::JobClass;
using domain::JobState;
using domain::NodeState;
using test::Cluster;
using test::minutes;
using test::seconds;

class PowerTest : public testing::Test {
 protected:
  PowerTest() {
    cluster.add_node("n1", 4);
    cluster.add_node("n2", 4);
  }

  base::Result<> set(const std::string& node, Duration idle, Duration resume) {
    return cluster.wish(
        nodes::Command{nodes::SetNodePower{{node}, domain::PowerPolicy{idle, resume}}});
  }
  /// Both nodes may be off after ten minutes, and take five to come up.
  void switch_by_need() {
    ASSERT_TRUE(set("n1", minutes(10), minutes(5)));
    ASSERT_TRUE(set("n2", minutes(10), minutes(5)));
  }
  NodeState state(const std::string& node) const {
    return cluster.state.nodes.nodes.at({node}).state;
  }
  std::string cause(const std::string& node) const {
    return cluster.state.nodes.nodes.at({node}).cause;
  }
  domain::JobId reserve(int ranks, Duration earliest, Duration deadline) {
    return cluster.bid({.job_class = JobClass::reserved,
                        .ranks = ranks,
                        .gpus = 4,
                        .earliest = earliest,
                        .deadline = deadline});
  }
  /// It has booted, and its agent reports.
  void come_up(const std::string& node) {
    cluster.report_node(node, 4, "boot-" + std::to_string(++boots_));
  }
  /// Its agent, which has never gone, is heard once more.
  void is_still_heard(const std::string& node) {
    const auto known = cluster.state.nodes.nodes.at({node}).inventory;
    ASSERT_TRUE(cluster.wish(nodes::Command{nodes::ReportNode{{node}, known}}));
  }

  Cluster cluster;

 private:
  int boots_ = 1;
};

TEST_F(PowerTest, APolicyIsForAKnownNodeAndInBounds) {
  EXPECT_EQ(set("n3", minutes(1), minutes(1)).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(set("n1", seconds(59), minutes(1)).error().field, "idle_ms");
  EXPECT_EQ(set("n1", domain::kDay * 31, minutes(1)).error().field, "idle_ms");
  EXPECT_EQ(set("n1", minutes(1), Duration{999}).error().field, "resume_ms");
  EXPECT_EQ(set("n1", minutes(1), domain::kDay + seconds(1)).error().field, "resume_ms");
  ASSERT_TRUE(cluster.wish(nodes::Command{nodes::JoinNode{{"n3"}}}));
  EXPECT_EQ(set("n3", minutes(1), minutes(1)).error().code, base::ErrorCode::conflict);
  const auto before = cluster.log.size();
  EXPECT_TRUE(set("n1", minutes(1), minutes(1)));
  EXPECT_TRUE(set("n1", minutes(1), minutes(1)));
  EXPECT_EQ(cluster.log.size(), before + 1) << "the same again is nothing new";
}

TEST_F(PowerTest, WhatIsIdleIsSwitchedOff) {
  switch_by_need();
  cluster.pass(minutes(9));
  EXPECT_EQ(state("n1"), NodeState::ready);
  cluster.pass(minutes(1));
  EXPECT_EQ(state("n1"), NodeState::suspended);
  EXPECT_EQ(state("n2"), NodeState::suspended);
  EXPECT_EQ(cause("n1"), "nobody needs it");
}

TEST_F(PowerTest, IdleIsCountedFromTheLastEnd) {
  switch_by_need();
  const auto job = cluster.bid({.gpus = 1, .duration = minutes(60)});
  const std::string node = cluster.attempt(job).ranks.front().node.value;
  cluster.run(job);
  cluster.pass(minutes(30));
  EXPECT_EQ(state(node), NodeState::ready);
  EXPECT_EQ(state(node == "n1" ? "n2" : "n1"), NodeState::suspended);
  cluster.end(job);
  cluster.pass(minutes(9));
  EXPECT_EQ(state(node), NodeState::ready);
  cluster.pass(minutes(1));
  EXPECT_EQ(state(node), NodeState::suspended);
}

TEST_F(PowerTest, APromiseCountsOnWhatCanBeOnInTime) {
  switch_by_need();
  cluster.pass(minutes(20));
  const auto now = cluster.now;
  EXPECT_EQ(cluster.job(reserve(2, {}, minutes(66))).state, JobState::refused);
  const auto job = reserve(2, {}, minutes(67));
  ASSERT_EQ(cluster.job(job).state, JobState::reserved);
  EXPECT_EQ(cluster.job(job).booking->start, now + minutes(7));
  cluster.pass(minutes(1));
  EXPECT_EQ(state("n1"), NodeState::resuming) << "it is time to";
  EXPECT_EQ(cause("n1"), "job 2 starts there");
  cluster.pass(minutes(3));
  come_up("n1");
  come_up("n2");
  EXPECT_TRUE(cluster.is_running(job)) << "as soon as both are there";
}

TEST_F(PowerTest, WhatIsBookedForLaterIsSwitchedOnInTime) {
  switch_by_need();
  cluster.pass(minutes(20));
  const auto job = cluster.bid({.job_class = JobClass::reserved,
                                .gpus = 4,
                                .earliest = minutes(120),
                                .deadline = minutes(180),
                                .firm = true});
  const std::string node = cluster.job(job).booking->nodes.front().value;
  const std::string other = node == "n1" ? "n2" : "n1";
  cluster.pass(minutes(112));
  EXPECT_EQ(state(node), NodeState::suspended);
  cluster.pass(minutes(1));
  EXPECT_EQ(state(node), NodeState::resuming);
  EXPECT_EQ(state(other), NodeState::suspended);
  cluster.pass(minutes(3));
  come_up(node);
  EXPECT_EQ(state(node), NodeState::ready);
  cluster.pass(minutes(4));
  ASSERT_TRUE(cluster.is_running(job));
  EXPECT_EQ(cluster.attempt(job).started, cluster.job(job).promised_start);
}

TEST_F(PowerTest, NoStartIsTooEarlyInItsMinute) {
  for (std::int64_t second = 0; second < 130; second += 9) {
    Cluster one;
    one.add_node("n1", 4);
    const domain::PowerPolicy policy{minutes(1), seconds(90)};
    ASSERT_TRUE(one.wish(nodes::Command{nodes::SetNodePower{{"n1"}, policy}}));
    one.pass(minutes(5) + seconds(second / 2));
    const auto job = one.bid({.job_class = JobClass::reserved,
                              .gpus = 4,
                              .earliest = minutes(6) + seconds(second),
                              .deadline = minutes(90),
                              .firm = true});
    const auto& node = one.state.nodes.nodes.at({"n1"});
    ASSERT_EQ(node.state, NodeState::suspended);
    for (int step = 0; step < 60 && node.state != NodeState::resuming; ++step)
      one.pass(seconds(10));
    one.pass(seconds(90));
    one.report_node("n1", 4, "boot-2");
    one.pass(minutes(10));
    ASSERT_FALSE(one.job(job).attempts.empty()) << second;
    EXPECT_EQ(one.attempt(job).started, one.job(job).promised_start) << second;
  }
}

TEST_F(PowerTest, WhatIsNeededSoonStaysOn) {
  switch_by_need();
  cluster.bid({.job_class = JobClass::reserved,
               .gpus = 4,
               .earliest = minutes(26),
               .deadline = minutes(90),
               .firm = true});
  cluster.pass(minutes(20));
  EXPECT_NE(state("n1"), state("n2")) << "switching it off and on again is not worth it";
}

TEST_F(PowerTest, QueuedJobsHaveWhatTheyNeedSwitchedOn) {
  switch_by_need();
  cluster.pass(minutes(20));
  const auto job = cluster.bid({.gpus = 4});
  EXPECT_EQ(cluster.job(job).state, JobState::queued);
  const bool is_first = state("n1") == NodeState::resuming;
  const std::string node = is_first ? "n1" : "n2";
  EXPECT_EQ(state(node), NodeState::resuming);
  EXPECT_EQ(state(is_first ? "n2" : "n1"), NodeState::suspended) << "one is enough";
  EXPECT_EQ(cause(node), "queued jobs wait for it");
  cluster.pass(minutes(3));
  come_up(node);
  EXPECT_TRUE(cluster.is_running(job));
  const auto others = std::pair{cluster.bid({.gpus = 4}), cluster.bid({.gpus = 4})};
  EXPECT_EQ(state(is_first ? "n2" : "n1"), NodeState::resuming);
  EXPECT_EQ(cluster.job(others.second).state, JobState::queued);
}

TEST_F(PowerTest, QueuedJobsHaveItSwitchedOnHoweverLongThatTakes) {
  for (const std::int64_t resume : {1, 30, 59, 60, 90}) {
    Cluster one;
    one.add_node("n1", 4);
    const domain::PowerPolicy policy{minutes(1), seconds(resume)};
    ASSERT_TRUE(one.wish(nodes::Command{nodes::SetNodePower{{"n1"}, policy}}));
    one.pass(minutes(5));
    ASSERT_EQ(one.state.nodes.nodes.at({"n1"}).state, NodeState::suspended);
    one.bid({.gpus = 4});
    EXPECT_EQ(one.state.nodes.nodes.at({"n1"}).state, NodeState::resuming) << resume;
  }
}

TEST_F(PowerTest, WhatAGangWaitsForIsNotSwitchedOffMeanwhile) {
  ASSERT_TRUE(set("n1", minutes(1), minutes(5)));
  ASSERT_TRUE(set("n2", minutes(1), minutes(5)));
  cluster.pass(minutes(2));
  const auto gang = cluster.bid({.ranks = 2, .gpus = 4});
  EXPECT_EQ(state("n1"), NodeState::resuming);
  EXPECT_EQ(state("n2"), NodeState::resuming);
  come_up("n1");
  cluster.pass(minutes(4));
  EXPECT_EQ(state("n1"), NodeState::ready) << "idle, but wanted";
  come_up("n2");
  EXPECT_TRUE(cluster.is_running(gang));
}

TEST_F(PowerTest, WhoMayNotStartHasNothingSwitchedOn) {
  switch_by_need();
  ASSERT_TRUE(cluster.wish(
      limits::Command{limits::SetQuota{{.team = {"vision"}, .gpus = 4, .soft = false}}}));
  const auto first = cluster.bid({.gpus = 4, .duration = minutes(300)});
  ASSERT_TRUE(cluster.is_running(first));
  cluster.run(first);
  cluster.bid({.gpus = 2});
  cluster.pass(minutes(60));
  EXPECT_TRUE((state("n1") == NodeState::suspended) != (state("n2") == NodeState::suspended));
}

TEST_F(PowerTest, WhatDoesNotComeUpIsTakenOutAndItsJobsGoElsewhere) {
  ASSERT_TRUE(set("n2", minutes(10), minutes(5)));
  const auto before = reserve(1, {}, minutes(60));
  ASSERT_EQ(cluster.attempt(before).ranks.front().node.value, "n1");
  cluster.pass(minutes(20));
  ASSERT_EQ(state("n2"), NodeState::suspended);
  const auto job = cluster.bid({.job_class = JobClass::reserved,
                                .gpus = 4,
                                .duration = minutes(10),
                                .deadline = minutes(25)});
  ASSERT_EQ(cluster.job(job).booking->start, cluster.now + minutes(7));
  ASSERT_EQ(cluster.job(job).booking->nodes.front().value, "n2");
  cluster.pass(minutes(12));
  EXPECT_EQ(state("n2"), NodeState::resuming);
  EXPECT_TRUE(cluster.job(job).booking) << "late, but it may still come up";
  cluster.pass(minutes(1));
  EXPECT_EQ(state("n2"), NodeState::quarantined);
  EXPECT_EQ(cause("n2"), "did not come up in 720 s");
  EXPECT_FALSE(cluster.job(job).booking);
  cluster.add_node("n3", 4);
  EXPECT_TRUE(cluster.is_running(job));
}

TEST_F(PowerTest, SilenceOfWhatIsOffIsNoLoss) {
  switch_by_need();
  cluster.pass(minutes(20));
  cluster.silence("n1");
  EXPECT_EQ(state("n1"), NodeState::suspended);
  come_up("n1");
  EXPECT_EQ(state("n1"), NodeState::suspended) << "it is still going off";
  reserve(2, {}, minutes(90));
  cluster.pass(minutes(1));
  cluster.silence("n1");
  EXPECT_EQ(state("n1"), NodeState::resuming);
}

TEST_F(PowerTest, WhoIsStillGoingOffIsNotBack) {
  switch_by_need();
  cluster.pass(minutes(20));
  const auto gang = cluster.bid({.ranks = 2, .gpus = 4});
  ASSERT_EQ(state("n1"), NodeState::resuming);
  is_still_heard("n1");
  cluster.pass(minutes(4));
  is_still_heard("n1");
  EXPECT_EQ(state("n1"), NodeState::resuming) << "it may have been told to go a moment before";
  come_up("n2");
  EXPECT_EQ(state("n2"), NodeState::ready) << "it has booted";
  cluster.pass(minutes(1));
  is_still_heard("n1");
  EXPECT_EQ(state("n1"), NodeState::ready) << "it never went, or has come back without booting";
  EXPECT_TRUE(cluster.is_running(gang));
}

TEST_F(PowerTest, WhatWasLostForLongIsOff) {
  switch_by_need();
  const auto job = cluster.bid({.gpus = 4, .duration = minutes(600)});
  const std::string node = cluster.attempt(job).ranks.front().node.value;
  cluster.silence(node);
  cluster.pass(minutes(30));
  EXPECT_EQ(state(node), NodeState::down) << "what runs there may be alive";
  CHECK(cluster.on_jobs(jobs::Command{jobs::LoseRanks{{node}, "its lease is over"}}), "it is over");
  cluster.pass(minutes(1));
  EXPECT_NE(state(node), NodeState::down);
}

TEST_F(PowerTest, WithoutAPolicyItComesUpAndStays) {
  switch_by_need();
  cluster.pass(minutes(20));
  ASSERT_TRUE(cluster.wish(nodes::Command{nodes::SetNodePower{{"n1"}, std::nullopt}}));
  EXPECT_EQ(state("n1"), NodeState::resuming);
  come_up("n1");
  cluster.pass(minutes(60));
  EXPECT_EQ(state("n1"), NodeState::ready);
}

TEST_F(PowerTest, ADrainedNodeIsLeftAlone) {
  switch_by_need();
  ASSERT_TRUE(cluster.wish(nodes::Command{nodes::DrainNode{{"n1"}, "new disks"}}));
  cluster.pass(minutes(20));
  EXPECT_EQ(state("n1"), NodeState::draining);
  ASSERT_TRUE(cluster.wish(nodes::Command{nodes::DrainNode{{"n2"}, "new disks"}}));
  EXPECT_EQ(state("n2"), NodeState::suspended);
  EXPECT_EQ(cluster.job(reserve(1, {}, minutes(300))).state, JobState::refused);
  ASSERT_TRUE(cluster.wish(nodes::Command{nodes::ResumeNode{{"n2"}}}));
  EXPECT_EQ(cluster.job(reserve(1, {}, minutes(300))).state, JobState::reserved);
}

}  // namespace
}  // namespace ledger
