#include "ledger/jobs/together.h"

#include <gtest/gtest.h>

#include "ledger/jobs/series.h"
#include "ledger/test_world.h"

// Bids of one submission: lists of jobs, repeated jobs, alternatives of which one is taken.
namespace ledger {
namespace {

using domain::Choose;
using domain::JobClass;
using domain::JobId;
using domain::JobSpec;
using domain::JobState;
using test::Ask;
using test::Cluster;
using test::minutes;

class TogetherTest : public testing::Test {
 protected:
  TogetherTest() { cluster.add_node("n1", 4); }

  JobSpec named(const std::string& name, const Ask& ask) const {
    JobSpec spec = Cluster::spec(ask, cluster.now);
    spec.name = name;
    return spec;
  }
  base::Result<> submit(std::vector<JobSpec> specs, const std::string& id = "dag") {
    return cluster.on_jobs(jobs::MakeBids{{"ada"}, {"vision"}, std::move(specs)}, id);
  }
  JobState state(std::int64_t id) const { return cluster.job(JobId{id}).state; }
  const jobs::Job& job(std::int64_t id) const { return cluster.job(JobId{id}); }
  JobId bid(const JobSpec& spec) {
    const JobId id{cluster.state.jobs.next_job};
    CHECK(cluster.on_jobs(jobs::MakeBid{{"ada"}, {"vision"}, spec}), "well formed");
    return id;
  }

