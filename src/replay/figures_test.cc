#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "replay/gzip.h"
#include "replay/report.h"

namespace replay {
namespace {

// Figures that are known of public traces: seed 1, load 1.3, deadlines a, slots of 600 s. The
// traces are looked for below $BERTH_TRACES.
struct Known {
  std::string name;
  std::string file;
  Format format;
  Values values;
  std::int32_t gpus;
  double first_fit;
  double bound;
};

std::optional<Trace> trace_of(const Known& known) {
  const char* folder = std::getenv("BERTH_TRACES");
  if (folder == nullptr) return std::nullopt;
  std::ifstream file(std::string(folder) + "/" + known.file, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  auto text = unpacked(bytes);
  EXPECT_TRUE(text);
  auto trace = parse(known.format, *text);
  EXPECT_TRUE(trace) << trace.error().message;
  return *std::move(trace);
}

class FiguresTest : public testing::TestWithParam<Known> {};

TEST_P(FiguresTest, AreMetAgain) {
  const Known& known = GetParam();
  const auto trace = trace_of(known);
  if (!trace) GTEST_SKIP() << "no " << known.file << " below $BERTH_TRACES";
  const auto workload = draw(*trace, {.values = known.values});
  ASSERT_TRUE(workload);
  EXPECT_EQ(workload->gpus, known.gpus);
  const Outcome outcome =
      play(*workload, {workload->gpus, 600, {}}, policies_of("first-fit")->front());
  EXPECT_NEAR(outcome.value / workload->requested_value, known.first_fit, 0.0005);
  const double bound = bound_of(*workload) / workload->requested_value;
  EXPECT_LE(bound, known.bound);
  EXPECT_GE(bound, known.bound * 0.98) << "an optimum cannot be that low";
}

INSTANTIATE_TEST_SUITE_P(
    Traces, FiguresTest,
    testing::Values(
        Known{"philly_i", "philly/philly.csv.gz", Format::philly, Values::i, 272, .564, .596},
        Known{"philly_iii", "philly/philly.csv.gz", Format::philly, Values::iii, 272, .551, .854},
        Known{"itp02_i", "itp/cluster02.raw.csv.gz", Format::itp, Values::i, 66, .563, .653},
        Known{"itp02_iii", "itp/cluster02.raw.csv.gz", Format::itp, Values::iii, 66, .586, .834}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace replay
