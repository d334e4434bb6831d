// What teams and users may have at most, and what they may borrow.
#include <gtest/gtest.h>

#include <random>

#include "ledger/test_world.h"

namespace ledger {
namespace {

using domain::JobClass;
using domain::JobId;
using domain::JobState;
using domain::Quota;
using test::Ask;
using test::Cluster;
using test::minutes;

class QuotaTest : public ::testing::Test {
 protected:
  QuotaTest() {
    cluster.add_node("n1", 8);
    cluster.add_team("nlp", "bob");
    CHECK(cluster.wish(accounts::Command{accounts::Grant{{"vision"}, domain::credits(1'000'000)}}),
          "means");
  }
  void set(Quota quota) {
    CHECK(cluster.wish(limits::Command{limits::SetQuota{std::move(quota)}}), "a quota");
  }
  std::optional<domain::QuotaReached> over(JobId id) {
    const auto& job = cluster.job(id);
    if (job.state != JobState::refused || !job.refusal) return std::nullopt;
    EXPECT_EQ(job.refusal->reason, era::RefusalReason::limit_reached);
    return job.refusal->quota;
  }
  Cluster cluster;
};

TEST_F(QuotaTest, WhatFitsLaterInItsWindowIsPromisedLater) {
  set({.team = {"vision"}, .gpus = 2});
  const Ask ask{.job_class = JobClass::reserved, .gpus = 2, .deadline = minutes(180)};
  const JobId first = cluster.bid(ask);
  const JobId second = cluster.bid(ask);
  EXPECT_TRUE(cluster.is_running(first));
  ASSERT_EQ(cluster.job(second).state, JobState::reserved);
  EXPECT_GE(cluster.job(second).booking->start, cluster.job(first).booking->finish);
}

TEST_F(QuotaTest, AnElasticJobIsAsWideAsItsQuotaLeavesRoomFor) {
  set({.team = {"vision"}, .gpus = 3});
  const JobId first =
      cluster.bid({.job_class = JobClass::reserved, .gpus = 1, .duration = minutes(60)});
  ASSERT_NE(cluster.job(first).state, JobState::refused);
  Ask ask{.job_class = JobClass::reserved,
          .ranks = 4,
          .gpus = 1,
          .duration = minutes(60),
          .deadline = minutes(200),
          .restart = minutes(1),
          .widths = {{1, 1'000}, {2, 1'900}, {3, 2'700}, {4, 3'400}}};
  const JobId id = cluster.bid(ask);
  ASSERT_NE(cluster.job(id).state, JobState::refused) << "204 minutes on one rank";
  const auto& booking = *cluster.job(id).booking;
  EXPECT_LE(era::end_of(booking), cluster.job(id).deadline);
  const auto one_more_before = cluster.job(first).booking->finish;
  const auto width_is_kept = [&](const auto& piece) {
    const std::size_t most = piece.start < one_more_before ? 2 : 3;
    return piece.nodes.size() <= most;
  };
  EXPECT_TRUE(width_is_kept(booking));
  EXPECT_TRUE(std::ranges::all_of(booking.later, width_is_kept));

  ask.deadline = minutes(70);
  const auto reached = over(cluster.bid(ask));
  ASSERT_TRUE(reached) << "only four ranks would do it";
  EXPECT_EQ(reached->quota.gpus, 3);
}

TEST_F(QuotaTest, AnElasticJobCountsAsWideAsItIs) {
  set({.team = {"vision"}, .gpus = 3});
  const JobId narrow = cluster.bid({.job_class = JobClass::reserved,
                                    .ranks = 4,
                                    .gpus = 1,
                                    .duration = minutes(60),
                                    .deadline = minutes(230),
                                    .restart = minutes(1),
                                    .widths = {{1, 1'000}, {2, 1'900}, {3, 2'700}, {4, 3'400}}});
  ASSERT_TRUE(cluster.is_running(narrow));
  ASSERT_EQ(cluster.job(narrow).booking->nodes.size(), 1U);
  EXPECT_TRUE(cluster.is_running(
      cluster.bid({.job_class = JobClass::eager, .gpus = 2, .duration = minutes(60)})));
  EXPECT_TRUE(over(cluster.bid({.job_class = JobClass::eager, .gpus = 1})));
}

TEST_F(QuotaTest, WhatFitsNowhereInItsWindowIsRefusedByName) {
  set({.team = {"vision"}, .gpus = 4});
  const JobId first =
      cluster.bid({.job_class = JobClass::reserved, .gpus = 3, .duration = minutes(120)});
  const auto reached =
      over(cluster.bid({.job_class = JobClass::reserved, .gpus = 2, .deadline = minutes(90)}));
  ASSERT_TRUE(reached);
  EXPECT_EQ(reached->quota.team.value, "vision");
  EXPECT_EQ(reached->used, 3);
  EXPECT_EQ(reached->room_from, cluster.job(first).booking->finish);
  EXPECT_NE(cluster
                .job(cluster.bid({.job_class = JobClass::reserved,
                                  .gpus = 2,
                                  .deadline = minutes(90),
                                  .user = "bob",
                                  .team = "nlp"}))
                .state,
            JobState::refused);
}

TEST_F(QuotaTest, AUsersQuotaAndOneOfAModelBindToo) {
  set({.user = {"ada"}, .gpus = 2});
  EXPECT_TRUE(over(cluster.bid({.job_class = JobClass::eager, .gpus = 3})));
  EXPECT_FALSE(over(cluster.bid({.job_class = JobClass::eager, .gpus = 3, .user = "carl"})));
  set({.team = {"nlp"}, .gpu_model = "A100", .gpus = 1});
  EXPECT_TRUE(
      over(cluster.bid({.job_class = JobClass::eager, .gpus = 2, .user = "bob", .team = "nlp"})));
}

TEST_F(QuotaTest, AFlexJobWaitsForItsQuotaAndOneThatIsTooLargeIsRefused) {
  set({.team = {"vision"}, .gpus = 4});
  EXPECT_TRUE(over(cluster.bid({.gpus = 5})));
  const JobId first = cluster.bid({.gpus = 3});
  const JobId second = cluster.bid({.gpus = 2});
  const JobId other = cluster.bid({.gpus = 5, .user = "bob", .team = "nlp"});
  EXPECT_TRUE(cluster.is_running(first));
  EXPECT_EQ(cluster.job(second).state, JobState::queued);
  EXPECT_TRUE(cluster.is_running(other));
  cluster.end_all(first);
  EXPECT_TRUE(cluster.is_running(second));
}

TEST_F(QuotaTest, OwnFlexGivesWayToAnOwnPromise) {
  set({.team = {"vision"}, .gpus = 4});
  const JobId flex = cluster.bid({.gpus = 4, .duration = minutes(600)});
  const JobId promised = cluster.bid({.job_class = JobClass::reserved,
                                      .gpus = 2,
                                      .duration = minutes(10),
                                      .earliest = minutes(60),
                                      .deadline = minutes(75)});
  cluster.pass(minutes(60));
  ASSERT_EQ(cluster.attempt(flex).stop, jobs::StopKind::give_way);
  EXPECT_FALSE(cluster.is_running(promised));
  cluster.end_all(flex, test::kStopped);
  EXPECT_TRUE(cluster.is_running(promised));
}

TEST_F(QuotaTest, AboveASoftQuotaOnlyFlexRunsAndItIsGivenBack) {
  set({.team = {"vision"}, .gpus = 4, .soft = true});
  EXPECT_TRUE(over(cluster.bid({.job_class = JobClass::eager, .gpus = 5})));
  std::vector<JobId> lent;
  for (int i = 0; i < 8; ++i) {
    cluster.pass(minutes(1));
    lent.push_back(cluster.bid({.gpus = 1}));
  }
  for (const JobId id : lent) EXPECT_TRUE(cluster.is_running(id));
  const JobId theirs = cluster.bid({.gpus = 3, .user = "bob", .team = "nlp"});
  for (const JobId id : lent) {
    const bool asked = cluster.attempt(id).stop == jobs::StopKind::give_way;
    EXPECT_EQ(asked, id.value > lent[3].value) << id.value;
  }
  for (const JobId id : lent) {
    if (cluster.attempt(id).stop == jobs::StopKind::give_way) cluster.end_all(id, test::kStopped);
  }
  EXPECT_TRUE(cluster.is_running(theirs));
  const JobId more = cluster.bid({.gpus = 4, .user = "bob", .team = "nlp"});
  EXPECT_FALSE(cluster.is_running(more));  // What is inside their quota stays.
  EXPECT_TRUE(cluster.is_running(lent[3]));
}

TEST_F(QuotaTest, APlaceInTheQueueIsExchangedAmongOnesOwn) {
  cluster.bid({.gpus = 8});
  const JobId a = cluster.bid({.gpus = 8});
  const JobId colleague = cluster.bid({.gpus = 8, .user = "carl"});
  const JobId b = cluster.bid({.gpus = 8});
  const JobId c = cluster.bid({.gpus = 8, .priority = -5});
  const auto queue = [&] {
    std::vector<JobId> order;
    for (const auto& place : cluster.state.jobs.queue.at({"vision"}).groups.begin()->second)
      order.push_back(place.job);
    return order;
  };
  const auto move = [&](jobs::MoveInQueue wish) {
    return cluster.on_jobs(jobs::Command{std::move(wish)});
  };
  using enum jobs::QueueSpot;
  EXPECT_EQ(queue(), (std::vector{a, colleague, b, c}));
  ASSERT_TRUE(move({c, top, {}, domain::UserId{"ada"}}));
  EXPECT_EQ(queue(), (std::vector{c, colleague, a, b}));
  ASSERT_TRUE(move({c, after, a, domain::UserId{"ada"}}));
  EXPECT_EQ(queue(), (std::vector{a, colleague, c, b}));
  ASSERT_TRUE(move({b, before, colleague, std::nullopt}));
  EXPECT_EQ(queue(), (std::vector{a, b, colleague, c}));
  ASSERT_TRUE(move({a, bottom, {}, std::nullopt}));
  EXPECT_EQ(queue(), (std::vector{b, colleague, c, a}));
  ASSERT_TRUE(move({b, before, a, std::nullopt}));
  EXPECT_EQ(queue(), (std::vector{colleague, c, b, a}));
  EXPECT_FALSE(move({a, before, colleague, domain::UserId{"ada"}}));
  EXPECT_FALSE(move({JobId{1}, top, {}, std::nullopt}));
}

/// A day of bids by two teams, whose jobs end early, in time or late, or are cancelled.
class RandomDay {
 public:
  RandomDay(Cluster& cluster, unsigned seed) : cluster_(cluster), random_(seed) {}

