#include "report/measured.h"

#include <gtest/gtest.h>

namespace report {
namespace {

using domain::Time;

constexpr Time minute(std::int64_t n) { return {1'800'000'000'000 + n * 60'000}; }
constexpr std::int64_t kMinute_ms = 60'000;

void at(Runs& runs, Time when, ledger::Event event) { runs.take({when, {}, {}, std::move(event)}); }

ledger::jobs::AttemptStarted start(domain::JobId job, const std::vector<std::string>& nodes) {
  ledger::jobs::AttemptStarted fact{.job = job, .attempt = 2};
  for (const auto& node : nodes) fact.ranks.push_back({.node = {node}});
  return fact;
}

TEST(RunsTest, AreCutToThePeriod) {
  Runs runs({minute(0), minute(60)}, 2);
  at(runs, minute(-30), start({1}, {"n1"}));
  at(runs, minute(-20), ledger::jobs::RankEnded{{1}, 2, 0});
  at(runs, minute(-10), start({2}, {"n1", "n2"}));
  at(runs, minute(20), ledger::jobs::RankEnded{{2}, 2, 1});
  const auto all = runs.list();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].node.value, "n2");
  EXPECT_EQ(all[0].rank, 1);
  EXPECT_EQ(all[0].attempt, 2);
  EXPECT_EQ(all[0].period.from, minute(0));
  EXPECT_EQ(all[0].period.to, minute(20));
  EXPECT_EQ(all[1].period.to, minute(60)) << "it still runs";
  at(runs, minute(30), start({3}, {"n1"}));
  at(runs, minute(31), ledger::jobs::RankEnded{{3}, 2, 0});
  at(runs, minute(32), start({4}, {"n1"}));
  at(runs, minute(33), ledger::jobs::RankEnded{{4}, 2, 0});
  ASSERT_EQ(runs.list().size(), 2U);
  EXPECT_EQ(runs.list()[0].job.value, 3) << "the newest are kept";
}

TEST(MeasuredTest, CountsWhatProgramsUsedOfTheirMachines) {
  const Period hour{minute(0), minute(60)};
  Measured measured;
  // Two cores, one GPU and half of another, and 1 GiB; before the period nothing counts.
  std::vector<RankSample> samples;
  for (std::int64_t i = -2; i <= 30; ++i) {
    samples.push_back({minute(i), (i + 2) * 2 * kMinute_ms, std::int64_t{1} << 30, 1'500});
  }
  samples.push_back({minute(50), 0, 0, 2'000});  // 20 minutes of which nothing is known.
  measured.add({{1}, 1, 0, {"n1"}, hour}, samples);
  measured.add({{2}, 1, 0, {"n2"}, hour}, {});
  std::vector<Machine> machines(2);
  machines[0] = {{"n1"}, {"a100"}, domain::kHour, {.gpu_hours = 4, .core_hours = 8}, {}, 0.9};
  machines[1] = {{"n2"}, {"a100"}, domain::kHour, {.gpu_hours = 4, .core_hours = 8}, {}, 0.9};
  const MeasuredReport all = measured.report(machines, {.cpu = 0.5, .gpu = 0.5, .memory = 0});
  ASSERT_EQ(all.machines.size(), 2U);
  EXPECT_NEAR(all.machines[0].used.core_hours, 1, 1e-9);
  EXPECT_NEAR(all.machines[0].used.gpu_hours, 0.75, 1e-9);
  EXPECT_NEAR(all.machines[0].used.memory_gib_hours, 0.5, 1e-9);
  EXPECT_NEAR(all.machines[0].utilisation, (1 / 8.0 + 0.75 / 4) / 2, 1e-9);
  EXPECT_EQ(all.machines[1].utilisation, 0);
  EXPECT_NEAR(all.utilisation, (1 / 8.0 + 0.75 / 4) / 4, 1e-9);
  EXPECT_NEAR(all.rank_hours, 2, 1e-9);
  EXPECT_NEAR(all.measured_hours, 0.5, 1e-9);
}

}  // namespace
}  // namespace report
