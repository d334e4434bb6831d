#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "ledger/jobs/dependencies.h"
#include "ledger/test_world.h"

// Jobs that start only after others: what each end of a parent means for its children.
namespace ledger {
namespace {

using domain::Dependency;
using domain::JobClass;
using domain::JobId;
using domain::JobState;
using domain::When;
using test::Ask;
using test::Cluster;
using test::kFailed;
using test::kStopped;
using test::kSuccess;
using test::minutes;
using test::seconds;

class DependenciesTest : public testing::Test {
 protected:
  DependenciesTest() { cluster.add_node("n1", 4); }

  JobState state(JobId id) const { return cluster.job(id).state; }
  /// A flex job of one GPU that waits for `after`.
  JobId flex(std::vector<Dependency> after, std::int32_t gpus = 1) {
    return cluster.bid({.gpus = gpus, .max_retries = 0, .after = std::move(after)});
  }
  /// A reserved job of an hour on all GPUs.
  JobId reserved(domain::Duration deadline, std::vector<Dependency> after = {}) {
    return cluster.bid({.job_class = JobClass::reserved,
                        .gpus = 4,
                        .deadline = deadline,
                        .max_retries = 0,
                        .after = std::move(after)});
  }
  base::Error error(const Ask& ask) {
    const auto spec = Cluster::spec(ask, cluster.now);
    const auto done = cluster.on_jobs(jobs::MakeBid{{"ada"}, {"vision"}, spec, std::nullopt});
    return done ? base::Error{} : done.error();
  }
  void finish(JobId id, test::End how = kSuccess) {
    cluster.run(id);
    cluster.end_all(id, how);
  }