  void live(int steps, const std::function<void()>& check) {
    for (int i = 0; i < steps; ++i) {
      act();
      check();
      cluster_.pass(minutes(pick(1, 12)));
      check();
      stop_what_was_asked();
      check();
    }
  }

 private:
  int pick(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }

  void act() {
    std::vector<JobId> running;
    for (const JobId id : cluster_.state.jobs.live) {
      if (cluster_.is_running(id)) running.push_back(id);
    }
    const int what = pick(0, 9);
    if (what < 5 || running.empty()) return bid();
    const JobId id =
        running[static_cast<std::size_t>(pick(0, static_cast<int>(running.size()) - 1))];
    if (what < 8) return cluster_.end_all(id);
    if (what == 8) {
      CHECK(cluster_.on_jobs(jobs::Command{jobs::CancelJob{id, "changed my mind"}}), "cancel");
      return;
    }
    (void)cluster_.on_jobs(jobs::Command{jobs::ExtendJob{id, minutes(pick(5, 60)), std::nullopt}});
  }

  void bid() {
    const bool ours = pick(0, 1) == 0;
    Ask ask{.job_class = static_cast<JobClass>(pick(0, 2)),
            .gpus = pick(1, 5),
            .duration = minutes(pick(5, 180)),
            .user = ours ? (pick(0, 1) == 0 ? "ada" : "carl") : "bob",
            .team = ours ? "vision" : "nlp",
            .priority = pick(-2, 2)};
    if (ask.job_class == JobClass::reserved) {
      ask.earliest = minutes(pick(0, 120));
      ask.deadline = ask.earliest + ask.duration + minutes(pick(1, 600));
    }
    cluster_.bid(ask);
  }

