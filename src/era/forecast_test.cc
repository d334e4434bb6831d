#include "era/forecast.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "era/price_table.h"

namespace era {
namespace {

using domain::credits;
using domain::Duration;
using domain::kHour;
using domain::kMinute;
using domain::Money;

Demand demand(std::int64_t units, Duration duration, Duration window, Money rate) {
  return {units * 1000, duration, {}, window, rate};
}

/// `hours` hours with the same bid once a minute.
Learner learned_from(const Demand& bid, int hours) {
  Learner learner;
  for (int hour = 0; hour < hours; ++hour) {
    for (int minute = 0; minute < 60; ++minute) learner.see(bid);
    learner.pass_hour();
  }
  return learner;
}

const LeadDemand& at_lead(const Forecast& expected, Duration lead) {
  const LeadDemand* last = nullptr;
  for (const LeadDemand& at : expected.leads) {
    if (at.lead <= lead) last = &at;
  }
  return *last;
}

double mean_units(const Forecast& expected, Duration lead, std::size_t rate) {
  return static_cast<double>(at_lead(expected, lead).mean_milli[rate]) / 1000;
}

TEST(Forecast, ExpectsNothingBeforeItHasSeenAnything) {
  const Forecast expected = forecast(Learner{});
  EXPECT_TRUE(expected.rates.empty());
  EXPECT_EQ(expected.trust_permille, 0);
}

TEST(Forecast, ExpectsWhatASteadyStreamBrings) {
  // One bid a minute for 2 GPUs for 30 of 60 minutes: 1 GPU in each minute of its window, so 60 on
  // average once bids of a whole window may have come.
  const Learner learner = learned_from(demand(2, kMinute * 30, kHour, credits(1)), 48);
  const Forecast expected = forecast(learner);
  ASSERT_EQ(expected.rates, std::vector<Money>{credits(1)});
  EXPECT_NEAR(mean_units(expected, kHour * 5, 0), 60, 2);
  EXPECT_NEAR(mean_units(expected, kMinute * 30, 0), 30, 4);
  EXPECT_LT(mean_units(expected, kMinute * 0, 0), 1);
  // Independent bids of one GPU: the variance equals the mean, times nine for bursts.
  EXPECT_NEAR(static_cast<double>(at_lead(expected, kHour * 5).deviation_milli[0]) / 1000,
              3 * std::sqrt(60), 1.5);
}

TEST(Forecast, ExpectsNobodySoonerThanTheyAsk) {
  Demand bid = demand(1, kHour, kHour, credits(1));
  bid.delay = kHour * 10;
  const Forecast expected = forecast(learned_from(bid, 48));
  EXPECT_NEAR(mean_units(expected, kHour * 8, 0), 0, 0.5);
  EXPECT_NEAR(mean_units(expected, kHour * 20, 0), 60, 2);
}

TEST(Forecast, CountsWhoWouldPayMoreAtEveryLowerRate) {
  Learner learner;
  for (int hour = 0; hour < 30; ++hour) {
    for (int i = 0; i < 10; ++i) learner.see(demand(1, kHour, kHour * 2, credits(1)));
    for (int i = 0; i < 5; ++i) learner.see(demand(1, kHour, kHour * 2, credits(4)));
    learner.pass_hour();
  }
  const Forecast expected = forecast(learner);
  ASSERT_EQ(expected.rates, (std::vector<Money>{credits(1), credits(4)}));
  const LeadDemand& far = at_lead(expected, kHour * 24);
  EXPECT_NEAR(static_cast<double>(far.mean_milli[0]), 3.0 * static_cast<double>(far.mean_milli[1]),
              100);
}

TEST(Forecast, ForgetsHalfInAFortnight) {
  Learner learner = learned_from(demand(1, kHour, kHour, credits(1)), 24 * 14);
  const std::int64_t before = learner.work;
  const std::int64_t learned = learner.learned_ms;
  for (int hour = 0; hour < 24 * 14; ++hour) learner.pass_hour();
  EXPECT_NEAR(static_cast<double>(learner.work) / static_cast<double>(before), 0.5, 0.001);
  EXPECT_GT(learner.learned_ms, learned);
}

TEST(Forecast, FollowsADayThatAsksForMore) {
  Learner learner = learned_from(demand(1, kHour, kHour, credits(1)), 24 * 14);
  const double usual = mean_units(forecast(learner), kHour * 12, 0);
  for (int hour = 0; hour < 48; ++hour) {
    for (int i = 0; i < 240; ++i) learner.see(demand(1, kHour, kHour, credits(1)));
    learner.pass_hour();
  }
  const double busy = mean_units(forecast(learner), kHour * 12, 0);
  EXPECT_GT(busy, 1.8 * usual);
}

TEST(Forecast, LearnsTheSameFromTheSameBids) {
  const Demand bid = demand(3, kMinute * 7, kMinute * 11, Money{1'234'567});
  EXPECT_EQ(learned_from(bid, 30), learned_from(bid, 30));
  EXPECT_EQ(forecast(learned_from(bid, 30)), forecast(learned_from(bid, 30)));
}

TEST(Forecast, StaysWithinBoundsWhateverIsBid) {
  Learner learner;
  for (int i = 0; i < 2'000; ++i) {
    const std::int64_t before = learner.work;
    learner.see(demand(8'000'000, domain::kDay * 90, domain::kDay * 90, credits(200)));
    ASSERT_GE(learner.work, before) << i;
  }
  learner.pass_hour();
  EXPECT_GT(learner.work, 0);
  for (const LeadDemand& at : forecast(learner).leads) {
    EXPECT_GE(at.mean_milli[0], 0);
    EXPECT_GE(at.deviation_milli[0], 0);
  }
}

TEST(Forecast, KnowsTheNormalDistribution) {
  for (double z = -6; z < 6; z += 0.037) {
    EXPECT_NEAR(static_cast<double>(tail_millionths(z)), 500'000 * std::erfc(z / std::sqrt(2)), 40)
        << z;
  }
  EXPECT_EQ(tail_millionths(1e300), 0);
  EXPECT_EQ(tail_millionths(-1e300), 1'000'000);
}

PriceList prices() {
  PriceList list = default_prices();
  list.floor_permille = 100;
  return list;
}

TEST(ForecastPrices, AskTheFloorWhereNobodyIsExpected) {
  Forecast nobody;
  nobody.trust_permille = 1000;
  const PriceTable table(8, credits(1), prices(), nobody, 0);
  EXPECT_EQ(table.cost(0, 8), 8 * 100'000);
}

TEST(ForecastPrices, AskThePublishedCurveWhileNothingIsLearned) {
  const PriceTable published(8, credits(1), prices().curve);
  const PriceTable table(8, credits(1), prices(), Forecast{}, 0);
  for (std::int32_t n = 0; n <= 8; ++n) EXPECT_EQ(table.cost(0, n), published.cost(0, n));
}

TEST(ForecastPrices, AskWhatThoseWouldPayWhoWillGoWithout) {
  // 100 GPUs asked for at 1 credit and 30 of these at 4 come for certain; 64 are there.
  Forecast sure;
  sure.trust_permille = 1000;
  sure.rates = {credits(1), credits(4)};
  sure.leads = {{Duration{}, {100'000, 30'000}, {1, 1}}};
  const PriceTable table(64, credits(1), prices(), sure, 0);
  EXPECT_EQ(table.cost(0, 1), 1'000'000);
  EXPECT_EQ(table.cost(32, 1), 1'000'000);
  EXPECT_EQ(table.cost(34, 1), 4'000'000);
}

TEST(ForecastPrices, NeverFallWithLoad) {
  std::mt19937 random{7};
  for (int world = 0; world < 30; ++world) {
    Learner learner;
    for (int hour = 0; hour < 40; ++hour) {
      for (unsigned i = random() % 9; i > 0; --i) {
        const Duration duration = kMinute * static_cast<std::int64_t>(1 + random() % 3000);
        const Duration window = duration + kMinute * static_cast<std::int64_t>(random() % 3000);
        learner.see(demand(1 + random() % 40, duration, window,
                           Money{static_cast<std::int64_t>(random() % 20'000'000)}));
      }
      learner.pass_hour();
    }
    const Forecast expected = forecast(learner);
    for (std::size_t lead = 0; lead < expected.leads.size(); lead += 7) {
      const PriceTable table(128, credits(1), prices(), expected, lead);
      for (std::int32_t n = 1; n < 128; ++n) ASSERT_GE(table.cost(n, 1), table.cost(n - 1, 1));
    }
  }
}

}  // namespace
}  // namespace era
