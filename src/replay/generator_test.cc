#include "replay/generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

namespace replay {
namespace {

double gpu_seconds(const TraceJob& job) { return static_cast<double>(job.duration_s) * job.gpus; }

TEST(GeneratorTest, LooksLikePhilly) {
  const Trace trace = generate({.seed = 1, .jobs = 82'247});
  std::vector<std::int64_t> durations;
  double all = 0;
  double of_eight = 0;
  std::int64_t single = 0;
  for (const TraceJob& job : trace.jobs) {
    durations.push_back(job.duration_s);
    all += gpu_seconds(job);
    if (job.gpus == 8) of_eight += gpu_seconds(job);
    if (job.gpus == 1) ++single;
  }
  std::sort(durations.begin(), durations.end());
  const auto percentile = [&](double share) {
    return static_cast<double>(durations[static_cast<std::size_t>(share * 82'246)]);
  };
  EXPECT_NEAR(static_cast<double>(single) / 82'247, 0.93, 0.01);
  EXPECT_NEAR(of_eight / all, 0.48, 0.03);
  EXPECT_NEAR(percentile(0.5), 1'144, 115);
  EXPECT_NEAR(percentile(0.99), 254'884, 38'000);
  const double busy = all / static_cast<double>(trace.jobs.back().submit_s);
  EXPECT_NEAR(busy, 374, 56) << "GPUs, if every job ran when it came";
}

TEST(GeneratorTest, ComesInBurstsAndByTheHour) {
  const Trace trace = generate({.seed = 2, .jobs = 82'247});
  std::array<double, 24> by_hour{};
  std::map<std::int64_t, double> hours;
  for (const TraceJob& job : trace.jobs) {
    ++by_hour[static_cast<std::size_t>(job.submit_s / 3600 % 24)];
    ++hours[job.submit_s / 3600];
  }
  EXPECT_GT(by_hour[20], 1.8 * by_hour[4]);
  const std::int64_t last_hour = trace.jobs.back().submit_s / 3600;
  const auto count = static_cast<double>(last_hour + 1);
  const double mean = 82'247 / count;
  double squares = 0;
  for (const auto& [hour, jobs] : hours) squares += jobs * jobs;
  const double dispersion = (squares / count - mean * mean) / mean;
  EXPECT_GT(dispersion, 50) << "1 would be jobs that do not know of each other; Philly has 161";
  EXPECT_LT(dispersion, 300);
}

TEST(GeneratorTest, IsDecidedByItsSeed) {
  const Trace trace = generate({.seed = 9, .jobs = 500});
  EXPECT_EQ(trace.jobs.size(), 500U);
  EXPECT_EQ(trace.jobs, generate({.seed = 9, .jobs = 500}).jobs);
  EXPECT_NE(trace.jobs, generate({.seed = 10, .jobs = 500}).jobs);
  EXPECT_TRUE(
      std::is_sorted(trace.jobs.begin(), trace.jobs.end(),
                     [](const TraceJob& a, const TraceJob& b) { return a.submit_s < b.submit_s; }));
}

}  // namespace
}  // namespace replay