  void stop_what_was_asked() {
    for (const JobId id : std::set<JobId>(cluster_.state.jobs.live)) {
      const auto* attempt = jobs::live_attempt(cluster_.job(id));
      if (attempt != nullptr && attempt->stop != jobs::StopKind::none)
        cluster_.end_all(id, test::kStopped);
    }
  }

  Cluster& cluster_;
  std::mt19937 random_;
};

/// GPUs that `quota` counts at `at`, by the facts alone: what is promised then, and what is held
/// now.
std::int32_t counted(const State& state, const Quota& quota, domain::Time at, bool is_now,
                     bool with_flex) {
  std::int32_t promised = 0;
  std::int32_t held = 0;
  for (const auto& [id, job] : state.jobs.jobs) {
    const bool is_of = quota.user.value.empty() ? job.team == quota.team : job.user == quota.user;
    if (!is_of) continue;
    const std::int32_t gpus = job.spec.bid.shape.per_rank.gpus * job.spec.bid.shape.ranks;
    if (job.booking && job.booking->start <= at && at < job.booking->finish) promised += gpus;
    if (is_now && jobs::live_attempt(job) != nullptr && (with_flex || job.booking)) held += gpus;
  }
  return std::max(promised, held);
}

void expect_kept(const State& state, domain::Time now) {
  for (const Quota& quota : state.limits.quotas) {
    EXPECT_LE(counted(state, quota, now, true, !quota.soft), quota.gpus)
        << quota.team.value << quota.user.value;
    for (const auto& [id, job] : state.jobs.jobs) {
      if (!job.booking || job.booking->start < now) continue;
      EXPECT_LE(counted(state, quota, job.booking->start, false, false), quota.gpus)
          << "when job " << id.value << " is to start";
    }
  }
}

class QuotaWorlds : public QuotaTest, public testing::WithParamInterface<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, QuotaWorlds, testing::Range(0U, 25U));

TEST_P(QuotaWorlds, NoQuotaIsExceededNoPromiseBrokenNoCreditLost) {
  set({.team = {"vision"}, .gpus = 6});
  set({.user = {"ada"}, .gpu_model = "a100", .gpus = 4});
  set({.team = {"nlp"}, .gpus = 4, .soft = true});
  RandomDay day(cluster, GetParam());
  day.live(250, [&] {
    expect_kept(cluster.state, cluster.now);
    ASSERT_EQ(accounts::sum(cluster.state.accounts), domain::Money{});
  });
  EXPECT_TRUE(cluster.facts<jobs::PromiseBroken>().empty());
  EXPECT_GT(cluster.facts<jobs::AttemptStarted>().size(), 40U);
  State folded;
  for (const Fact& fact : cluster.log) apply(folded, fact);
  EXPECT_EQ(hash(folded), hash(cluster.state));
}

class UnpricedWorlds : public QuotaTest, public testing::WithParamInterface<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, UnpricedWorlds, testing::Range(0U, 10U));

