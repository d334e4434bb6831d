#include "cli/times.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

using domain::Duration;
using domain::Time;
using text::Language;

constexpr Time kSundayNine{1'795'338'000'000};  // Sunday 2026-11-22 09:00:00 UTC.

Here utc() {
  return {kSundayNine, [](Time) { return Duration{0}; }};
}
Here shanghai() {
  return {kSundayNine, [](Time) { return domain::kHour * 8; }};
}
/// Central Europe around 2026-10-25, when clocks go back from +2h to +1h at 01:00 UTC.
Here berlin(Time now) {
  return {now, [](Time at) { return domain::kHour * (at.ms < 1'792'890'000'000 ? 2 : 1); }};
}

std::string utc_text(Time at) {
  const Here epoch{Time{0}, [](Time) { return Duration{0}; }};
  return iso_minute(at, epoch);
}

TEST(Durations, AreReadInAllTheirForms) {
  const std::vector<std::pair<const char*, std::int64_t>> cases{
      {"2h", 7'200},        {"90m", 5'400},          {"1h30m", 5'400},     {"36h", 129'600},
      {"45s", 45},          {"2d", 172'800},         {"1-12:00", 129'600}, {"12:30:00", 45'000},
      {"30min", 1'800},     {"90", 5'400},           {"1.5h", 5'400},      {"0.5d", 43'200},
      {"1-12", 129'600},    {"1-12:30:15", 131'415}, {"1d 2h", 93'600},    {"2 hours", 7'200},
      {" 2H ", 7'200},      {"1w", 604'800},         {"0:00:30", 30},      {"100:00:00", 360'000},
      {"1h 30 min", 5'400}, {"3650d", 315'360'000}};
  for (const auto& [text, seconds] : cases) {
    const auto length = parse_duration(text);
    ASSERT_TRUE(length) << text << ": " << length.error().message;
    EXPECT_EQ(length->ms, seconds * 1'000) << text;
  }
}

TEST(Moments, AnEndIsTheNextAfterItsBeginning) {
  const Time friday{kSundayNine.ms + 5 * domain::kDay.ms};  // 09:00.
  const std::vector<std::pair<const char*, const char*>> cases{
      {"18:00", "2026-11-27T18:00"},
      {"08:00", "2026-11-28T08:00"},
      {"sat 10:00", "2026-11-28T10:00"},
      {"fri 08:00", "2026-12-04T08:00"},
      {"tomorrow 10:00", "2026-11-23T10:00"},
      {"2h", "2026-11-22T11:00"},
      {"6d", "2026-11-28T09:00"}};
  for (const auto& [text, wanted] : cases) {
    const auto at = parse_end(text, utc(), friday);
    ASSERT_TRUE(at) << text;
    EXPECT_EQ(utc_text(*at), wanted) << text;
  }
  EXPECT_FALSE(parse_end("soon", utc(), friday));
}

TEST(Durations, NonsenseIsRefusedWithWhatWouldDo) {
  for (const char* text :
       {"",      " ",     "h",          "2x",        "0",       "0s",    "-2h",
        "2h2h",  "30m1h", "12:30",      "1:2",       "1:60:00", "1-2-3", "1.2.3h",
        "1..5h", "1e5h",  "9999999999", "4000d",     "2h!",     "1h 30", "\xE4\xB8\xA4h",
        "1-",    "-1:00", "::",         "999999999w"}) {
    const auto length = parse_duration(text);
    EXPECT_FALSE(length) << text;
    if (!length) EXPECT_EQ(length.error().code, base::ErrorCode::invalid_argument);
  }
}

TEST(Durations, AreShownShortAndReadBack) {
  EXPECT_EQ(show_duration(Duration{45'000}), "45s");
  EXPECT_EQ(show_duration(Duration{5'400'000}), "1h30m");
  EXPECT_EQ(show_duration(Duration{187'261'000}), "2d4h");
  EXPECT_EQ(show_duration(Duration{86'430'000}), "1d");
  EXPECT_EQ(show_duration(Duration{0}), "0s");
  EXPECT_EQ(exact_duration(Duration{93'784'000}), "1d2h3m4s");
  EXPECT_EQ(parse_duration(exact_duration(Duration{93'784'000}))->ms, 93'784'000);
}

TEST(Moments, AreReadInAllTheirForms) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"2h", "2026-11-22T11:00"},
      {"+90m", "2026-11-22T10:30"},
      {"in 2d", "2026-11-24T09:00"},
      {"now", "2026-11-22T09:00"},
      {"2026-11-23T09:00", "2026-11-23T09:00"},
      {"2026-11-23 09:00", "2026-11-23T09:00"},
      {"2026-11-23T09:00Z", "2026-11-23T09:00"},
      {"2026-11-23T09:00:00z", "2026-11-23T09:00"},
      {"2026-11-23T09:00+08:00", "2026-11-23T01:00"},
      {"2026-11-23T09:00-0530", "2026-11-23T14:30"},
      {"2028-02-29T00:00", "2028-02-29T00:00"},
      {"18:00", "2026-11-22T18:00"},
      {"8:30", "2026-11-23T08:30"},
      {"today 18:00", "2026-11-22T18:00"},
      {"today 08:00", "2026-11-22T08:00"},
      {"tomorrow 09:00", "2026-11-23T09:00"},
      {"monday 9:00", "2026-11-23T09:00"},
      {"thu 18:00", "2026-11-26T18:00"},
      {"Sunday 18:00", "2026-11-22T18:00"},
      {"sunday 9:00", "2026-11-29T09:00"},
      {"sat 00:00", "2026-11-28T00:00"}};
  for (const auto& [text, expected] : cases) {
    const auto at = parse_moment(text, utc());
    ASSERT_TRUE(at) << text << ": " << at.error().message;
    EXPECT_EQ(utc_text(*at), expected) << text;
  }
}

TEST(Moments, AreLocalWhereNothingElseIsSaid) {
  // It is 17:00 in Shanghai.
  EXPECT_EQ(utc_text(*parse_moment("18:00", shanghai())), "2026-11-22T10:00");
  EXPECT_EQ(utc_text(*parse_moment("08:00", shanghai())), "2026-11-23T00:00");
  EXPECT_EQ(utc_text(*parse_moment("2026-11-23T09:00", shanghai())), "2026-11-23T01:00");
  EXPECT_EQ(utc_text(*parse_moment("2026-11-23T09:00Z", shanghai())), "2026-11-23T09:00");
}

TEST(Moments, FollowTheClocksWhenTheyChange) {
  const Here here = berlin(Time{1'792'800'000'000});  // The day before.
  EXPECT_EQ(utc_text(*parse_moment("2026-10-24T12:00", here)), "2026-10-24T10:00");
  EXPECT_EQ(utc_text(*parse_moment("2026-10-25T12:00", here)), "2026-10-25T11:00");
}

TEST(Moments, NonsenseIsRefused) {
  for (const char* text : {"",
                           "soon",
                           "25:00",
                           "12:60",
                           "today",
                           "friday",
                           "tomorrow",
                           "2026-11-23",
                           "2026-13-01T09:00",
                           "2026-02-29T09:00",
                           "2026-11-23T",
                           "2026-11-23T25:00",
                           "someday 09:00",
                           "5",
                           "-2h",
                           "2026-11-23T09:00+99:00",
                           "today 9",
                           "9am",
                           "2h 18:00",
                           "::",
                           "T"}) {
    EXPECT_FALSE(parse_moment(text, utc())) << text;
  }
  EXPECT_NE(parse_moment("friday", utc()).error().message.find("time of day"), std::string::npos);
}

TEST(Moments, AreShownShort) {
  const auto shown = [](const char* text) {
    return show_moment(*parse_moment(text, utc()), utc(), Language::en);
  };
  EXPECT_EQ(shown("today 14:30"), "today 14:30");
  EXPECT_EQ(shown("tomorrow 09:00"), "tomorrow 09:00");
  EXPECT_EQ(shown("thu 09:00"), "Thu 09:00");
  EXPECT_EQ(shown("2026-11-28T09:00"), "Sat 09:00");
  EXPECT_EQ(shown("2026-11-29T09:00"), "2026-11-29 09:00");
  EXPECT_EQ(shown("2026-11-21T23:59"), "yesterday 23:59");
  EXPECT_EQ(shown("2026-11-20T09:00"), "2026-11-20 09:00");
  EXPECT_EQ(show_moment(Time{0}, utc(), Language::en), "-");
  EXPECT_EQ(show_moment(domain::kNever, utc(), Language::en), "-");
  EXPECT_EQ(show_moment(kSundayNine, shanghai(), Language::en), "today 17:00");
}

TEST(Moments, InSentencesOfTheControllerAreLocal) {
  const auto told = [](const char* text) {
    return with_local_moments(text, shanghai(), Language::en);
  };
  EXPECT_EQ(told("From 2026-11-22 10:30 UTC to 2026-11-23 16:00 UTC."),
            "From today 18:30 to Tue 00:00.");
  EXPECT_EQ(told("2026-11-22 10:30 UTC"), "today 18:30");
  EXPECT_EQ(told("at 2026-11-22 10:30, or 2026-99-22 10:30 UTC"),
            "at 2026-11-22 10:30, or 2026-99-22 10:30 UTC");
  EXPECT_EQ(told(""), "");
}

TEST(Moments, RoundUpToTheMinute) {
  EXPECT_EQ(iso_minute(Time{kSundayNine.ms + 1}, utc()), "2026-11-22T09:01");
  EXPECT_EQ(iso_minute(kSundayNine, utc()), "2026-11-22T09:00");
}

}  // namespace
}  // namespace cli
