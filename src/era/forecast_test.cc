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
using domain::Time;

Demand demand(std::int64_t units, Duration duration, Duration window, Money rate) {
  return {units * 1000, duration, {}, window, rate};
}

/// A lane's learner and the time.
struct Watch {
  Learner learner;
  Time now;

  /// An hour with the same bid so many times.
  void hour(const Demand& bid, int times) {
    for (int i = 0; i < times; ++i) learner.see(bid, now);
    now = now + kHour;
    learner.pass_hour(now);
  }
  Forecast expects() const { return forecast(learner, now); }
};

/// `hours` hours with the same bid once a minute.
Watch learned_from(const Demand& bid, int hours) {
  Watch watch;
  for (int i = 0; i < hours; ++i) watch.hour(bid, 60);
  return watch;
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
  const Forecast expected = forecast(Learner{}, Time{});
  EXPECT_TRUE(expected.rates.empty());
  EXPECT_EQ(expected.trust_permille, 0);
}

TEST(Forecast, ExpectsWhatASteadyStreamBrings) {
  // One bid a minute for 2 GPUs for 30 of 60 minutes: 1 GPU in each minute of its window, so 60 on
  // average once bids of a whole window may have come.
  const Demand bid = demand(2, kMinute * 30, kHour, credits(1));
  const Forecast expected = learned_from(bid, 48).expects();
  ASSERT_EQ(expected.rates, std::vector<Money>{credits(1)});
  EXPECT_NEAR(mean_units(expected, kHour * 5, 0), 60, 2);
  EXPECT_NEAR(mean_units(expected, kMinute * 30, 0), 30, 4);
  EXPECT_LT(mean_units(expected, kMinute * 0, 0), 1);
  // Independent bids of one GPU: the variance equals the mean, times nine for bursts.
  EXPECT_NEAR(static_cast<double>(at_lead(expected, kHour * 5).deviation_milli[0]) / 1000,
              3 * std::sqrt(60), 1.5);
}

