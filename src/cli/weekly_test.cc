#include "cli/weekly.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

using domain::Duration;
using domain::kHour;
using domain::Time;

constexpr Time kSundayNine{1'795'338'000'000};  // Sunday 2026-11-22 09:00:00 UTC.

Here here(Time now, int hours_ahead = 0) {
  return {now, [hours_ahead](Time) { return kHour * hours_ahead; }};
}
/// Central Europe around 2026-10-25, when clocks go back from +2h to +1h at 01:00 UTC.
Here berlin(Time now) {
  return {now, [](Time at) { return kHour * (at.ms < 1'792'890'000'000 ? 2 : 1); }};
}

std::string utc(Time at) { return iso_minute(at, here({})); }

/// "11-23T09:00/11-23T18:00 ...": when each is first, in UTC.
std::string first_times(const WeeklyWish& wish, const Here& where) {
  const auto times = weekly_times(wish, where);
  if (!times) return times.error().field + ": " + times.error().message;
  std::string text;
  for (const domain::ClosedTime& time : *times) {
    EXPECT_EQ(time.every.ms, 7 * domain::kDay.ms);
    if (!text.empty()) text += " ";
    text += utc(time.from).substr(5) + "/" + utc(time.until).substr(5);
  }
  return text;
}

TEST(Weekly, EachDayHasItsTimeTheEarliestFirst) {
  EXPECT_EQ(first_times({"wed,mon,monday", "09:00", "18:00"}, here(kSundayNine)),
            "11-23T09:00/11-23T18:00 11-25T09:00/11-25T18:00");
  EXPECT_EQ(first_times({"weekends", "10:00", "12:30"}, here(kSundayNine)),
            "11-22T10:00/11-22T12:30 11-28T10:00/11-28T12:30");
  EXPECT_EQ(first_times({"sun,mon", "01:00", "02:00"}, here(kSundayNine)),
            "11-23T01:00/11-23T02:00 11-29T01:00/11-29T02:00");
  EXPECT_EQ(weekly_times({"weekdays", "9:00", "18:00"}, here(kSundayNine))->size(), 5U);
  EXPECT_EQ(weekly_times({"weekdays,weekends", "9:00", "18:00"}, here(kSundayNine))->size(), 7U);
}

TEST(Weekly, AnEndThatIsNotLaterIsOnTheNextDay) {
  EXPECT_EQ(first_times({"sun", "22:00", "06:00"}, here(kSundayNine)), "11-22T22:00/11-23T06:00");
  EXPECT_EQ(first_times({"mon", "00:00", "00:00"}, here(kSundayNine)), "11-23T00:00/11-24T00:00");
}

TEST(Weekly, TheFirstIsTheOneThatIsNotOver) {
  const WeeklyWish night{"sat", "22:00", "06:00"};
  EXPECT_EQ(first_times(night, here(kSundayNine - kHour * 4)), "11-21T22:00/11-22T06:00");
  EXPECT_EQ(first_times(night, here(kSundayNine - kHour * 3)), "11-28T22:00/11-29T06:00");
  const WeeklyWish day{"sun", "08:00", "10:00"};
  EXPECT_EQ(first_times(day, here(kSundayNine)), "11-22T08:00/11-22T10:00");
  EXPECT_EQ(first_times(day, here(kSundayNine + kHour)), "11-29T08:00/11-29T10:00");
}

TEST(Weekly, DaysAndTimesAreThoseOfTheZone) {
  // There it is Sunday 17:00.
  EXPECT_EQ(first_times({"sun", "09:00", "18:00"}, here(kSundayNine, 8)),
            "11-22T01:00/11-22T10:00");
  EXPECT_EQ(first_times({"mon", "02:00", "05:00"}, here(kSundayNine, 8)),
            "11-22T18:00/11-22T21:00");
  const Time saturday{1'792'850'400'000};  // 2026-10-24 14:00 UTC.
  EXPECT_EQ(first_times({"sat", "22:00", "06:00"}, berlin(saturday)), "10-24T20:00/10-25T05:00");
}

TEST(Weekly, NonsenseIsRefusedWithWhatWouldDo) {
  EXPECT_EQ(first_times({"mon,some", "09:00", "18:00"}, here(kSundayNine)),
            "on: 'some' is no day; write mon,tue or weekdays or weekends");
  EXPECT_EQ(first_times({"mon,", "09:00", "18:00"}, here(kSundayNine)),
            "on: '' is no day; write mon,tue or weekdays or weekends");
  EXPECT_EQ(first_times({"mon", "tomorrow 09:00", "18:00"}, here(kSundayNine)),
            "time: 'tomorrow 09:00' is no time of day; write it as 22:00");
  EXPECT_EQ(first_times({"mon", "09:00", "24:00"}, here(kSundayNine)),
            "time: '24:00' is no time of day; write it as 22:00");
}

}  // namespace
}  // namespace cli
