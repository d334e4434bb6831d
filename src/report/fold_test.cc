#include "report/fold.h"

#include <gtest/gtest.h>

#include <random>

#include "ledger/test_world.h"

namespace report {
namespace {

using domain::JobClass;
using domain::Time;
using namespace ledger;
using namespace ledger::jobs;

constexpr std::int64_t kDay0 = 1'800'000'000'000;
constexpr Time minute(std::int64_t n) { return {kDay0 + n * 60'000}; }

/// Facts as a test states them; minutes count from the beginning.
class Story {
 public:
  explicit Story(Scope scope) : fold_(std::move(scope)) {}

  template <class Event>
  void at(Time when, Event event) {
    fold_.take({when, {}, {}, ledger::Event(std::move(event))});
  }

  void machine(Time when, const std::string& name, int gpus, std::int64_t cores = 10) {
    domain::Inventory inventory{.cpu_millis = cores * 1'000, .memory_bytes = 0};
    for (int i = 0; i < gpus; ++i) {
      inventory.gpus.push_back({.uuid = name + std::to_string(i), .model = "A100"});
    }
    at(when, nodes::NodeJoined{{name}});
    at(when, nodes::NodeReported{{name}, {"a100"}, gpus > 0 ? "A100" : "", inventory});
    set(when, name, domain::NodeState::ready);
  }
  void set(Time when, const std::string& name, domain::NodeState state) {
    at(when, nodes::NodeStateSet{{name}, state, "", domain::NodeState::ready});
  }

  /// One rank of one core and `gpus` GPUs; promised for an hour from `start` on unless it is flex.
  void bid(Time when, domain::JobId job, JobClass job_class, int gpus = 1, Time earliest = {},
           const std::string& team = "vision") {
    JobAccepted fact{.job = job, .command = {}, .user = {"ada"}, .team = {team}};
    fact.spec.bid.job_class = job_class;
    fact.spec.bid.shape.per_rank = {.gpus = gpus, .cpu_millis = 1'000};
    fact.spec.bid.duration = domain::kHour;
    fact.spec.bid.earliest = earliest;
    if (job_class != JobClass::flex) {
      const Time start = std::max(when, earliest);
      fact.spec.bid.deadline = start + domain::kHour;
      fact.offer = era::Offer{{"a100"}, start, start + domain::kHour, {}, {{"n1"}}, {}, {}};
    }
    at(when, fact);
  }
  void start(Time when, domain::JobId job, const std::vector<std::string>& places,
             int attempt = 1) {
    AttemptStarted fact{.job = job, .attempt = attempt, .pool = {"a100"}};
    for (const auto& node : places) fact.ranks.push_back({.node = {node}});
    at(when, fact);
  }
  void end(Time when, domain::JobId job, domain::ExitCause cause, int ranks = 1, int attempt = 1) {
    for (int rank = 0; rank < ranks; ++rank) at(when, RankEnded{job, attempt, rank, cause});
    at(when, AttemptEnded{job, attempt, cause});
  }
  Report finish() { return fold_.finish(); }

 private:
  Fold fold_;
};

constexpr Period kFirstHour{minute(0), minute(60)};

TEST(FoldTest, EachPhaseOfAStartIsMeasured) {
  Story story({kFirstHour, {}, {}});
  story.machine(minute(0), "n1", 4);
  story.bid(minute(1), {1}, JobClass::flex);
  story.start(minute(4), {1}, {"n1", "n1"});
  story.at(minute(5), RankStarted{{1}, 1, 0});
  story.at(minute(6), RankStarted{{1}, 1, 1});  // Waited 3, started in 2 minutes.
  story.bid(minute(1), {2}, JobClass::reserved, 1, minute(20));
  story.start(minute(21), {2}, {"n1"});
  story.at(minute(25), RankStarted{{2}, 1, 0});  // May start from 20 on: 1 and 4 minutes.
  const Report report = story.finish();
  const ClassReport& all = report.classes.at(0);
  EXPECT_EQ(all.waiting.count, 2);
  EXPECT_EQ(all.waiting.mean_ms, 120'000);
  EXPECT_EQ(all.waiting.max_ms, 180'000);
  EXPECT_EQ(all.starting.mean_ms, 180'000);
  EXPECT_EQ(all.total.mean_ms, 300'000);
  EXPECT_EQ(report.classes.at(1).total, (Spread{1, 300'000, 299'520, 299'520, 300'000}));
  EXPECT_EQ(report.classes.at(2).total, Spread{});
  EXPECT_EQ(report.classes.at(3).waiting.mean_ms, 180'000);
  EXPECT_EQ(all.first_try.made, 2);
  EXPECT_EQ(all.first_try.started, 2);
  EXPECT_EQ(all.second_try.made, 0);
}

TEST(FoldTest, AJobThatComesAfterAnotherWaitsFromItsEndOn) {
  Story story({kFirstHour, {}, {}});
  story.machine(minute(0), "n1", 4);
  story.bid(minute(0), {1}, JobClass::flex);
  JobAccepted child{.job = {2}, .command = {}, .user = {"ada"}, .team = {"vision"}};
  child.spec.bid.shape.per_rank = {.gpus = 1, .cpu_millis = 1'000};
  child.spec.after = {{.job = {1}, .name = "", .when = domain::When::any}};
  story.at(minute(0), child);
  story.at(minute(10), JobEnded{{1}, domain::JobState::cancelled, "by ada"});
  story.start(minute(13), {2}, {"n1"});
  story.at(minute(14), RankStarted{{2}, 1, 0});
  EXPECT_EQ(story.finish().classes.at(0).waiting.max_ms, 180'000);
}

TEST(FoldTest, ASecondTryIsOfJobsWhoseFirstFailed) {
  Story story({kFirstHour, {}, {}});
  story.machine(minute(0), "n1", 8);
  for (std::int64_t job = 1; job <= 4; ++job) {
    story.bid(minute(0), {job}, JobClass::flex);
    story.start(minute(1), {job}, {"n1"});
  }
  story.at(minute(2), RankStarted{{1}, 1, 0});
  story.end(minute(3), {1}, domain::ExitCause::crashed);  // It ran: that is no failed start,
  story.start(minute(4), {1}, {"n1"}, 2);                 // and this is no second try.
  story.at(minute(5), RankStarted{{1}, 2, 0});
  for (std::int64_t job : {2, 3}) {
    story.end(minute(2), {job}, domain::ExitCause::shim_lost);
    story.start(minute(4), {job}, {"n1"}, 2);
  }
  story.at(minute(6), RankStarted{{2}, 2, 0});
  story.end(minute(6), {3}, domain::ExitCause::shim_lost, 1, 2);
  story.at(minute(2), AttemptStopping{{4}, 1, StopKind::cancel, "by ada"});
  story.end(minute(3), {4}, domain::ExitCause::stopped);  // Called off: neither.
  const ClassReport all = story.finish().classes.at(0);
  EXPECT_EQ(all.first_try.made, 3);
  EXPECT_EQ(all.first_try.started, 1);
  EXPECT_EQ(all.second_try.made, 2);
  EXPECT_EQ(all.second_try.started, 1);
  EXPECT_EQ(all.starting.count, 2);
  EXPECT_EQ(all.starting.max_ms, 300'000) << "what the failed try cost is part of it";
}

TEST(FoldTest, ARefusedBidIsNoStart) {
  Story story({kFirstHour, {}, {}});
  BidRefused refused{.job = {1}, .command = {}, .user = {"ada"}, .team = {"vision"}};
  refused.spec.bid.job_class = JobClass::reserved;
  story.at(minute(1), refused);
  const Report report = story.finish();
  EXPECT_EQ(report.classes.at(0).refused, 1);
  EXPECT_EQ(report.classes.at(1).refused, 1);
  EXPECT_EQ(report.classes.at(0).accepted, 0);
  EXPECT_EQ(report.classes.at(0).total.count, 0);
  EXPECT_EQ(report.classes.at(0).first_try.made, 0);
  EXPECT_EQ(report.classes.at(0).ends.ended, 0);
}

TEST(FoldTest, EndsAreCountedWithTheirCauses) {
  Story story({kFirstHour, {}, {}});
  story.machine(minute(0), "n1", 8);
  const auto ended = [&](domain::JobId job, Time when, domain::ExitCause cause,
                         domain::JobState state) {
    story.bid(minute(0), job, JobClass::reserved);
    story.start(minute(0), job, {"n1"});
    story.at(minute(0), RankStarted{job, 1, 0});
    story.end(when, job, cause);
    story.at(when, JobEnded{job, state, ""});
  };
  ended({1}, minute(30), domain::ExitCause::success, domain::JobState::succeeded);
  ended({2}, minute(40), domain::ExitCause::out_of_memory, domain::JobState::failed);
  ended({3}, minute(70), domain::ExitCause::success, domain::JobState::succeeded);  // After it.
  story.bid(minute(0), {4}, JobClass::flex);
  story.at(minute(9), JobEnded{{4}, domain::JobState::cancelled, "by ada"});
  story.bid(minute(0), {5}, JobClass::reserved);
  story.at(minute(9), PromiseBroken{{5}, "n1 is gone"});
  story.at(minute(9), JobEnded{{5}, domain::JobState::lost, "n1 is gone"});
  const Report report = story.finish();
  const Ends& ends = report.classes.at(0).ends;
  EXPECT_EQ(ends.ended, 4);
  EXPECT_EQ(ends.succeeded, 1);
  EXPECT_EQ(ends.failed, 1);
  EXPECT_EQ(ends.cancelled, 1);
  EXPECT_EQ(ends.lost, 1);
  const Promises& promises = report.classes.at(0).promises;
  EXPECT_EQ(promises.on_time, 1);
  EXPECT_EQ(promises.unused, 1);
  EXPECT_EQ(promises.broken, 1);
  EXPECT_EQ(promises.late, 0);
  ASSERT_EQ(report.causes.size(), 3U);
  EXPECT_EQ(report.causes[0].cause, domain::ExitCause::out_of_memory);
  EXPECT_EQ(report.causes[1].cause, std::nullopt);
  EXPECT_EQ(report.causes[1].state, domain::JobState::cancelled);
  EXPECT_DOUBLE_EQ(report.classes.at(0).succeeded_gpu_hours, 0.5);
  EXPECT_NEAR(report.used.gpu_hours, 0.5 + 40 / 60.0 + 1, 1e-12);
}

TEST(FoldTest, WhatIsLateIsNotOnTime) {
  Story story({{minute(0), minute(120)}, {}, {}});
  story.bid(minute(0), {1}, JobClass::reserved);  // Due at 60.
  story.at(minute(61), JobEnded{{1}, domain::JobState::succeeded, ""});
  story.bid(minute(0), {2}, JobClass::reserved);
  story.at(minute(30), JobExtended{{2}, domain::kHour, minute(120), {}, "asked for"});
  story.at(minute(61), JobEnded{{2}, domain::JobState::succeeded, ""});
  const Report report = story.finish();
  EXPECT_EQ(report.classes.at(0).promises.late, 1);
  EXPECT_EQ(report.classes.at(0).promises.on_time, 1);
  EXPECT_NEAR(report.promised.gpu_hours, 1 + 61 / 60.0, 1e-12);
}

TEST(FoldTest, AMachineThatJoinsHalfWayWeighsHalf) {
  Story story({kFirstHour, {}, {}});
  story.machine(minute(-10), "n1", 4);
  story.machine(minute(30), "n2", 4);
  story.bid(minute(-5), {1}, JobClass::flex, 2);
  story.start(minute(-5), {1}, {"n1"});  // 2 of 4 GPUs, 1 of 10 cores, for the whole hour.
  story.bid(minute(45), {2}, JobClass::flex, 4);
  story.start(minute(45), {2}, {"n2"});  // All GPUs and 1 of 10 cores, for half of its time.
  const Report report = story.finish();
  ASSERT_TRUE(report.cluster);
  const auto& machines = report.cluster->machines;
  ASSERT_EQ(machines.size(), 2U);
  EXPECT_EQ(machines[1].present, domain::kMinute * 30);
  // (0.2 x 0.1 + 0.6 x 0.5) / 0.8: there is no memory to share. (0.2 x 0.05 + 0.6 x 0.5) / 0.8.
  EXPECT_NEAR(machines[0].utilisation, 0.4, 1e-12);
  EXPECT_NEAR(machines[1].utilisation, 0.3875, 1e-12);
  EXPECT_NEAR(report.cluster->utilisation, (0.4 * 2 + 0.3875) / 3, 1e-12);
  EXPECT_NEAR(report.cluster->capacity.gpu_hours, 6, 1e-12);
  EXPECT_NEAR(report.used.gpu_hours, 3, 1e-12);
  EXPECT_NEAR(report.cluster->idle.gpu_hours, 3, 1e-12);
}

TEST(FoldTest, AMachineOutOfServiceIsNotIdle) {
  Story story({kFirstHour, {}, {}});
  story.machine(minute(0), "n1", 2, 0);
  story.machine(minute(0), "c1", 0, 4);
  story.bid(minute(0), {1}, JobClass::flex);
  story.start(minute(0), {1}, {"n1"});
  story.set(minute(15), "n1", domain::NodeState::down);
  story.end(minute(30), {1}, domain::ExitCause::node_lost);
  const Report report = story.finish();
  EXPECT_NEAR(report.cluster->capacity.gpu_hours, 0.25 * 2 + 0.25, 1e-12);
  EXPECT_NEAR(report.cluster->idle.gpu_hours, 0.25, 1e-12);
  EXPECT_EQ(report.cluster->machines.at(1).present, domain::kMinute * 30);
  EXPECT_EQ(report.cluster->machines.at(0).utilisation, 0);
}

TEST(FoldTest, WhatIsBookedCountsAsPromisedWhileItIsBooked) {
  Story story({kFirstHour, {}, {}});
  story.bid(minute(0), {1}, JobClass::reserved, 2);  // On [0, 60).
  story.at(minute(10), BookingsMoved{{{{1}, minute(30), minute(90), {"a100"}, {{"n2"}}, {}}}, ""});
  story.bid(minute(20), {2}, JobClass::eager, 1);  // On [20, 80).
  story.at(minute(35), BookingLost{{2}, "n1 is gone"});
  const Report report = story.finish();
  EXPECT_NEAR(report.promised.gpu_hours, 2 * (10 + 30) / 60.0 + 15 / 60.0, 1e-12);
}

TEST(FoldTest, MoneyIsCountedByWhatItWasFor) {
  Story story({kFirstHour, {}, {}});
  story.machine(minute(0), "n1", 2);
  story.bid(minute(0), {1}, JobClass::flex, 2);
  story.start(minute(0), {1}, {"n1"});
  story.end(minute(30), {1}, domain::ExitCause::success);
  const auto hold = accounts::hold_account({1});
  const auto team = accounts::team_account({"vision"});
  const auto house = accounts::house_account();
  const auto move = [&](Time when, const auto& from, const auto& to, std::int64_t amount,
                        std::string why) {
    story.at(when, accounts::MoneyMoved{from, to, domain::credits(amount), std::move(why), {1}});
  };
  move(minute(0), team, hold, 9, "hold");
  move(minute(30), hold, house, 3, "settle");
  move(minute(30), hold, team, 6, "refund");
  move(minute(30), house, team, 1, "penalty");
  move(minute(61), hold, house, 50, "settle");
  story.at(minute(30), JobEnded{{1}, domain::JobState::succeeded, ""});
  const MoneyReport money = story.finish().money;
  EXPECT_EQ(money.revenue, domain::credits(3));
  EXPECT_EQ(money.refunds, domain::credits(6));
  EXPECT_EQ(money.penalties, domain::credits(1));
  EXPECT_EQ(money.granted, domain::Money{});
  EXPECT_EQ(money.per_gpu_hour, domain::credits(3));  // Two GPUs for half an hour.
  EXPECT_EQ(money.per_succeeded_gpu_hour, domain::credits(3));
}

TEST(FoldTest, ATeamSeesItsOwnJobsAndNoMachines) {
  Story story({kFirstHour, {"vision"}, {}});
  story.machine(minute(0), "n1", 8);
  story.bid(minute(0), {1}, JobClass::flex, 1, {}, "vision");
  story.bid(minute(0), {2}, JobClass::flex, 4, {}, "speech");
  for (std::int64_t job : {1, 2}) story.start(minute(0), {job}, {"n1"});
  const auto settle = [&](std::int64_t job, std::int64_t amount) {
    story.at(minute(9), accounts::MoneyMoved{accounts::hold_account({job}),
                                             accounts::house_account(),
                                             domain::credits(amount),
                                             "settle",
                                             {job}});
  };
  settle(1, 2);
  settle(2, 5);
  const Report report = story.finish();
  EXPECT_EQ(report.classes.at(0).accepted, 1);
  EXPECT_NEAR(report.used.gpu_hours, 1, 1e-12);
  EXPECT_EQ(report.money.revenue, domain::credits(2));
  EXPECT_FALSE(report.cluster);
}

/// Days of random bids, ends and losses on a cluster as the ledger decides them.
std::vector<Fact> lived(std::uint64_t seed) {
  ledger::test::Cluster cluster;
  std::mt19937_64 random(seed);
  for (const char* name : {"n1", "n2", "n3"}) cluster.add_node(name, 4);
  for (int step = 0; step < 150; ++step) {
    const auto draw = random() % 12;
    const auto live = cluster.state.jobs.live;
    if (draw < 6) {
      cluster.bid({.job_class = draw % 2 == 0 ? JobClass::flex : JobClass::reserved,
                   .gpus = static_cast<int>(random() % 4) + 1,
                   .duration = ledger::test::minutes(10 + static_cast<int>(random() % 120)),
                   .deadline = domain::kHour * 6});
    } else if (!live.empty()) {
      const domain::JobId id = *std::next(live.begin(), random() % live.size());
      if (!cluster.is_running(id)) continue;
      cluster.run(id);
      if (draw < 10)
        cluster.end_all(id, draw < 9 ? ledger::test::kSuccess : ledger::test::kCrashed);
    }
    if (step == 60) cluster.lose_node("n2");
    if (step == 90) cluster.report_node("n2", 4, "boot-2");
    cluster.pass(ledger::test::minutes(static_cast<int>(random() % 30)));
  }
  return cluster.log;
}

TEST(FoldTest, UsedAndIdleAddUpToCapacity) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto facts = lived(seed);
    const Time first = facts.front().at;
    const Time last = facts.back().at;
    Fold whole({{first, last}, {}, {}});
    Fold early({{first, first + domain::kDay}, {}, {}});
    Fold late({{first + domain::kDay, last}, {}, {}});
    for (const Fact& fact : facts) {
      for (Fold* fold : {&whole, &early, &late}) fold->take(fact);
    }
    const Report report = whole.finish();
    const Report parts[] = {early.finish(), late.finish()};
    const ClusterReport& cluster = *report.cluster;
    EXPECT_GT(report.used.gpu_hours, 0) << seed;
    EXPECT_NEAR(report.used.gpu_hours + cluster.idle.gpu_hours, cluster.capacity.gpu_hours, 1e-6);
    EXPECT_NEAR(report.used.core_hours + cluster.idle.core_hours, cluster.capacity.core_hours,
                1e-6);
    EXPECT_GE(cluster.idle.gpu_hours, 0);
    EXPECT_LE(cluster.utilisation, 1);
    double by_class = 0;
    std::int64_t ended = 0;
    for (std::size_t i = 1; i < report.classes.size(); ++i) {
      by_class += report.classes[i].used.gpu_hours;
      ended += report.classes[i].ends.ended;
    }
    EXPECT_NEAR(by_class, report.used.gpu_hours, 1e-6) << seed;
    EXPECT_EQ(ended, report.classes[0].ends.ended);
    if (last <= first + domain::kDay) continue;
    EXPECT_NEAR(parts[0].used.gpu_hours + parts[1].used.gpu_hours, report.used.gpu_hours, 1e-6);
    EXPECT_NEAR(parts[0].promised.gpu_hours + parts[1].promised.gpu_hours,
                report.promised.gpu_hours, 1e-6);
    EXPECT_EQ(parts[0].classes[0].ends.ended + parts[1].classes[0].ends.ended, ended);
  }
}

TEST(DurationsTest, SmallOnesAreExactAndLargeOnesNearly) {
  Durations durations;
  EXPECT_EQ(durations.spread(), Spread{});
  for (int ms = 1; ms <= 100; ++ms) durations.add({ms});
  EXPECT_EQ(durations.spread(), (Spread{100, 50, 50, 95, 100}));
  durations.add({-5});
  durations.add({10'000'001});
  const Spread spread = durations.spread();
  EXPECT_EQ(spread.max_ms, 10'000'001);
  EXPECT_EQ(spread.mean_ms, (5'050 + 10'000'001) / 102);
}

}  // namespace
}  // namespace report