TEST(Forecast, ExpectsOfSlotsThatArePricedTogetherWhatTheOneInTheMiddleBrings) {
  // Windows of 100 days: what has come by a lead grows with it, a hundredth of a GPU a minute.
  const Demand bid = demand(1, domain::kDay, domain::kDay * 100, credits(1));
  const Forecast expected = learned_from(bid, 48).expects();
  for (std::size_t i = 30; i + 1 < expected.leads.size(); i += 5) {
    const Duration from = expected.leads[i].lead;
    const Duration until = expected.leads[i + 1].lead;
    if (until > domain::kDay * 90) break;
    const double minutes = static_cast<double>(from.ms + until.ms) / 2 / kMinute.ms;
    EXPECT_NEAR(mean_units(expected, from, 0), minutes / 100, minutes / 5'000) << i;
  }
}

TEST(Forecast, ExpectsNobodySoonerThanTheyAsk) {
  Demand bid = demand(1, kHour, kHour, credits(1));
  bid.delay = kHour * 10;
  const Forecast expected = learned_from(bid, 48).expects();
  EXPECT_NEAR(mean_units(expected, kHour * 8, 0), 0, 0.5);
  EXPECT_NEAR(mean_units(expected, kHour * 20, 0), 60, 2);
}

TEST(Forecast, CountsWhoWouldPayMoreAtEveryLowerRate) {
  Watch watch;
  for (int hour = 0; hour < 30; ++hour) {
    for (int i = 0; i < 5; ++i) {
      watch.learner.see(demand(1, kHour, kHour * 2, credits(4)), watch.now);
    }
    watch.hour(demand(1, kHour, kHour * 2, credits(1)), 10);
  }
  const Forecast expected = watch.expects();
  ASSERT_EQ(expected.rates, (std::vector<Money>{credits(1), credits(4)}));
  const LeadDemand& far = at_lead(expected, kHour * 24);
  EXPECT_NEAR(static_cast<double>(far.mean_milli[0]), 3.0 * static_cast<double>(far.mean_milli[1]),
              100);
}

TEST(Forecast, ForgetsHalfInAFortnight) {
  const Demand bid = demand(1, kHour, kHour, credits(1));
  Watch watch = learned_from(bid, 24 * 14);
  const Learner before = watch.learner;
  for (int i = 0; i < 24 * 14; ++i) watch.hour(bid, 0);
  EXPECT_NEAR(static_cast<double>(watch.learner.work) / static_cast<double>(before.work), 0.5,
              0.001);
  EXPECT_GT(watch.learner.learned_ms, before.learned_ms);
}

TEST(Forecast, FollowsADayThatAsksForMore) {
  const Demand bid = demand(1, kHour, kHour, credits(1));
  Watch watch = learned_from(bid, 24 * 14);
  const double usual = mean_units(watch.expects(), kHour * 12, 0);
  for (int i = 0; i < 48; ++i) watch.hour(bid, 240);
  const double busy = mean_units(watch.expects(), kHour * 12, 0);
  EXPECT_GT(busy, 1.8 * usual);
}

/// Four weeks of bids for an hour, most of them by day.
Watch working_hours() {
  Watch watch;
  const Demand bid = demand(1, kHour, kHour * 2, credits(1));
  for (int i = 0; i < 24 * 28; ++i) watch.hour(bid, i % 24 >= 9 && i % 24 < 18 ? 54 : 6);
  return watch;
}

TEST(Forecast, KnowsAtWhichHoursBidsCome) {
  const Watch watch = working_hours();  // It is midnight.
  const Forecast expected = watch.expects();
  const double night = mean_units(expected, kHour * 5, 0);
  const double day = mean_units(expected, kHour * 14, 0);
  EXPECT_NEAR(night, 6, 1.5);  // Those of the hours before count: a window is two hours long.
  EXPECT_NEAR(day, 54, 6);
  // A slot far away is priced with others around it: on average.
  EXPECT_NEAR(mean_units(expected, domain::kDay * 20, 0), 24, 3);
}

TEST(Forecast, DoesNotTakeANightForADayThatAsksForLess) {
  Watch watch = working_hours();
  const double before = mean_units(watch.expects(), kHour * 24, 0);
  for (int i = 0; i < 8; ++i) watch.hour(demand(1, kHour, kHour * 2, credits(1)), 6);
  // The same hour of the next day, eight hours later, is expected to bring the same.
  EXPECT_NEAR(mean_units(watch.expects(), kHour * 16, 0), before, before * 0.05);
}

TEST(Forecast, LearnsTheSameFromTheSameBids) {
  const Demand bid = demand(3, kMinute * 7, kMinute * 11, Money{1'234'567});
  const Watch one = learned_from(bid, 30);
  const Watch other = learned_from(bid, 30);
  EXPECT_EQ(one.learner, other.learner);
  EXPECT_EQ(one.expects(), other.expects());
}

TEST(Forecast, StaysWithinBoundsWhateverIsBid) {
  Watch watch;
  const Demand bid = demand(8'000'000, domain::kDay * 90, domain::kDay * 90, credits(200));
  for (int i = 0; i < 2'000; ++i) {
    const Learner before = watch.learner;
    watch.learner.see(bid, watch.now);
    ASSERT_GE(watch.learner.work, before.work) << i;
    ASSERT_GE(watch.learner.week.days[0].even_load, before.week.days[0].even_load) << i;
  }
  watch.hour(bid, 0);
  EXPECT_GT(watch.learner.work, 0);
  for (const LeadDemand& at : watch.expects().leads) {
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
    Watch watch;
    for (int hour = 0; hour < 40; ++hour) {
      for (unsigned i = random() % 9; i > 0; --i) {
        const Duration duration = kMinute * static_cast<std::int64_t>(1 + random() % 3000);
        const Duration window = duration + kMinute * static_cast<std::int64_t>(random() % 3000);
        const Money rate{static_cast<std::int64_t>(random() % 20'000'000)};
        watch.hour(demand(1 + random() % 40, duration, window, rate), 1);
      }
      watch.hour({}, 0);
    }
    const Forecast expected = watch.expects();
    for (std::size_t lead = 0; lead < expected.leads.size(); lead += 7) {
      const PriceTable table(128, credits(1), prices(), expected, lead);
      for (std::int32_t n = 1; n < 128; ++n) ASSERT_GE(table.cost(n, 1), table.cost(n - 1, 1));
    }
  }
}

}  // namespace
}  // namespace era
