// Who gets what is idle: teams by what they have used, large gangs in their turn.
#include <gtest/gtest.h>

#include <random>

#include "ledger/test_world.h"

namespace ledger {
namespace {

using domain::JobClass;
using domain::JobId;
using domain::JobState;
using test::Ask;
using test::Cluster;
using test::minutes;

constexpr int kFlood = 1'000;

class FairnessTest : public ::testing::Test {
 protected:
  FairnessTest() {
    cluster.add_node("n1", 8);
    cluster.add_team("nlp", "bob");
    CHECK(cluster.wish(accounts::Command{accounts::Grant{{"vision"}, domain::credits(1'000'000)}}),
          "means for a flood");
  }

  void flood(const Ask& ask) {
    for (int i = 0; i < kFlood; ++i) cluster.bid(ask);
  }

  /// The job that has run longest; every job of this world has one rank.
  JobId oldest() const {
    const jobs::Job* found = nullptr;
    for (const JobId id : cluster.state.jobs.live) {
      const auto& job = cluster.job(id);
      if (!cluster.is_running(id)) continue;
      if (found == nullptr || job.attempts.back().started < found->attempts.back().started)
        found = &job;
    }
    CHECK(found != nullptr, "something runs");
    return found->id;
  }

  /// Ends one job after another, each `pause` after the one before, until `id` runs; how many.
  int places_until_running(JobId id, domain::Duration pause, int most) {
    int places = 0;
    while (!cluster.is_running(id) && places < most) {
      cluster.pass(pause);
      cluster.end_all(oldest());
      ++places;
    }
    return places;
  }

