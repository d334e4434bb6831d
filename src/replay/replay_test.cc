#include "replay/replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "replay/generator.h"

namespace replay {
namespace {

NamedPolicy policy_of(std::string_view name) { return policies_of(name)->front(); }

Workload few_jobs(std::vector<Bid> bids, std::int32_t gpus) {
  Workload made;
  made.gpus = gpus;
  for (Bid& bid : bids) {
    bid.job = static_cast<std::int32_t>(made.jobs.size());
    made.jobs.push_back({bid, bid.length});
    made.slots = std::max(made.slots, bid.arrival + 1);
    made.requested_value += bid.value;
  }
  return made;
}

Outcome played(const Workload& workload, std::string_view policy) {
  return play(workload, {workload.gpus, workload.slot_s, {}}, policy_of(policy));
}

std::int32_t start_of(const Outcome& outcome, std::size_t job) {
  return outcome.fates[job].started;
}

Bid bid(std::int32_t arrival, std::int32_t deadline, std::int32_t length, std::int32_t gpus,
        double value = 1) {
  return {0, arrival, deadline, length, gpus, value};
}

/// What the policies are tried on: a busy week of a small cluster.
Workload busy_week(EstimateError estimate_error, std::uint64_t seed) {
  const Trace trace = generate({.seed = seed, .jobs = 3'000});
  return *draw(trace, {.deadlines = Deadlines::a,
                       .values = Values::iii,
                       .estimate_error = estimate_error,
                       .seed = seed,
                       .load = 5});
}

struct Case {
  std::string_view policy;
  EstimateError estimate_error;
};

class EveryPolicyTest : public testing::TestWithParam<Case> {};

TEST_P(EveryPolicyTest, GivesNoMoreThanThereIsAndStartsNothingTooSoon) {
  for (const std::uint64_t seed : {1, 2}) {
    const Workload workload = busy_week(GetParam().estimate_error, seed);
    const Outcome outcome = played(workload, GetParam().policy);
    std::vector<std::int32_t> use(outcome.in_use.size(), 0);
    std::int64_t on_time = 0;
    std::int64_t late = 0;
    for (std::size_t i = 0; i < workload.jobs.size(); ++i) {
      const Job& job = workload.jobs[i];
      const Fate& fate = outcome.fates[i];
      if (fate.kind == Fate::Kind::refused) {
        ASSERT_EQ(fate.started, Fate::kNever) << "job " << i;
        continue;
      }
      ++(fate.kind == Fate::Kind::late ? late : on_time);
      ASSERT_GE(fate.started, job.bid.arrival) << "job " << i;
      ASSERT_LE(fate.finished - fate.started, job.needed) << "job " << i;
      for (std::int32_t slot = fate.started; slot < fate.finished; ++slot)
        use[slot] += job.bid.gpus;
      if (fate.kind == Fate::Kind::late) continue;
      ASSERT_LE(fate.finished, job.bid.deadline) << "job " << i;
      ASSERT_EQ(fate.finished - fate.started, job.needed) << "job " << i;
    }
    EXPECT_EQ(use, outcome.in_use);
    EXPECT_LE(*std::max_element(use.begin(), use.end()), workload.gpus);
    EXPECT_EQ(outcome.on_time, on_time);
    EXPECT_EQ(outcome.late, late);
    EXPECT_EQ(outcome.accepted, on_time + late);
    EXPECT_GT(on_time, 100) << "a policy that accepts next to nothing";
    EXPECT_LE(outcome.utilisation, 1);
  }
}

TEST_P(EveryPolicyTest, DoesTheSameAgain) {
  const Workload workload = busy_week(GetParam().estimate_error, 4);
  const Outcome first = played(workload, GetParam().policy);
  const Outcome second = played(workload, GetParam().policy);
  EXPECT_EQ(first.in_use, second.in_use);
  EXPECT_EQ(first.value, second.value);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const NamedPolicy& policy : policies()) {
    cases.push_back({policy.name, EstimateError::none});
    cases.push_back({policy.name, EstimateError::survey});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicyTest, testing::ValuesIn(all_cases()),
                         [](const auto& test) {
                           std::string name(test.param.policy);
                           std::erase(name, '-');
                           const bool errs = test.param.estimate_error == EstimateError::survey;
                           return name + (errs ? "_survey" : "_exact");
                         });

TEST(PromisesTest, AreKeptWhereOwnersKnowTheirJobs) {
  const Workload workload = busy_week(EstimateError::none, 3);
  for (const auto policy : {"era", "first-fit", "edf", "fixed-price", "exponential-price"}) {
    const Outcome outcome = played(workload, policy);
    EXPECT_EQ(outcome.late, 0) << policy;
    EXPECT_LT(outcome.accepted, std::ssize(workload.jobs)) << "nothing was scarce";
  }
}

/// What `workload` is worth to era, and that it keeps its promises.
double pausing_value(const Workload& workload, bool may_pause) {
  const Outcome outcome = played(workload, "era");
  EXPECT_EQ(outcome.late, 0);
  EXPECT_LE(*std::ranges::max_element(outcome.in_use), workload.gpus);
  int paused = 0;
  for (std::size_t i = 0; i < workload.jobs.size(); ++i) {
    const Fate& fate = outcome.fates[i];
    if (fate.kind == Fate::Kind::refused) continue;
    EXPECT_LE(fate.finished, workload.jobs[i].bid.deadline);
    EXPECT_GE(fate.finished - fate.started, workload.jobs[i].needed);
    if (fate.finished - fate.started > workload.jobs[i].needed) ++paused;
  }
  EXPECT_EQ(paused > 5, may_pause) << paused;
  return outcome.value;
}

TEST(PromisesTest, AreKeptAndMoreIsDoneWhereJobsMayPause) {
  std::map<std::int32_t, double> value;  // By what a restart costs, in seconds; -1: may not pause.
  for (const std::uint64_t seed : {3, 4, 5}) {
    const Trace trace = generate({.seed = seed, .jobs = 3'000});
    for (const std::int32_t restart : {-1, 0, 900}) {
      const Bids bids = restart < 0 ? Bids::rigid : Bids::preemptible;
      const Workload workload = *draw(trace, {.values = Values::iii,
                                              .bids = bids,
                                              .restart_s = std::max(0, restart),
                                              .seed = seed,
                                              .load = 2});
      value[restart] += pausing_value(workload, restart >= 0);
    }
  }
  EXPECT_GT(value[0], value[900]) << "what a restart costs is lost";
  EXPECT_GT(value[900], value[-1]);
}

TEST(PromisesTest, AreKeptAndMoreIsDoneWhereJobsMayChangeTheirWidth) {
  const Trace trace = generate({.seed = 3, .jobs = 1'500});
  std::map<Bids, double> value;
  for (const Bids bids : {Bids::rigid, Bids::preemptible, Bids::elastic}) {
    const Workload workload =
        *draw(trace, {.values = Values::iii, .bids = bids, .restart_s = 900, .seed = 3, .load = 5});
    const Outcome outcome = played(workload, "era");
    EXPECT_EQ(outcome.late, 0);
    EXPECT_LE(*std::ranges::max_element(outcome.in_use), workload.gpus);
    value[bids] = outcome.value;
  }
  EXPECT_GT(value[Bids::elastic], value[Bids::preemptible]);
  const Workload workload = *draw(trace, {.bids = Bids::elastic, .seed = 3});
  EXPECT_EQ(played(workload, "first-fit").late, 0) << "others take an elastic job as it asks";
  for (const Job& job : workload.jobs) EXPECT_GT(domain::speed_on(job.bid.widths, job.bid.gpus), 0);
}

TEST(FirstFitTest, TakesTheEarliestPlaceOrSaysNo) {
  const Workload workload =
      few_jobs({bid(0, 9, 3, 2), bid(0, 9, 2, 1), bid(0, 4, 2, 1), bid(0, 9, 1, 2)}, 2);
  const Outcome outcome = played(workload, "first-fit");
  EXPECT_EQ(start_of(outcome, 0), 0);
  EXPECT_EQ(start_of(outcome, 1), 3);
  EXPECT_EQ(start_of(outcome, 2), Fate::kNever);
  EXPECT_EQ(start_of(outcome, 3), 5);
  EXPECT_DOUBLE_EQ(outcome.value, 3);
}

TEST(BackfillTest, FillsOnlyWhatDelaysNobodyAhead) {
  // The second waits for the first; the third would delay it, the fourth is over in time.
  const Workload workload =
      few_jobs({bid(0, 99, 4, 3), bid(0, 99, 2, 4), bid(0, 99, 5, 1), bid(0, 99, 4, 1)}, 4);
  const Outcome outcome = played(workload, "backfill");
  EXPECT_EQ(start_of(outcome, 1), 4);
  EXPECT_EQ(start_of(outcome, 2), 6);
  EXPECT_EQ(start_of(outcome, 3), 0);
}

TEST(BackfillTest, CountsWhatIsDoneTooLate) {
  const Outcome outcome = played(few_jobs({bid(0, 4, 4, 1), bid(0, 4, 4, 1)}, 1), "backfill");
  EXPECT_EQ(outcome.on_time, 1);
  EXPECT_EQ(outcome.late, 1);
  EXPECT_DOUBLE_EQ(outcome.value, 1);
}

TEST(EarliestDeadlineFirstTest, LetsTheHurriedGoFirst) {
  const Workload workload = few_jobs({bid(0, 9, 4, 1), bid(0, 3, 3, 1), bid(0, 8, 3, 1)}, 1);
  const Outcome outcome = played(workload, "edf");
  EXPECT_EQ(start_of(outcome, 1), 0);
  EXPECT_EQ(start_of(outcome, 0), 3);
  EXPECT_EQ(start_of(outcome, 2), Fate::kNever) << "the first would be late";
}

TEST(GreedyTest, StartsTheBestRateFirst) {
  const Workload workload =
      few_jobs({bid(0, 9, 2, 1, 2), bid(0, 9, 2, 1, 20), bid(0, 3, 2, 1, 1)}, 1);
  const Outcome outcome = played(workload, "greedy");
  EXPECT_EQ(start_of(outcome, 1), 0);
  EXPECT_EQ(start_of(outcome, 0), 2);
  EXPECT_EQ(outcome.fates[2].kind, Fate::Kind::refused);
}

/// Cheap jobs every slot that fill the cluster, dear ones behind them every tenth.
Workload cheap_and_dear() {
  std::vector<Bid> bids;
  for (std::int32_t slot = 0; slot < 1'500; ++slot) {
    bids.push_back(bid(slot, slot + 12, 10, 1, 10));
    if (slot % 10 == 0) bids.push_back(bid(slot, slot + 10, 10, 4, 400));
  }
  return few_jobs(std::move(bids), 8);
}

TEST(FixedPriceTest, LearnsToKeepRoomForThoseWhoPayMore) {
  const Workload workload = cheap_and_dear();
  const Outcome priced = played(workload, "fixed-price");
  EXPECT_GT(priced.value, 1.5 * played(workload, "first-fit").value);
  EXPECT_GT(priced.revenue, 0);
  EXPECT_GT(priced.price.back(), priced.price.front());
}

TEST(ExponentialPriceTest, RisesWithWhatIsTaken) {
  const Workload workload = cheap_and_dear();
  const Outcome priced = played(workload, "exponential-price");
  EXPECT_GT(priced.value, played(workload, "first-fit").value);
  const auto [least, most] = std::minmax_element(priced.price.begin() + 500, priced.price.end());
  EXPECT_LT(*least, *most);
}

TEST(EraTest, KnowsOfNodes) {
  // Two nodes of two: three GPUs are free, but no node has two.
  const Workload workload = few_jobs({bid(0, 3, 3, 1), bid(0, 3, 3, 1), bid(0, 9, 2, 2)}, 4);
  const Cluster cluster{4, 600, {{"n1", 2}, {"n2", 2}}};
  EXPECT_EQ(play(workload, cluster, policy_of("era")).accepted, 3);
  const Workload wide = few_jobs({bid(0, 3, 3, 3)}, 4);
  EXPECT_EQ(play(wide, cluster, policy_of("era")).accepted, 1) << "in three ranks";
}

TEST(PoliciesTest, AreFoundByNameEachOnce) {
  const auto chosen = policies_of("edf,era,edf");
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->size(), 2U);
  EXPECT_EQ(policies_of("lottery").error().message,
            "no policy \"lottery\"; there are era, first-fit, backfill, edf, fixed-price, "
            "exponential-price, greedy");
}

TEST(PlayTest, TellsHowFarItIs) {
  std::int32_t told = 0;
  const Workload workload = busy_week(EstimateError::none, 1);
  play(workload, {workload.gpus, 600, {}}, policy_of("first-fit"),
       [&](std::int32_t slot, std::int32_t slots) {
         EXPECT_LE(slot, slots);
         ++told;
       });
  EXPECT_GT(told, 0);
}

}  // namespace
}  // namespace replay
