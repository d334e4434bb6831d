#include "replay/report.h"

#include <gtest/gtest.h>

#include "replay/generator.h"

namespace replay {
namespace {

Report some_report() {
  Report report;
  report.workload = *draw(generate({.seed = 5, .jobs = 800}), {.values = Values::iii, .gpus = 24});
  report.bound = bound_of(report.workload);
  for (const NamedPolicy& policy : policies())
    report.outcomes.push_back(play(report.workload, {report.workload.gpus, 600, {}}, policy));
  return report;
}

TEST(ReportTest, NoPolicyEarnsMoreThanTheBound) {
  const Report report = some_report();
  EXPECT_LT(*report.bound, report.workload.requested_value);
  for (const Outcome& outcome : report.outcomes)
    EXPECT_LE(outcome.value, *report.bound) << outcome.policy;
}

TEST(ReportTest, SharesAreOfWhatWasAskedAndOfTheBound) {
  Report report = some_report();
  const Summary summary = summary_of(report);
  EXPECT_EQ(summary.jobs, std::ssize(report.workload.jobs));
  const PolicySummary& first = summary.policies.front();
  EXPECT_EQ(first.name, "era");
  EXPECT_GT(first.value_share, 0);
  EXPECT_NEAR(first.value_share / *first.bound_share, *summary.bound_share_of_requested, 1e-9);
  EXPECT_EQ(first.accepted, first.on_time + first.late);
  report.bound.reset();
  EXPECT_FALSE(summary_of(report).bound_share_of_requested);
  EXPECT_FALSE(summary_of(report).policies.front().bound_share);
}

TEST(ReportTest, DrawsEveryPlotWithItsUnits) {
  const auto files = plots(some_report());
  ASSERT_TRUE(files.contains("utilisation.svg"));
  ASSERT_TRUE(files.contains("value.svg"));
  ASSERT_TRUE(files.contains("accepted-by-size.svg"));
  ASSERT_TRUE(files.contains("price-exponential-price.svg"));
  for (const auto& [name, text] : files) {
    EXPECT_TRUE(text.starts_with("<svg ")) << name;
    EXPECT_TRUE(text.ends_with("</svg>\n")) << name;
    EXPECT_EQ(text.find("nan"), std::string::npos) << name;
    EXPECT_NE(text.find(name.starts_with("price") ? "credits a GPU-hour" : "% of the"),
              std::string::npos)
        << name;
  }
}

}  // namespace
}  // namespace replay
