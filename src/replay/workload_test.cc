#include "replay/workload.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "replay/generator.h"

namespace replay {
namespace {

Trace some_trace() { return generate({.seed = 3, .jobs = 4'000}); }

double window_factor(const Job& job) {
  return static_cast<double>(job.bid.deadline - job.bid.arrival) / job.needed;
}

TEST(WorkloadTest, TheSameSeedDrawsTheSame) {
  const Trace trace = some_trace();
  const auto first = draw(trace, {.values = Values::iii, .seed = 5});
  const auto again = draw(trace, {.values = Values::iii, .seed = 5});
  const auto other = draw(trace, {.values = Values::iii, .seed = 6});
  EXPECT_EQ(first->requested_value, again->requested_value);
  EXPECT_NE(first->requested_value, other->requested_value);
}

TEST(WorkloadTest, LoadIsWorkByCapacity) {
  for (const double load : {0.5, 1.3}) {
    const auto made = draw(some_trace(), {.load = load});
    EXPECT_NEAR(made->load, load, 0.05);
    const auto counted = draw(some_trace(), {.gpus = made->gpus});
    EXPECT_DOUBLE_EQ(counted->load, made->load);
  }
}

TEST(WorkloadTest, WindowsAreAsLongAsTheirFamilySays) {
  const Trace trace = some_trace();
  std::map<Deadlines, double> longest;
  for (const Deadlines family : {Deadlines::a, Deadlines::b, Deadlines::c}) {
    for (const Job& job : draw(trace, {.deadlines = family})->jobs) {
      ASSERT_GE(window_factor(job), 1);
      longest[family] = std::max(longest[family], window_factor(job));
    }
  }
  EXPECT_NEAR(longest[Deadlines::a], 2, 0.02);
  EXPECT_NEAR(longest[Deadlines::b], 10, 1e-9);
  EXPECT_NEAR(longest[Deadlines::c], 3.4, 1e-9);
}

TEST(WorkloadTest, RatesAreThoseOfTheirFamily) {
  const Trace trace = some_trace();
  const auto rates = [&](Values values) {
    std::map<std::int64_t, int> counts;
    for (const Job& job : draw(trace, {.values = values})->jobs)
      ++counts[std::llround(job.bid.rate() * 6)];
    return counts;
  };
  EXPECT_EQ(rates(Values::i).size(), 1U);
  const auto two = rates(Values::ii);
  EXPECT_NEAR(two.at(1), 400, 40) << "a tenth, without those too wide";
  EXPECT_NEAR(two.at(10), 3'600, 40);
  const auto four = rates(Values::iii);
  ASSERT_EQ(four.size(), 4U);
  for (const auto& [rate, count] : four) EXPECT_NEAR(count, 1'000, 120) << rate;
}

TEST(WorkloadTest, AGroupHasOneRate) {
  const Trace trace = some_trace();
  const auto made = draw(trace, {.values = Values::iv, .gpus = 1'000});
  std::map<std::string, std::set<std::int64_t>> rates;
  for (std::size_t i = 0; i < trace.jobs.size(); ++i)
    rates[trace.jobs[i].group].insert(std::llround(made->jobs[i].bid.rate() * 6));
  EXPECT_GT(rates.size(), 5U);
  for (const auto& [group, all] : rates) EXPECT_EQ(all.size(), 1U) << group;
}

TEST(WorkloadTest, OwnersErrOnlyWhereThatIsAskedFor) {
  const Trace trace = some_trace();
  int longer = 0;
  int shorter = 0;
  const auto exact = draw(trace, {.seed = 2});
  const auto guessed = draw(trace, {.estimate_error = EstimateError::survey, .seed = 2});
  for (std::size_t i = 0; i < exact->jobs.size(); ++i) {
    const Job& job = guessed->jobs[i];
    EXPECT_EQ(exact->jobs[i].bid.length, exact->jobs[i].needed);
    EXPECT_EQ(job.needed, exact->jobs[i].needed);
    EXPECT_EQ(job.bid.deadline, exact->jobs[i].bid.deadline);
    EXPECT_LE(job.bid.length, job.bid.deadline - job.bid.arrival);
    longer += job.bid.length > job.needed ? 1 : 0;
    shorter += job.bid.length < job.needed ? 1 : 0;
  }
  EXPECT_GT(longer, 500);
  EXPECT_GT(shorter, 100);
}

TEST(WorkloadTest, TakesWhatTheTraceGives) {
  const Trace trace{{{600, 1'200, 2, "a", 3'000, 7.0}, {1'800, 10, 1, "a", 2'000, 1.0}}, 0};
  const auto made =
      draw(trace, {.deadlines = Deadlines::given, .values = Values::given, .gpus = 2});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->jobs[0].bid.arrival, 0);
  EXPECT_EQ(made->jobs[0].bid.length, 2);
  EXPECT_EQ(made->jobs[0].bid.deadline, 4);
  EXPECT_DOUBLE_EQ(made->requested_value, 8);
}

TEST(WorkloadTest, SaysWhatCannotBeHad) {
  const Trace bare{{{0, 10, 4, "", {}, {}}, {600, 10, 4, "", {}, {}}}, 0};
  EXPECT_EQ(draw(bare, {.deadlines = Deadlines::given}).error().field, "deadlines");
  EXPECT_EQ(draw(bare, {.values = Values::given}).error().field, "values");
  EXPECT_EQ(draw(bare, {.load = 0}).error().field, "load");
  EXPECT_EQ(draw(bare, {.load = 1e-12}).error().message,
            "it takes 133333333333 GPUs, more than 10000000");
  EXPECT_EQ(draw(bare, {.gpus = 2}).error().message, "every job asks for more GPUs than there are");
  EXPECT_EQ(draw(Trace{}, {}).error().field, "trace");
  EXPECT_EQ(deadlines_of("d").error().message, "no deadlines \"d\"; there are a, b, c, given");
  EXPECT_EQ(*values_of("iv"), Values::iv);
  EXPECT_EQ(*estimate_error_of("survey"), EstimateError::survey);
}

}  // namespace
}  // namespace replay
