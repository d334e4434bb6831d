#include "era/week_profile.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace era {
namespace {

using domain::Duration;
using domain::kDay;
using domain::kHour;
using domain::Time;

constexpr std::int64_t kAll = 1'000'000;

/// So many bids of one unit for an hour in each hour of four weeks.
WeekProfile learned(const std::function<int(int hour)>& bids) {
  WeekProfile profile;
  for (int hour = 0; hour < 24 * 28; ++hour) {
    const Time now{hour * kHour.ms};
    for (int i = bids(hour); i > 0; --i) profile.see(now, 1'000, kHour);
    profile.pass_hour(now + kHour, kAll);
  }
  return profile;
}

/// Against the average.
double pace_at(const WeekProfile& profile, int hour) {
  const Time from = Time{0} + kDay * 7 * 100 + kHour * hour;
  return static_cast<double>(Pace(profile).between(from, from + kHour).ms) / kHour.ms;
}

TEST(WeekProfile, IsEvenBeforeAnythingIsLearned) {
  const Pace pace{WeekProfile{}};
  EXPECT_EQ(pace.between(Time{12'345}, Time{987'654'321}).ms, 987'654'321 - 12'345);
  EXPECT_EQ(pace.between(Time{-987'654'321}, Time{12'345}).ms, 987'654'321 + 12'345);
}

TEST(WeekProfile, SaysNothingOfDaysThatItHasNotSeenTwice) {
  WeekProfile profile;
  for (int hour = 0; hour < 24 * 20; ++hour) {
    const Time now{hour * kHour.ms};
    for (int i = 0; i < 30; ++i) profile.see(now, 1'000, kHour);
    profile.pass_hour(now + kHour, kAll);
    const Pace pace(profile);
    for (Time from = now; from < now + kDay * 7; from = from + kHour * 5)
      ASSERT_NEAR(static_cast<double>(pace.between(from, from + kHour).ms), kHour.ms, 2) << hour;
  }
}

TEST(WeekProfile, KnowsTheHourAndTheDay) {
  const WeekProfile profile = learned([](int hour) {
    const bool is_work = hour % 24 >= 9 && hour % 24 < 18;
    const bool is_weekend = hour / 24 % 7 >= 5;
    return (is_work ? 40 : 4) / (is_weekend ? 4 : 1);
  });
  const double mean = (9 * 40 + 15 * 4) / 24.0 * (5 + 2 / 4.0) / 7;
  EXPECT_NEAR(pace_at(profile, 12), 40 / mean, 0.2);
  EXPECT_NEAR(pace_at(profile, 3), 4 / mean, 0.1);
  EXPECT_NEAR(pace_at(profile, 24 * 5 + 12), 10 / mean, 0.2);
  const Pace pace(profile);
  const Time any{1'234'567'890'123};
  EXPECT_NEAR(static_cast<double>(pace.between(any, any + kDay * 7).ms), 7.0 * kDay.ms, 1'000);
}

TEST(WeekProfile, DoesNotTakeChanceForARule) {
  // Bursts of up to two hundred bids at any hour, as on real clusters.
  std::mt19937 random{3};
  double sum = 0;
  for (int world = 0; world < 20; ++world) {
    const WeekProfile profile =
        learned([&](int) { return random() % 20 == 0 ? static_cast<int>(random() % 200) : 1; });
    for (int hour = 0; hour < 168; ++hour) {
      sum += std::abs(pace_at(profile, hour) - 1);
    }
  }
  EXPECT_LT(sum / 20 / 168, 0.1);
}

TEST(WeekProfile, AnHourThatHasPassedIsTheOneBefore) {
  WeekProfile profile;
  profile.pass_hour(Time{0} + kDay * 8, kAll);  // The last of the first day of the second week.
  EXPECT_EQ(profile.hours[23].odd_ms, kHour.ms);
  EXPECT_EQ(profile.days[0].odd_ms, kHour.ms);
  EXPECT_EQ(profile.hours[0], CyclePart{});
}

TEST(WeekProfile, NeedsMoreThanAFewBids) {
  const auto by_day = [](int bids) {
    return learned([bids](int hour) { return hour % 24 >= 9 && hour % 24 < 18 ? bids : 0; });
  };
  EXPECT_LT(pace_at(by_day(1), 12), pace_at(by_day(30), 12));
  EXPECT_GT(pace_at(by_day(30), 12), 2);
}

TEST(WeekProfile, ALongWindowSaysLittleOfTheHour) {
  const WeekProfile profile = learned([](int) { return 0; });
  WeekProfile other = profile;
  WeekProfile longer = profile;
  other.see(Time{0}, 1'000, kHour * 12);
  longer.see(Time{0}, 1'000, kDay * 3);
  EXPECT_EQ(longer.hours, other.hours);
  EXPECT_GT(longer.days[0].even_load, other.days[0].even_load);
}

TEST(WeekProfile, ForgetsAllPartsAlike) {
  WeekProfile profile = learned([](int hour) { return hour % 24 == 9 ? 500 : 10; });
  const double before = pace_at(profile, 9);
  for (int i = 0; i < 24 * 14; ++i) {
    const Time now{(24 * 28 + i) * kHour.ms};
    for (int bids = i % 24 == 9 ? 500 : 10; bids > 0; --bids) profile.see(now, 1'000, kHour);
    profile.pass_hour(now + kHour, 990'000);
  }
  EXPECT_NEAR(pace_at(profile, 9), before, 2);
  EXPECT_LT(profile.milli_bids, 4'000'000);
}

}  // namespace
}  // namespace era