TEST_P(UnpricedWorlds, NothingCostsAnythingAndLimitsHold) {
  auto prices = cluster.state.accounts.prices;
  prices.pricing = era::Pricing::off;
  ASSERT_TRUE(cluster.wish(accounts::Command{accounts::SetPrices{prices}}));
  set({.team = {"vision"}, .gpus = 6});
  cluster.add_team("poor", "dan");
  const auto balance = cluster.balance();
  const auto moves = cluster.facts<accounts::MoneyMoved>().size();
  RandomDay day(cluster, GetParam());
  day.live(250, [&] { expect_kept(cluster.state, cluster.now); });
  EXPECT_EQ(cluster.balance(), balance);
  EXPECT_EQ(cluster.facts<accounts::MoneyMoved>().size(), moves);
  EXPECT_TRUE(cluster.facts<demand::ForecastMade>().empty());
  EXPECT_TRUE(cluster.facts<jobs::PromiseBroken>().empty());
  EXPECT_GT(cluster.facts<jobs::AttemptStarted>().size(), 40U);
}

TEST_F(QuotaTest, WithoutPricesTheFirstToComeHasTheEarliestPlace) {
  auto prices = cluster.state.accounts.prices;
  prices.pricing = era::Pricing::off;
  ASSERT_TRUE(cluster.wish(accounts::Command{accounts::SetPrices{prices}}));
  const Ask ask{.job_class = JobClass::reserved, .gpus = 8, .deadline = minutes(600)};
  domain::Time before;
  for (int i = 0; i < 5; ++i) {
    const auto& job = cluster.job(cluster.bid(ask));
    ASSERT_TRUE(job.booking);
    EXPECT_GT(job.booking->start, before);
    EXPECT_EQ(job.price, domain::Money{});
    before = job.booking->start;
  }
}

TEST_F(QuotaTest, WhatWasHeldWhenPricingIsTurnedOffIsRefunded) {
  const auto before = cluster.balance();
  const JobId job = cluster.bid({.job_class = JobClass::eager, .gpus = 2});
  EXPECT_LT(cluster.balance(), before);
  auto prices = cluster.state.accounts.prices;
  prices.pricing = era::Pricing::off;
  ASSERT_TRUE(cluster.wish(accounts::Command{accounts::SetPrices{prices}}));
  cluster.pass(minutes(30));
  cluster.end_all(job);
  EXPECT_EQ(cluster.balance(), before);
}

}  // namespace
}  // namespace ledger
