#include <gtest/gtest.h>

#include "ledger/test_world.h"

// How jobs start, run, fail and end, in the words of those who bid them.
namespace ledger {
namespace {

using domain::ExitCause;
using domain::JobClass;
using domain::JobState;
using test::Ask;
using test::Cluster;
using test::kCrashed;
using test::kFailed;
using test::kFault;
using test::kStopped;
using test::kSuccess;
using test::minutes;
using test::seconds;

class RunningTest : public testing::Test {
 protected:
  RunningTest() { cluster.add_node("n1", 4); }
  Cluster cluster;
};

TEST_F(RunningTest, AFlexJobRunsAtOnceOnAnIdleNode) {
  const auto id = cluster.bid({.gpus = 2});
  EXPECT_EQ(cluster.job(id).state, JobState::starting);
  ASSERT_EQ(cluster.attempt(id).ranks.size(), 1U);
  EXPECT_EQ(cluster.attempt(id).ranks[0].node.value, "n1");
  EXPECT_EQ(cluster.attempt(id).ranks[0].gpu_uuids,
            (std::vector<std::string>{"n1-gpu0", "n1-gpu1"}));
  cluster.run(id);
  EXPECT_EQ(cluster.job(id).state, JobState::running);
  cluster.end(id);
  EXPECT_EQ(cluster.job(id).state, JobState::succeeded);
  EXPECT_TRUE(cluster.state.jobs.held.empty());
}

TEST_F(RunningTest, TwoJobsNeverShareAGpu) {
  const auto first = cluster.bid({.gpus = 3});
  const auto second = cluster.bid({.gpus = 1});
  EXPECT_EQ(cluster.attempt(second).ranks[0].gpu_uuids, std::vector<std::string>{"n1-gpu3"});
  cluster.end(first);
  const auto third = cluster.bid({.gpus = 3});
  EXPECT_EQ(cluster.attempt(third).ranks[0].gpu_uuids.size(), 3U);
}

TEST_F(RunningTest, TheQueueIsServedInOrderAndSmallJobsFillTheGaps) {
  const auto running = cluster.bid({.gpus = 3});
  const auto big = cluster.bid({.gpus = 4});
  const auto same = cluster.bid({.gpus = 4});
  const auto small = cluster.bid({.gpus = 1});
  EXPECT_EQ(cluster.job(big).state, JobState::queued);
  EXPECT_TRUE(cluster.is_running(small));
  cluster.end(small);
  cluster.end(running);
  EXPECT_TRUE(cluster.is_running(big));
  EXPECT_EQ(cluster.job(same).state, JobState::queued);
  cluster.end(big);
  EXPECT_TRUE(cluster.is_running(same));
}

TEST_F(RunningTest, AFlexJobWaitsForItsEarliestStart) {
  const auto id = cluster.bid({.earliest = minutes(10)});
  cluster.pass(minutes(9));
  EXPECT_EQ(cluster.job(id).state, JobState::queued);
  cluster.pass(minutes(1));
  EXPECT_TRUE(cluster.is_running(id));
}

TEST_F(RunningTest, AFlexJobWhoseDeadlinePassesInTheQueueExpires) {
  const auto running = cluster.bid({.gpus = 4, .duration = minutes(120)});
  const auto id = cluster.bid({.gpus = 1, .deadline = minutes(30)});
  cluster.pass(minutes(31));
  EXPECT_TRUE(cluster.is_running(running));
  EXPECT_EQ(cluster.job(id).state, JobState::expired);
  EXPECT_NE(cluster.job(id).cause.find("deadline"), std::string::npos);
}

TEST_F(RunningTest, AJobCancelledBeforeItRunsIsOverAtOnce) {
  const auto running = cluster.bid({.gpus = 4});
  const auto id = cluster.bid({.gpus = 4});
  ASSERT_TRUE(cluster.on_jobs(jobs::CancelJob{id, "no longer needed"}));
  EXPECT_EQ(cluster.job(id).state, JobState::cancelled);
  EXPECT_EQ(cluster.job(id).cause, "no longer needed");
  EXPECT_TRUE(cluster.is_running(running));
}

TEST_F(RunningTest, AJobCancelledWhileItRunsEndsWhenItsRanksAreGone) {
  const auto id = cluster.bid({.ranks = 2});
  cluster.run(id);
  ASSERT_TRUE(cluster.on_jobs(jobs::CancelJob{id, "wrong data"}));
  EXPECT_EQ(cluster.job(id).state, JobState::running);
  EXPECT_EQ(cluster.attempt(id).state, jobs::AttemptState::stopping);
  cluster.end(id, kStopped, 0);
  EXPECT_EQ(cluster.job(id).state, JobState::running);
  cluster.end(id, kStopped, 1);
  EXPECT_EQ(cluster.job(id).state, JobState::cancelled);
  EXPECT_EQ(cluster.attempt(id).cause, ExitCause::stopped);
}

TEST_F(RunningTest, ACrashedRankStopsItsPeersAndTheGangTriesAgain) {
  const auto id = cluster.bid({.ranks = 3});
  cluster.run(id);
  const auto port = cluster.attempt(id).master_port;
  cluster.pass(seconds(10));
  cluster.end(id, kCrashed, 1);
  EXPECT_EQ(cluster.attempt(id).stop, jobs::StopKind::peer_failed);
  cluster.end(id, kStopped, 0);
  cluster.end(id, kStopped, 2);
  EXPECT_EQ(cluster.attempt(id).cause, ExitCause::crashed);
  EXPECT_NE(cluster.attempt(id).detail.find("rank 1 on n1"), std::string::npos);
  EXPECT_EQ(cluster.job(id).state, JobState::interrupted);
  EXPECT_EQ(cluster.job(id).retry_at, cluster.now + seconds(1));
  cluster.pass(seconds(1));
  EXPECT_EQ(cluster.attempt(id).number, 2);
  EXPECT_NE(cluster.attempt(id).master_port, port);
}

TEST_F(RunningTest, TheGravestCauseIsTheAttempts) {
  const auto id = cluster.bid({.ranks = 3});
  cluster.run(id);
  cluster.end(id, kFailed, 0);
  cluster.end(id, kSuccess, 1);
  cluster.end(id, {ExitCause::out_of_memory, 0, 9}, 2);
  EXPECT_EQ(cluster.attempt(id).cause, ExitCause::out_of_memory);
  EXPECT_EQ(cluster.job(id).state, JobState::failed);
}

TEST_F(RunningTest, ThePauseBeforeARetryGrowsAndTheRetriesRunOut) {
  const auto id = cluster.bid({.max_retries = 2});
  cluster.end(id, kCrashed);
  EXPECT_EQ(cluster.job(id).retry_at - cluster.now, seconds(1));
  cluster.pass(minutes(1));
  cluster.end(id, kCrashed);
  EXPECT_EQ(cluster.job(id).retry_at - cluster.now, seconds(2));
  cluster.pass(minutes(1));
  cluster.end(id, kCrashed);
  EXPECT_EQ(cluster.job(id).state, JobState::failed);
  EXPECT_EQ(cluster.job(id).attempts_made, 3);
  EXPECT_NE(cluster.job(id).cause.find("no retries left of 2"), std::string::npos);
}

TEST_F(RunningTest, AProgramsOwnFaultIsTriedOnceMore) {
  const auto id = cluster.bid({.max_retries = 5});
  cluster.end(id, kFault);
  EXPECT_EQ(cluster.job(id).state, JobState::interrupted);
  cluster.pass(minutes(1));
  cluster.end(id, kFault);
  EXPECT_EQ(cluster.job(id).state, JobState::failed);
  EXPECT_EQ(cluster.job(id).attempts_made, 2);
  EXPECT_NE(cluster.job(id).cause.find("no newer checkpoint"), std::string::npos);
}

TEST_F(RunningTest, AFaultAfterANewerCheckpointIsTriedAgain) {
  const auto id = cluster.bid({.max_retries = 5});
  for (int step = 1; step <= 3; ++step) {
    ASSERT_TRUE(cluster.is_running(id)) << step;
    cluster.run(id);
    cluster.keep_checkpoint(id, "step-" + std::to_string(step), step);
    cluster.end(id, kFault);
    cluster.pass(minutes(1));
  }
  cluster.end(id, kFault);
  EXPECT_EQ(cluster.job(id).state, JobState::failed);
  EXPECT_EQ(cluster.job(id).attempts_made, 4);
}

TEST_F(RunningTest, AProgramThatSaysNoIsNotTriedAgain) {
  for (const auto cause : {ExitCause::failed, ExitCause::out_of_memory, ExitCause::cannot_start}) {
    const auto id = cluster.bid({});
    cluster.end(id, {cause, 1, 0});
    EXPECT_EQ(cluster.job(id).state, JobState::failed);
    EXPECT_EQ(cluster.job(id).attempts_made, 1);
    EXPECT_EQ(cluster.attempt(id).cause, cause);
  }
}

TEST_F(RunningTest, AWrongExitIsNeverASuccess) {
  const auto by_code = cluster.bid({});
  cluster.end(by_code, {ExitCause::success, 3, 0});
  EXPECT_EQ(cluster.job(by_code).state, JobState::failed);
  const auto by_signal = cluster.bid({.max_retries = 0});
  cluster.end(by_signal, {ExitCause::success, 0, 11});
  EXPECT_EQ(cluster.job(by_signal).state, JobState::failed);
}

TEST_F(RunningTest, AGpuFaultTakesTheNodeOutAndTheJobElsewhere) {
  cluster.add_node("n2", 4);
  const auto id = cluster.bid({});
  const auto first = cluster.attempt(id).ranks[0].node;
  cluster.end(id, {ExitCause::gpu_fault, 1, 0});
  EXPECT_EQ(cluster.state.nodes.nodes.at(first).state, domain::NodeState::quarantined);
  cluster.pass(minutes(1));
  ASSERT_TRUE(cluster.is_running(id));
  const auto second = cluster.attempt(id).ranks[0].node;
  EXPECT_NE(second, first);
  // The same on another node: the job is bad, not the nodes.
  cluster.end(id, {ExitCause::gpu_fault, 1, 0});
  EXPECT_EQ(cluster.job(id).state, JobState::failed);
  EXPECT_EQ(cluster.state.nodes.nodes.at(second).state, domain::NodeState::ready);
}

TEST_F(RunningTest, ALostNodeCostsNoRetryAndTheJobGoesOnFromItsNewestCheckpoint) {
  cluster.add_node("n2", 4);
  const auto id = cluster.bid({.max_retries = 0});
  cluster.run(id);
  const auto first = cluster.attempt(id).ranks[0].node;
  cluster.keep_checkpoint(id, "step-200", 200);
  cluster.keep_checkpoint(id, "step-100", 100);
  cluster.pass(minutes(5));
  cluster.silence(first.value);
  EXPECT_TRUE(cluster.is_running(id));
  cluster.lose_node(first.value);
  ASSERT_TRUE(cluster.is_running(id));
  EXPECT_NE(cluster.attempt(id).ranks[0].node, first);
  EXPECT_EQ(cluster.attempt(id).resume_from, "step-200");
  EXPECT_EQ(cluster.job(id).retries_used, 0);
  EXPECT_EQ(cluster.job(id).attempts[0].cause, ExitCause::node_lost);
}

TEST_F(RunningTest, ACheckpointThatCameThroughAfterTheEndStillCounts) {
  const auto id = cluster.bid({});
  cluster.run(id);
  cluster.end(id, kCrashed);
  ASSERT_EQ(cluster.job(id).state, JobState::interrupted);
  cluster.keep_checkpoint(id, "step-7", 7);
  cluster.pass(minutes(1));
  EXPECT_EQ(cluster.attempt(id).resume_from, "step-7");
}

TEST_F(RunningTest, AMachineThatBootedAgainHasLostItsRanks) {
  const auto id = cluster.bid({});
  cluster.run(id);
  cluster.report_node("n1", 4, "boot-2");
  EXPECT_EQ(cluster.job(id).attempts[0].cause, ExitCause::node_lost);
  EXPECT_EQ(cluster.attempt(id).number, 2);
}

TEST_F(RunningTest, ADrainingNodeFinishesWhatRunsAndTakesNothingNew) {
  const auto id = cluster.bid({.gpus = 1});
  cluster.run(id);
  ASSERT_TRUE(cluster.wish(nodes::Command{nodes::DrainNode{{"n1"}, "new fans"}}));
  EXPECT_FALSE(cluster.wish(nodes::Command{nodes::RemoveNode{{"n1"}}}));
  const auto waiting = cluster.bid({.gpus = 1});
  EXPECT_EQ(cluster.job(waiting).state, JobState::queued);
  cluster.end(id);
  EXPECT_EQ(cluster.job(id).state, JobState::succeeded);
  EXPECT_EQ(cluster.job(waiting).state, JobState::queued);
  ASSERT_TRUE(cluster.wish(nodes::Command{nodes::ResumeNode{{"n1"}}}));
  EXPECT_TRUE(cluster.is_running(waiting));
  cluster.end(waiting);
  ASSERT_TRUE(cluster.wish(nodes::Command{nodes::RemoveNode{{"n1"}}}));
  EXPECT_TRUE(cluster.state.nodes.nodes.empty());
}

TEST_F(RunningTest, RanksOfAGangArePlacedAsAsked) {
  cluster.add_node("n2", 4);
  const auto spread = cluster.bid({.ranks = 2, .placement = domain::Placement::spread});
  ASSERT_TRUE(cluster.is_running(spread));
  EXPECT_NE(cluster.attempt(spread).ranks[0].node, cluster.attempt(spread).ranks[1].node);
  const auto packed = cluster.bid({.ranks = 3, .placement = domain::Placement::packed});
  ASSERT_TRUE(cluster.is_running(packed));
  EXPECT_EQ(cluster.attempt(packed).ranks[0].node, cluster.attempt(packed).ranks[2].node);
}

TEST_F(RunningTest, WhatAnAgentSaysOfAnotherNodesRankIsIgnored) {
  cluster.add_node("n2", 4);
  const auto id = cluster.bid({});
  jobs::SeenRank seen;
  seen.job = id;
  seen.started = true;
  seen.ended = true;
  const auto other = cluster.attempt(id).ranks[0].node.value == "n1" ? "n2" : "n1";
  const auto size = cluster.log.size();
  ASSERT_TRUE(cluster.on_jobs(jobs::ObserveNode{{other}, {seen}}));
  EXPECT_EQ(cluster.log.size(), size);
  EXPECT_TRUE(cluster.is_running(id));
}

TEST(Running, AShortJobDoesNotStartWhereItIsToGiveWayAtOnce) {
  Cluster cluster;
  cluster.add_node("n1", 4);
  const auto firm = cluster.bid({.job_class = domain::JobClass::reserved,
                                 .gpus = 4,
                                 .earliest = minutes(30) + seconds(10),
                                 .deadline = minutes(120),
                                 .firm = true});
  ASSERT_EQ(cluster.job(firm).promised_start, cluster.now + minutes(30) + seconds(10));
  cluster.pass(minutes(30) - seconds(10));
  const auto brief = cluster.bid({.gpus = 1, .duration = seconds(1)});
  EXPECT_EQ(cluster.job(brief).attempts_made, 0) << "it would hold the place 20 s before the start";
  cluster.pass(seconds(20));
  EXPECT_TRUE(cluster.is_running(firm));
}

}  // namespace
}  // namespace ledger
