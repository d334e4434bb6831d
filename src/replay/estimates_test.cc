#include "replay/estimates.h"

#include <gtest/gtest.h>

#include "replay/generator.h"

namespace replay {
namespace {

Job job_of(std::int32_t stated, std::int32_t needed) {
  Job job;
  job.bid.length = stated;
  job.bid.value = 2;
  job.needed = needed;
  return job;
}

TEST(EstimatesTest, GroupByHowFarTheOwnerIsOff) {
  Workload workload;
  workload.jobs = {job_of(9, 10), job_of(10, 10), job_of(15, 10), job_of(20, 10), job_of(21, 10)};
  Outcome outcome;
  outcome.fates.resize(5);
  outcome.fates[0] = {Fate::Kind::late, 0, 9, 3};
  outcome.fates[2] = {Fate::Kind::on_time, 0, 10, 5};
  const auto groups = by_estimate(workload, outcome);
  ASSERT_EQ(groups.size(), 5U);
  for (const EstimateGroup& group : groups) EXPECT_EQ(group.bids, 1) << group.stated;
  EXPECT_EQ(groups[0].late, 1);
  EXPECT_EQ(groups[0].paid, 3);
  EXPECT_EQ(groups[0].value, 0);
  EXPECT_EQ(groups[2].on_time, 1);
  EXPECT_EQ(groups[2].value, 2);
  EXPECT_EQ(groups[1].accepted, 0);
}

TEST(EstimatesTest, AreNotToldWhereEveryOwnerKnows) {
  Workload workload;
  workload.jobs = {job_of(10, 10)};
  Outcome outcome;
  outcome.fates.resize(1);
  EXPECT_TRUE(by_estimate(workload, outcome).empty());
}

TEST(EstimatesTest, BalanceWithWhatThePolicyTookAndGotDone) {
  const auto workload =
      *draw(generate({.seed = 6, .jobs = 2'000}),
            {.values = Values::iii, .estimate_error = EstimateError::survey, .gpus = 8});
  for (const NamedPolicy& policy : policies()) {
    SCOPED_TRACE(policy.name);
    const Outcome outcome = play(workload, {workload.gpus, 600, {}}, policy);
    EstimateGroup sum;
    for (const EstimateGroup& group : by_estimate(workload, outcome)) {
      sum.bids += group.bids;
      sum.accepted += group.accepted;
      sum.on_time += group.on_time;
      sum.late += group.late;
      sum.value += group.value;
      sum.paid += group.paid;
      sum.requested_value += group.requested_value;
    }
    EXPECT_EQ(sum.bids, std::ssize(workload.jobs));
    EXPECT_EQ(sum.accepted, outcome.accepted);
    EXPECT_EQ(sum.on_time, outcome.on_time);
    EXPECT_EQ(sum.late, outcome.late);
    EXPECT_NEAR(sum.value, outcome.value, 1e-6 * workload.requested_value);
    EXPECT_NEAR(sum.paid, outcome.revenue, 1e-6 * workload.requested_value);
    EXPECT_NEAR(sum.requested_value, workload.requested_value, 1e-6 * workload.requested_value);
    for (std::size_t i = 0; i < workload.jobs.size(); ++i) {
      const double value = workload.jobs[i].bid.value;
      ASSERT_LE(outcome.fates[i].price, value * (1 + 1e-6) + 1e-6) << policy.name << ' ' << i;
    }
  }
}

}  // namespace
}  // namespace replay