  Cluster cluster;
};

TEST_F(TogetherTest, AListOfJobsIsPromisedAsOne) {
  const auto after = [](const std::string& name) {
    return std::vector<domain::Dependency>{{{}, name, domain::When::success}};
  };
  const Ask promised{.job_class = JobClass::reserved, .gpus = 4, .deadline = minutes(600)};
  JobSpec prep = named("prep", promised);
  JobSpec train = named("train", promised);
  train.after = after("prep");
  JobSpec test = named("test", promised);
  test.after = after("train");
  ASSERT_TRUE(submit({prep, prep, train, test}));
  EXPECT_EQ(job(3).spec.after.size(), 2U) << "both that are called prep";
  EXPECT_GE(job(3).booking->start, job(2).booking->finish);
  EXPECT_GE(job(3).booking->start, job(1).booking->finish);
  EXPECT_GE(job(4).booking->start, job(3).booking->finish);
  const auto size = cluster.log.size();
  EXPECT_TRUE(submit({prep, prep, train, test})) << "again is no error";
  EXPECT_EQ(cluster.log.size(), size) << "and nothing new";
}

TEST_F(TogetherTest, IfOneIsRefusedAllAre) {
  const auto before = cluster.balance();
  const JobSpec good = named("good", {.job_class = JobClass::reserved, .gpus = 4});
  const JobSpec wide = named("wide", {.job_class = JobClass::reserved, .gpus = 5});
  ASSERT_TRUE(submit({good, wide, good}));
  EXPECT_EQ(job(1).refusal->reason, era::RefusalReason::refused_together);
  EXPECT_EQ(job(1).refusal->blocking, std::vector<JobId>{JobId{2}});
  EXPECT_EQ(job(2).refusal->reason, era::RefusalReason::rank_larger_than_node);
  EXPECT_EQ(state(3), JobState::refused);
  EXPECT_EQ(cluster.balance(), before);
  EXPECT_TRUE(cluster.state.plan.bookings().empty());
}

TEST_F(TogetherTest, WhatAllCostMustBeThereForAll) {
  const JobSpec dear =
      named("dear", {.job_class = JobClass::reserved, .gpus = 4, .duration = minutes(60 * 24 * 4)});
  ASSERT_TRUE(submit({dear, dear}));
  EXPECT_EQ(job(2).refusal->reason, era::RefusalReason::insufficient_funds);
  EXPECT_EQ(job(1).refusal->reason, era::RefusalReason::refused_together);
  ASSERT_TRUE(submit({dear}, "one"));
  EXPECT_NE(state(3), JobState::refused);
}

TEST_F(TogetherTest, ABadBidOfAListIsNamedAndChangesNothing) {
  JobSpec lost = named("lost", {});
  lost.after = {{JobId{77}, {}, domain::When::success}};
  const auto size = cluster.log.size();
  const auto done = submit({named("good", {}), lost});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().field, "jobs[1].after[0].job");
  EXPECT_FALSE(submit({}));
  EXPECT_EQ(submit(std::vector<JobSpec>(257, named("many", {}))).error().field, "jobs");
  EXPECT_EQ(cluster.log.size(), size);
}

TEST_F(TogetherTest, ARepeatedJobIsPromisedEveryTimeOrNever) {
  JobSpec nightly = named("nightly", {.job_class = JobClass::reserved,
                                      .gpus = 4,
                                      .earliest = minutes(60),
                                      .deadline = minutes(180)});
  nightly.repeat = {domain::kDay, 5, std::nullopt};
  ASSERT_TRUE(submit({nightly}, "night"));
  for (std::int64_t i = 1; i <= 5; ++i) {
    EXPECT_EQ(job(i).spec.bid.earliest, nightly.bid.earliest + domain::kDay * (i - 1));
    EXPECT_EQ(job(i).deadline, nightly.bid.deadline + domain::kDay * (i - 1));
    EXPECT_FALSE(job(i).spec.repeat.has_value());
    EXPECT_EQ(jobs::series_of(cluster.state.jobs, job(i)), JobId{1});
  }
  ASSERT_TRUE(cluster.on_jobs(jobs::CancelJob{{2}, "no longer"}));
  EXPECT_EQ(state(3), JobState::reserved);
  cluster.pass(minutes(60));
  ASSERT_TRUE(cluster.is_running({1}));
  ASSERT_TRUE(cluster.on_jobs(jobs::CancelJob{{4}, "no longer", true}));
  EXPECT_TRUE(cluster.is_running({1})) << "what has started goes on";
  for (const std::int64_t id : {2, 3, 4, 5}) EXPECT_EQ(state(id), JobState::cancelled);
  EXPECT_EQ(cluster.held({5}), domain::Money{});
}

TEST_F(TogetherTest, OneTimeThatCannotBeHadRefusesAll) {
  bid(named("blocker", {.job_class = JobClass::reserved,
                        .gpus = 4,
                        .earliest = minutes(2 * 24 * 60),
                        .deadline = minutes(2 * 24 * 60 + 60),
                        .firm = true}));
  JobSpec daily = named("daily", {.job_class = JobClass::reserved,
                                  .gpus = 4,
                                  .earliest = minutes(0),
                                  .deadline = minutes(60)});
  daily.repeat = {domain::kDay, 4, std::nullopt};
  ASSERT_TRUE(submit({daily}));
  for (std::int64_t i = 2; i <= 5; ++i) EXPECT_EQ(state(i), JobState::refused);
  EXPECT_EQ(job(4).refusal->reason, era::RefusalReason::no_free_window);
  EXPECT_EQ(job(4).refusal->blocking, std::vector<JobId>{JobId{1}});
}

TEST_F(TogetherTest, RepetitionIsBoundedAndSaidInOneWay) {
  const auto field = [&](domain::Repeat repeat, const Ask& ask = {}) {
    JobSpec spec = named("again", ask);
    spec.repeat = repeat;
    const auto all = jobs::occurrences(spec, cluster.now);
    return all ? std::to_string(all->size()) : all.error().field;
  };
  const auto until = cluster.now + domain::kDay * 3;
  EXPECT_EQ(field({domain::kDay, 100, {}}), "100");
  EXPECT_EQ(field({domain::kDay, 101, {}}), "repeat.times");
  EXPECT_EQ(field({domain::kDay, 0, {}}), "repeat.times");
  EXPECT_EQ(field({domain::kDay, {}, {}}), "repeat.times");
  EXPECT_EQ(field({domain::kDay, 2, until}), "repeat.times");
  EXPECT_EQ(field({domain::kDay, {}, until}), "3");
  EXPECT_EQ(field({domain::kMinute, {}, until}), "repeat.until");
  EXPECT_EQ(field({domain::kDay, {}, cluster.now}), "repeat.until");
  EXPECT_EQ(field({domain::Duration{1}, 2, {}}), "repeat.every");
  EXPECT_EQ(field({domain::kDay, 2, {}}, {.job_class = JobClass::eager}), "repeat");
}

TEST_F(TogetherTest, WithoutADeadlineATimeEndsWhereTheNextBegins) {
  JobSpec spec = named("again", {.job_class = JobClass::reserved});
  spec.repeat = {minutes(120), 2, std::nullopt};
  const auto all = jobs::occurrences(spec, cluster.now);
  ASSERT_TRUE(all);
  EXPECT_EQ((*all)[0].bid.deadline, (*all)[1].bid.earliest);
}

TEST_F(TogetherTest, TheCheapestAlternativeIsTakenAndTheOthersAreRemembered) {
  JobSpec spec = named("train", {.job_class = JobClass::reserved, .gpus = 4});
  domain::Alternative small;
  small.shape = spec.bid.shape;
  small.shape->per_rank.gpus = 2;
  domain::Alternative wide;
  wide.shape = spec.bid.shape;
  wide.shape->per_rank.gpus = 5;
  spec.alternatives = {wide, small};
  const auto id = bid(spec);
  const auto& taken = cluster.job(id);
  ASSERT_TRUE(taken.choice.has_value());
  EXPECT_EQ(taken.choice->taken, 2);
  EXPECT_EQ(taken.spec.bid.shape.per_rank.gpus, 2);
  EXPECT_TRUE(taken.spec.alternatives.empty());
  ASSERT_EQ(taken.choice->options.size(), 3U);
  EXPECT_GT(*taken.choice->options[0].price, taken.price);
  EXPECT_EQ(taken.choice->options[1].refused, era::RefusalReason::rank_larger_than_node);
  EXPECT_EQ(taken.choice->options[2].price, taken.price);
  EXPECT_EQ(cluster.facts<jobs::JobAccepted>().size(), 1U);
  EXPECT_TRUE(cluster.facts<jobs::BidRefused>().empty());
}

TEST_F(TogetherTest, OfAnOrderedListTheFirstThatIsAcceptedIsTaken) {
  JobSpec spec = named("train", {.job_class = JobClass::reserved, .gpus = 5});
  domain::Alternative four;
  four.shape = spec.bid.shape;
  four.shape->per_rank.gpus = 4;
  domain::Alternative flex;
  flex.job_class = JobClass::flex;
  flex.shape = spec.bid.shape;
  flex.shape->per_rank.gpus = 1;
  spec.alternatives = {four, flex};
  spec.choose = Choose::first;
  EXPECT_EQ(cluster.job(bid(spec)).choice->taken, 1);
  spec.choose = Choose::cheapest;
  EXPECT_EQ(cluster.job(bid(spec)).choice->taken, 2);
}

TEST_F(TogetherTest, WhereAllAlternativesAreRefusedTheFirstSaysWhy) {
  JobSpec spec = named("train", {.job_class = JobClass::reserved, .max_price = domain::Money{1}});
  domain::Alternative wide;
  wide.shape = spec.bid.shape;
  wide.shape->per_rank.gpus = 5;
  spec.alternatives = {wide};
  const auto& refused = cluster.job(bid(spec));
  EXPECT_EQ(refused.refusal->reason, era::RefusalReason::too_expensive);
  EXPECT_EQ(refused.choice->taken, -1);
  EXPECT_EQ(refused.choice->options[1].refused, era::RefusalReason::rank_larger_than_node);
  EXPECT_EQ(cluster.facts<jobs::BidRefused>().size(), 1U) << "demand sees one bid";
}

TEST_F(TogetherTest, BadAlternativesAreNamed) {
  JobSpec spec = named("train", {});
  domain::Alternative bad;
  bad.duration = domain::Duration{0};
  spec.alternatives = {{}, bad};
  const auto done = cluster.on_jobs(jobs::MakeBid{{"ada"}, {"vision"}, spec});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().field, "alternatives[1].duration");
  spec.alternatives.assign(9, {});
  EXPECT_EQ(cluster.on_jobs(jobs::MakeBid{{"ada"}, {"vision"}, spec}).error().field,
            "alternatives");
}

}  // namespace
}  // namespace ledger