  Cluster cluster;
};

TEST_F(FairnessTest, AFloodOfFlexJobsDelaysAnotherTeamByOnePlace) {
  flood({.gpus = 1});
  cluster.pass(minutes(10));
  const JobId one = cluster.bid({.gpus = 1, .user = "bob", .team = "nlp"});
  EXPECT_EQ(cluster.job(one).state, JobState::queued);
  EXPECT_EQ(places_until_running(one, minutes(1), 100), 1);
}

TEST_F(FairnessTest, AFloodOfPromisesDelaysAnotherTeamsFlexJobByAnHour) {
  flood({.job_class = JobClass::reserved, .gpus = 1, .deadline = minutes(60 * 24 * 60)});
  const JobId one = cluster.bid({.gpus = 1, .duration = minutes(20), .user = "bob", .team = "nlp"});
  // Jobs end after two thirds of their time; what they leave would else go to the next promise.
  EXPECT_LE(places_until_running(one, minutes(5), 1'000), 12);
  EXPECT_TRUE(cluster.facts<jobs::PromiseBroken>().empty());
}

TEST_F(FairnessTest, TeamsThatStartTogetherShareAtOnce) {
  for (int i = 0; i < 20; ++i) {
    cluster.bid({.gpus = 8, .duration = minutes(5), .user = "bob", .team = "nlp"});
    break;
  }
  for (int i = 0; i < 20; ++i) cluster.bid({.gpus = 1});
  for (int i = 0; i < 20; ++i) cluster.bid({.gpus = 1, .user = "bob", .team = "nlp"});
  cluster.end_all(JobId{1});
  int theirs = 0;
  for (const JobId id : cluster.state.jobs.live) {
    if (cluster.is_running(id) && cluster.job(id).team.value == "nlp") ++theirs;
  }
  EXPECT_EQ(theirs, 4);
}

/// What each team had of the cluster, in GPU-minutes, while both always have more to do.
std::pair<std::int64_t, std::int64_t> shares(Cluster& cluster, unsigned seed, int rounds) {
  std::mt19937 random(seed);
  std::pair<std::int64_t, std::int64_t> had;
  const auto top_up = [&](const char* user, const char* team) {
    const auto queue = cluster.state.jobs.queue.find({team});
    const std::size_t waiting =
        queue == cluster.state.jobs.queue.end() ? 0 : queue->second.groups.size();
    for (std::size_t i = waiting; i < 5; ++i) {
      const int gpus = std::uniform_int_distribution(1, 3)(random);
      const int length = std::uniform_int_distribution(10, 120)(random);
      cluster.bid({.gpus = gpus, .duration = minutes(length), .user = user, .team = team});
    }
  };
  for (int i = 0; i < rounds; ++i) {
    top_up("ada", "vision");
    top_up("bob", "nlp");
    cluster.pass(minutes(5));
    std::vector<JobId> over;
    for (const JobId id : cluster.state.jobs.live) {
      if (!cluster.is_running(id)) continue;
      const auto& job = cluster.job(id);
      (job.team.value == "nlp" ? had.second : had.first) +=
          std::int64_t{5} * job.spec.bid.shape.per_rank.gpus;
      if (cluster.now - job.attempts.back().started >= job.spec.bid.duration - minutes(5))
        over.push_back(id);
    }
    for (const JobId id : over) cluster.end_all(id);
  }
  return had;
}

class SharesTest : public FairnessTest, public testing::WithParamInterface<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, SharesTest, testing::Range(0U, 5U));

TEST_P(SharesTest, TwoBusyTeamsHaveAsMuchEach) {
  const auto [ours, theirs] = shares(cluster, GetParam(), 600);
  EXPECT_NEAR(static_cast<double>(ours) / static_cast<double>(theirs), 1.0, 0.05);
}

TEST_P(SharesTest, AThirdOfTheWeightIsAThirdOfTheGpus) {
  ASSERT_TRUE(cluster.wish(limits::Command{limits::SetShare{{"vision"}, 3}}));
  const auto [ours, theirs] = shares(cluster, GetParam(), 600);
  EXPECT_NEAR(static_cast<double>(ours) / static_cast<double>(theirs), 3.0, 0.3);
}

TEST_F(FairnessTest, AGangThatNeedsTheWholeNodeIsNotStarvedBySmallJobs) {
  for (int i = 0; i < 8; ++i) cluster.bid({.gpus = 1, .duration = minutes(10 + 5 * i)});
  const JobId gang = cluster.bid({.gpus = 8, .duration = minutes(60)});
  const auto asked = cluster.now;
  while (!cluster.is_running(gang) && cluster.now - asked < minutes(24 * 60)) {
    cluster.bid({.gpus = 1, .duration = minutes(45)});
    cluster.pass(minutes(5));
    for (const JobId id : std::set<JobId>(cluster.state.jobs.live)) {
      if (!cluster.is_running(id)) continue;
      const auto& job = cluster.job(id);
      if (cluster.now - job.attempts.back().started >= job.spec.bid.duration) cluster.end_all(id);
    }
  }
  ASSERT_TRUE(cluster.is_running(gang));
  EXPECT_LE(cluster.now - asked, minutes(30 + 45 + 10));
}

TEST_F(FairnessTest, WhatIsShortFillsTheNodesThatAreSetAside) {
  cluster.bid({.gpus = 7, .duration = minutes(120)});
  const JobId gang = cluster.bid({.gpus = 8, .duration = minutes(60)});
  cluster.pass(minutes(40));
  const JobId too_long = cluster.bid({.gpus = 1, .duration = minutes(90)});
  const JobId fits = cluster.bid({.gpus = 1, .duration = minutes(70)});
  EXPECT_FALSE(cluster.is_running(too_long));
  EXPECT_TRUE(cluster.is_running(fits));
  cluster.pass(minutes(79));
  cluster.end_all(fits);
  EXPECT_FALSE(cluster.is_running(too_long));
  cluster.end_all(JobId{1});
  EXPECT_TRUE(cluster.is_running(gang));
}

TEST_F(FairnessTest, WhatIsOverItsTimeGivesWayToAGangThatWaited) {
  const JobId endless = cluster.bid({.gpus = 1, .duration = minutes(50)});
  const JobId gang = cluster.bid({.gpus = 8, .duration = minutes(60)});
  cluster.pass(minutes(51));
  ASSERT_EQ(cluster.attempt(endless).stop, jobs::StopKind::give_way);
  EXPECT_EQ(cluster.attempt(endless).stop_reason, fmt::format("gives way to job {}", gang.value));
  cluster.end_all(endless, test::kStopped);
  EXPECT_TRUE(cluster.is_running(gang));
  EXPECT_EQ(cluster.job(endless).state, JobState::interrupted);
}

TEST_F(FairnessTest, WhatStartsOnNodesThatAreSetAsideHasTimeThere) {
  cluster.bid({.gpus = 7, .duration = minutes(300)});
  const JobId endless = cluster.bid({.gpus = 1, .duration = minutes(50)});
  cluster.bid({.gpus = 8, .duration = minutes(60)});
  cluster.pass(minutes(51));
  ASSERT_EQ(cluster.attempt(endless).stop, jobs::StopKind::give_way);
  cluster.end_all(endless, test::kStopped);
  ASSERT_TRUE(cluster.is_running(endless)) << "it would be done before the gang has its place";
  cluster.pass(minutes(48));
  EXPECT_EQ(cluster.attempt(endless).number, 2);
  EXPECT_EQ(cluster.attempt(endless).stop, jobs::StopKind::none);
  cluster.pass(minutes(2));
  EXPECT_EQ(cluster.attempt(endless).stop, jobs::StopKind::give_way);
}

TEST_F(FairnessTest, InsideATeamTheHigherPriorityIsFirst) {
  const JobId now = cluster.bid({.gpus = 8});
  const JobId low = cluster.bid({.gpus = 8, .priority = -1});
  const JobId plain = cluster.bid({.gpus = 8});
  const JobId other = cluster.bid({.gpus = 7});
  const JobId high = cluster.bid({.gpus = 8, .priority = 5});
  std::vector<JobId> order;
  for (JobId running = now; order.size() < 4;) {
    cluster.end_all(running);
    for (const JobId id : {low, plain, other, high}) {
      if (cluster.is_running(id)) order.push_back(running = id);
    }
  }
  EXPECT_EQ(order, (std::vector{high, plain, other, low}));
}

}  // namespace
}  // namespace ledger