  Cluster cluster;
};

TEST_F(DependenciesTest, EachEndOfAParentMeetsWhatItShould) {
  using enum JobState;
  for (const JobState end : {refused, succeeded, failed, cancelled, expired, lost}) {
    EXPECT_EQ(jobs::meets(When::success, end), end == succeeded);
    EXPECT_TRUE(jobs::meets(When::any, end));
    EXPECT_EQ(jobs::meets(When::failure, end), end == failed || end == expired || end == lost);
  }
  EXPECT_FALSE(jobs::meets(When::any, running));
}

TEST_F(DependenciesTest, AFlexJobWaitsForTheSuccessOfItsParentThoughThereIsRoom) {
  const auto parent = flex({});
  const auto child = flex({{parent}});
  EXPECT_TRUE(cluster.is_running(parent));
  cluster.pass(minutes(10));
  EXPECT_EQ(state(child), JobState::queued);
  EXPECT_EQ(cluster.job(child).cause, "waits for job 1");
  finish(parent);
  EXPECT_TRUE(cluster.is_running(child));
  EXPECT_TRUE(cluster.job(child).waits_for.empty());
  EXPECT_EQ(cluster.job(child).spec.after.size(), 1U);
}

TEST_F(DependenciesTest, AFailureStartsWhoWaitsForItAndEndsWhoWaitsForSuccess) {
  const auto parent = flex({});
  const auto before = cluster.balance();
  const auto good = flex({{parent, {}, When::success}});
  const auto bad = flex({{parent, {}, When::failure}});
  const auto any = flex({{parent, {}, When::any}});
  finish(parent, kFailed);
  EXPECT_EQ(state(good), JobState::cancelled);
  EXPECT_EQ(cluster.job(good).cause, "job 1 is failed, and it was to start after its success");
  EXPECT_EQ(cluster.held(good), domain::Money{});
  EXPECT_EQ(cluster.job(good).paid, domain::Money{});
  EXPECT_TRUE(cluster.is_running(bad));
  EXPECT_TRUE(cluster.is_running(any));
  EXPECT_LT(cluster.balance(), before);
}

TEST_F(DependenciesTest, ACancelledParentMeetsAnyEndAlone) {
  const auto parent = flex({}, 4);
  const auto good = flex({{parent, {}, When::success}});
  const auto bad = flex({{parent, {}, When::failure}});
  const auto any = flex({{parent, {}, When::any}});
  ASSERT_TRUE(cluster.on_jobs(jobs::CancelJob{parent, "enough"}));
  EXPECT_EQ(state(any), JobState::queued) << "the parent still stops";
  cluster.end(parent, kStopped);
  EXPECT_EQ(state(good), JobState::cancelled);
  EXPECT_EQ(state(bad), JobState::cancelled);
  EXPECT_TRUE(cluster.is_running(any));
}

TEST_F(DependenciesTest, AllParentsMustHaveCome) {
  const auto first = flex({});
  const auto second = flex({});
  const auto child = flex({{first}, {second, {}, When::any}});
  finish(second, kFailed);
  EXPECT_EQ(state(child), JobState::queued);
  finish(first);
  EXPECT_TRUE(cluster.is_running(child));
}

TEST_F(DependenciesTest, WhatCannotComeEndsAWholeDag) {
  const auto root = flex({}, 4);
  const auto left = flex({{root}});
  const auto right = flex({{root}});
  const auto join = flex({{left}, {right}});
  const auto last = flex({{join}});
  const auto sweep = flex({{last, {}, When::any}});
  const auto stands_apart = flex({});
  finish(root, kFailed);
  for (const auto id : {left, right, join, last}) EXPECT_EQ(state(id), JobState::cancelled);
  EXPECT_EQ(cluster.job(last).cause, "job 4 is cancelled, and it was to start after its success");
  EXPECT_TRUE(cluster.is_running(sweep));
  EXPECT_TRUE(cluster.is_running(stands_apart));
  EXPECT_EQ(accounts::sum(cluster.state.accounts), domain::Money{});
}

TEST_F(DependenciesTest, ADagOfThreeLevelsRunsLevelByLevel) {
  const auto root = flex({});
  const auto left = flex({{root}});
  const auto right = flex({{root}});
  const auto join = flex({{left}, {right}});
  finish(root);
  EXPECT_TRUE(cluster.is_running(left));
  EXPECT_TRUE(cluster.is_running(right));
  finish(left);
  EXPECT_EQ(state(join), JobState::queued);
  finish(right);
  EXPECT_TRUE(cluster.is_running(join));
}

TEST_F(DependenciesTest, WhatIsSettledAlreadyIsNotWaitedFor) {
  const auto parent = flex({});
  finish(parent);
  EXPECT_TRUE(cluster.is_running(flex({{parent}})));
  EXPECT_TRUE(cluster.is_running(reserved(minutes(200), {{parent, {}, When::any}})) ||
              state(JobId{3}) == JobState::reserved);
}

TEST_F(DependenciesTest, BadDependenciesAreNamedByFieldAndChangeNothing) {
  const auto parent = flex({});
  finish(parent, kFailed);
  const auto size = cluster.log.size();
  EXPECT_EQ(error({.after = {{JobId{99}}}}).field, "after[0].job");
  EXPECT_EQ(error({.after = {{JobId{99}}}}).message, "there is no job 99");
  EXPECT_EQ(error({.after = {{parent, {}, When::any}, {parent}}}).field, "after[1].when");
  EXPECT_EQ(error({.after = {{parent}}}).message,
            "job 1 is failed, so its success cannot come any more");
  EXPECT_EQ(error({.after = {{}}}).field, "after[0].job");
  EXPECT_EQ(error({.after = {{parent, "train"}}}).field, "after[0].job");
  EXPECT_EQ(error({.after = {{{}, "nobody"}}}).field, "after[0].name");
  EXPECT_EQ(error({.job_class = JobClass::eager, .after = {{parent, {}, When::any}}}).field,
            "after");
  EXPECT_EQ(error({.after = std::vector<Dependency>(1'001, {parent, {}, When::any})}).field,
            "after");
  EXPECT_EQ(cluster.log.size(), size);
}

TEST_F(DependenciesTest, ANameMeansEveryJobOfTheNewestSubmission) {
  auto named = [](const std::string& name) {
    auto spec = Cluster::spec({}, domain::Time{1'800'000'000'000});
    spec.name = name;
    return jobs::MakeBid{{"ada"}, {"vision"}, spec, std::nullopt};
  };
  ASSERT_TRUE(cluster.on_jobs(named("prep"), "old#0"));
  ASSERT_TRUE(cluster.on_jobs(named("prep"), "new#0"));
  ASSERT_TRUE(cluster.on_jobs(named("other"), "new#1"));
  ASSERT_TRUE(cluster.on_jobs(named("prep"), "new#2"));
  const auto child = flex({{{}, "prep", When::any}});
  const std::vector<Dependency> expected{{JobId{2}, {}, When::any}, {JobId{4}, {}, When::any}};
  EXPECT_EQ(cluster.job(child).spec.after, expected);
}

TEST_F(DependenciesTest, AReservedChildIsPromisedAPlaceAfterItsParent) {
  const auto parent = reserved(minutes(300));
  const auto child = reserved(minutes(300), {{parent}});
  ASSERT_TRUE(cluster.is_running(parent));
  ASSERT_EQ(state(child), JobState::reserved);
  EXPECT_GE(cluster.job(child).booking->start, cluster.job(parent).booking->finish);
  cluster.run(parent);
  cluster.pass(minutes(20));
  cluster.end(parent);
  EXPECT_TRUE(cluster.is_running(child)) << "it may start as soon as its parent has ended";
}

TEST_F(DependenciesTest, AReservedChildDoesNotStartWhileItsParentRunsElsewhere) {
  cluster.add_node("n2", 4);
  const auto parent = reserved(minutes(300));
  const auto child = reserved(minutes(600), {{parent}});
  cluster.run(parent);
  cluster.pass(minutes(59));
  EXPECT_EQ(state(child), JobState::reserved);
}

TEST_F(DependenciesTest, AFlexParentHasNoPromisedEnd) {
  const auto parent = flex({});
  const auto child = reserved(minutes(300), {{parent}});
  ASSERT_EQ(state(child), JobState::refused);
  EXPECT_EQ(cluster.job(child).refusal->reason, era::RefusalReason::no_promised_end);
  EXPECT_EQ(cluster.job(child).refusal->blocking, std::vector<JobId>{parent});
  finish(parent);
  EXPECT_NE(state(reserved(minutes(300), {{parent}})), JobState::refused);
}

TEST_F(DependenciesTest, AParentIsOnlyMovedToEndEarlier) {
  const auto blocker = reserved(minutes(60));
  const auto parent = reserved(minutes(600));
  const auto free_to_move = cluster.job(parent).booking->deadline;
  const auto child = reserved(minutes(600), {{parent}});
  const auto& booking = *cluster.job(parent).booking;
  EXPECT_EQ(free_to_move, cluster.job(parent).deadline);
  EXPECT_EQ(booking.deadline, booking.finish);
  EXPECT_EQ(cluster.job(child).booking->earliest, booking.finish);
  EXPECT_EQ(cluster.state.plan.find(parent)->deadline, booking.finish);
  ASSERT_TRUE(cluster.on_jobs(jobs::CancelJob{child, "enough"}));
  EXPECT_EQ(cluster.job(parent).booking->deadline, free_to_move);
  EXPECT_TRUE(cluster.is_running(blocker));
}

TEST_F(DependenciesTest, AParentOverItsTimeIsExtendedThroughThePlaceOfItsChild) {
  const auto parent = reserved(minutes(60));
  const auto child = reserved(minutes(400), {{parent}});
  cluster.run(parent);
  cluster.pass(minutes(61));
  EXPECT_EQ(cluster.attempt(parent).stop, jobs::StopKind::none);
  const auto finish_of_parent = cluster.job(parent).booking->finish;
  EXPECT_GT(finish_of_parent, cluster.now);
  ASSERT_TRUE(cluster.job(child).booking.has_value());
  EXPECT_GE(cluster.job(child).booking->start, finish_of_parent);
  cluster.end(parent);
  EXPECT_TRUE(cluster.is_running(child));
}

TEST_F(DependenciesTest, AParentPlacedAgainPushesItsChildBack) {
  cluster.add_node("n2", 4);
  const auto parent = reserved(minutes(300));
  const auto child = reserved(minutes(300), {{parent}});
  const auto start = cluster.job(child).booking->start;
  cluster.run(parent);
  cluster.pass(minutes(30));
  cluster.lose_node(cluster.attempt(parent).ranks[0].node.value);
  ASSERT_TRUE(cluster.is_running(parent));
  ASSERT_TRUE(cluster.job(child).booking.has_value());
  EXPECT_GT(cluster.job(child).booking->start, start);
  EXPECT_GE(cluster.job(child).booking->start, cluster.job(parent).booking->finish);
}

TEST_F(DependenciesTest, AChildThatIsTooLateForItsPromiseIsRefundedWithoutPenaltyForAnOverrun) {
  const auto parent = reserved(minutes(60));
  const auto before = cluster.balance();
  const auto child = reserved(minutes(130), {{parent}});
  cluster.run(parent);
  cluster.pass(minutes(69));
  EXPECT_FALSE(domain::is_final(state(child)));
  cluster.pass(minutes(3));
  EXPECT_EQ(state(child), JobState::lost);
  EXPECT_TRUE(cluster.job(child).promise_broken);
  EXPECT_EQ(cluster.job(child).cause, "job 1 ended too late for its promise");
  EXPECT_EQ(cluster.job(child).paid, domain::Money{});
  const auto extended = cluster.job(parent).price - domain::Money{6'050'000};
  EXPECT_EQ(cluster.balance() + extended, before) << "no penalty for what its own team did";
}

TEST_F(DependenciesTest, AChildThatHardwareMadeTooLateGetsThePenalty) {
  cluster.add_node("n2", 4);
  const auto parent = reserved(minutes(200));
  const auto child = reserved(minutes(125), {{parent}});
  const auto price = cluster.job(child).price;
  const auto before = cluster.balance();
  cluster.run(parent);
  cluster.pass(minutes(30));
  cluster.lose_node(cluster.attempt(parent).ranks[0].node.value);
  cluster.run(parent);
  cluster.pass(minutes(37));
  ASSERT_EQ(state(child), JobState::lost);
  EXPECT_EQ(cluster.balance(), before + price + domain::Money{price.micros / 10});
}

TEST_F(DependenciesTest, AChildThatMayPauseIsTooLateAsAnyOther) {
  cluster.add_node("n2", 4);
  const auto parent = reserved(minutes(200));
  const auto child = cluster.bid({.job_class = JobClass::reserved,
                                  .gpus = 4,
                                  .deadline = minutes(125),
                                  .restart = minutes(2),
                                  .after = {{parent}}});
  cluster.run(parent);
  cluster.pass(minutes(30));
  cluster.lose_node(cluster.attempt(parent).ranks[0].node.value);
  cluster.run(parent);
  cluster.pass(minutes(37));
  EXPECT_EQ(state(child), JobState::lost);
}

TEST_F(DependenciesTest, AFirmChildWhoseParentIsLateIsBrokenAtItsStart) {
  const auto parent = reserved(minutes(60));
  cluster.add_node("n2", 4);
  const auto child = cluster.bid({.job_class = JobClass::reserved,
                                  .gpus = 4,
                                  .earliest = minutes(60),
                                  .deadline = minutes(400),
                                  .firm = true,
                                  .after = {{parent}}});
  cluster.run(parent);
  const auto start = cluster.job(child).promised_start;
  cluster.pass(start - cluster.now - seconds(1));
  EXPECT_EQ(state(child), JobState::reserved);
  cluster.pass(minutes(1));
  EXPECT_EQ(state(child), JobState::lost);
}

TEST_F(DependenciesTest, AChildOfAParentThatWentOnAsFlexWaitsAsLongAsItsPromiseAllows) {
  const auto parent = reserved(minutes(60));
  const auto blocker = cluster.bid({.job_class = JobClass::reserved,
                                    .gpus = 4,
                                    .duration = minutes(30),
                                    .earliest = minutes(60),
                                    .deadline = minutes(90),
                                    .firm = true});
  const auto child = reserved(minutes(300), {{parent}});
  cluster.run(parent);
  cluster.pass(minutes(60));
  cluster.end(parent, kStopped);
  ASSERT_EQ(cluster.job(parent).job_class, JobClass::flex);
  cluster.pass(minutes(1));
  finish(blocker);
  cluster.pass(minutes(30));
  ASSERT_TRUE(cluster.is_running(parent)) << "its child has given up the place";
  cluster.run(parent);
  cluster.pass(minutes(60));
  EXPECT_EQ(state(child), JobState::reserved);
  if (cluster.job(child).booking) EXPECT_GT(cluster.job(child).booking->start, cluster.now);
  cluster.end(parent);
  EXPECT_TRUE(cluster.is_running(child));
}

TEST_F(DependenciesTest, ARebuiltStateWaitsAsTheLivedOne) {
  const auto parent = reserved(minutes(300));
  const auto child = reserved(minutes(300), {{parent}});
  const auto waiting = flex({{child}});
  auto read = decode_state(encode(cluster.state));
  ASSERT_TRUE(read);
  EXPECT_EQ(hash(*read), hash(cluster.state));
  EXPECT_EQ(read->jobs.children, cluster.state.jobs.children);
  EXPECT_EQ(read->jobs.queue.size(), cluster.state.jobs.queue.size());
  EXPECT_EQ(*read->plan.find(parent), *cluster.state.plan.find(parent));
  EXPECT_TRUE(read->jobs.children.at(child).contains(waiting));
}

/// Random DAGs of flex and reserved jobs whose ends, losses and cancellations come at random.
class RandomDag {
 public:
  explicit RandomDag(std::uint64_t seed) : random_(seed) {
    cluster_.add_node("n1", 4);
    cluster_.add_node("n2", 4);
  }

  void live() {
    for (int step = 0; step < 60; ++step) {
      if (step < 30) bid();
      act();
      cluster_.pass(minutes(draw(20)));
      check();
    }
    for (int step = 0; step < 400 && !cluster_.state.jobs.live.empty(); ++step) {
      for (const JobId id : running()) end(id, kSuccess);
      cluster_.pass(minutes(10));
      check();
    }
    EXPECT_TRUE(cluster_.state.jobs.live.empty()) << "every job ends";
    EXPECT_TRUE(cluster_.state.jobs.children.empty());
  }

 private:
  int draw(int most) { return static_cast<int>(random_() % static_cast<std::uint64_t>(most)); }

  void bid() {
    Ask ask{.gpus = 1 + draw(4), .duration = minutes(5 + draw(60)), .max_retries = draw(2)};
    if (draw(2) == 0) {
      ask.job_class = JobClass::reserved;
      ask.deadline = ask.duration + minutes(30 + draw(900));
      ask.firm = draw(8) == 0;
    }
    const auto known = cluster_.state.jobs.next_job - 1;
    for (int i = draw(4); i > 0 && known > 0; --i) {
      const auto when = static_cast<When>(draw(3));
      ask.after.push_back({JobId{1 + draw(static_cast<int>(known))}, {}, when});
    }
    // Some ask for what cannot come any more, which is an error.
    (void)cluster_.on_jobs(
        jobs::MakeBid{{"ada"}, {"vision"}, Cluster::spec(ask, cluster_.now), std::nullopt});
  }

  std::vector<JobId> running() const {
    std::vector<JobId> ids;
    for (const JobId id : cluster_.state.jobs.live) {
      if (jobs::live_attempt(cluster_.job(id)) != nullptr) ids.push_back(id);
    }
    return ids;
  }

  void end(JobId id, test::End how) {
    if (jobs::live_attempt(cluster_.job(id)) == nullptr) return;
    cluster_.run(id);
    cluster_.end_all(id, how);
  }

  void act() {
    const auto ids = running();
    const auto& live = cluster_.state.jobs.live;
    const int what = draw(10);
    if (what < 3 && !ids.empty())
      end(ids[static_cast<std::size_t>(draw(static_cast<int>(ids.size())))], kSuccess);
    if (what == 3 && !ids.empty()) end(ids.front(), kFailed);
    if (what == 4 && !live.empty()) {
      const auto at = std::next(live.begin(), draw(static_cast<int>(live.size())));
      EXPECT_TRUE(cluster_.on_jobs(jobs::CancelJob{*at, "enough"}));
    }
    if (what == 5) {
      cluster_.lose_node("n2");
      cluster_.pass(minutes(draw(40)));
      cluster_.report_node("n2", 4, "boot-1");
    }
    for (const JobId id : running()) {
      if (cluster_.attempt(id).stop != jobs::StopKind::none) end(id, kStopped);
    }
  }

  void check() const {
    EXPECT_EQ(accounts::sum(cluster_.state.accounts), domain::Money{});
    EXPECT_TRUE(cluster_.state.jobs.unreachable.empty()) << "what cannot come is ended at once";
    for (const auto& [id, job] : cluster_.state.jobs.jobs) check(job);
  }

  void check(const jobs::Job& job) const {
    if (domain::is_final(job.state)) EXPECT_EQ(cluster_.held(job.id), domain::Money{});
    if (job.attempts_made > 0) {
      for (const auto& wish : job.spec.after) {
        const auto& parent = cluster_.job(wish.job);
        EXPECT_TRUE(jobs::meets(wish.when, parent.state)) << job.id.value;
        EXPECT_LE(parent.ended, job.attempts.front().started) << job.id.value;
      }
    }
    for (const auto& wish : job.waits_for) {
      const auto& parent = cluster_.job(wish.job);
      const bool is_in_doubt = domain::is_final(job.state) || !job.booking || !parent.booking;
      if (is_in_doubt || cluster_.state.jobs.late.contains(job.id)) continue;
      EXPECT_GE(job.booking->start, parent.booking->finish) << job.id.value;
    }
    if (job.promise_broken) EXPECT_EQ(job.state, JobState::lost);
  }

  std::mt19937_64 random_;
  Cluster cluster_;
};

TEST(DependenciesProperty, NoChildStartsBeforeItsParentsAndEveryJobEnds) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    RandomDag(seed).live();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace ledger
