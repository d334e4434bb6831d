#include "cli/times.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <vector>

namespace cli {
namespace {

using domain::Duration;
using domain::Time;

constexpr Duration kLongest{3650 * domain::kDay.ms};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// A whole number of at most nine digits.
std::optional<std::int64_t> number(std::string_view text) {
  if (text.empty() || text.size() > 9 || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// Milliseconds of one unit; 0 for a word that is no unit.
std::int64_t unit_ms(std::string_view unit) {
  if (unit == "s" || unit == "sec" || unit == "second" || unit == "seconds") return 1'000;
  if (unit == "m" || unit == "min" || unit == "minute" || unit == "minutes") return 60'000;
  if (unit == "h" || unit == "hour" || unit == "hours") return 3'600'000;
  if (unit == "d" || unit == "day" || unit == "days") return 86'400'000;
  if (unit == "w" || unit == "week" || unit == "weeks") return 604'800'000;
  return 0;
}

/// "1h30m", "1.5h", "2 days": numbers with units, each unit smaller than the one before.
std::optional<Duration> with_units(std::string_view text) {
  Duration sum;
  std::int64_t last_unit = INT64_MAX;
  while (!text.empty()) {
    const auto end_of_number =
        std::ranges::find_if(text, [](char c) { return !is_digit(c) && c != '.'; });
    const auto digits = static_cast<std::size_t>(end_of_number - text.begin());
    const auto parts = split(text.substr(0, digits), '.');
    text = trim(text.substr(digits));
    const auto end_of_unit = std::ranges::find_if(text, [](char c) { return c < 'a' || c > 'z'; });
    const auto letters = static_cast<std::size_t>(end_of_unit - text.begin());
    const std::int64_t unit = unit_ms(text.substr(0, letters));
    text = trim(text.substr(letters));
    const auto whole = number(parts.front());
    if (!whole || unit == 0 || unit >= last_unit || parts.size() > 2) return std::nullopt;
    sum.ms += *whole * unit;
    if (parts.size() == 2) {
      const auto fraction = number(parts.back());
      if (!fraction || parts.back().size() > 3) return std::nullopt;
      std::int64_t scale = 1;
      for (std::size_t i = 0; i < parts.back().size(); ++i) scale *= 10;
      sum.ms += *fraction * unit / scale;
    }
    if (sum > kLongest) return sum;
    last_unit = unit;
  }
  return sum;
}

/// "12:30:00", "1-12", "1-12:30", "1-12:30:00".
std::optional<Duration> slurm_form(std::string_view text) {
  Duration sum;
  const auto days_and_rest = split(text, '-');
  if (days_and_rest.size() > 2) return std::nullopt;
  const bool has_days = days_and_rest.size() == 2;
  if (has_days) {
    const auto days = number(days_and_rest.front());
    if (!days) return std::nullopt;
    sum.ms += *days * domain::kDay.ms;
  }
  const auto parts = split(days_and_rest.back(), ':');
  if (parts.size() > 3 || (!has_days && parts.size() != 3)) return std::nullopt;
  constexpr std::array<std::int64_t, 3> kUnits{3'600'000, 60'000, 1'000};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto value = number(parts[i]);
    if (!value || (i > 0 && *value > 59)) return std::nullopt;
    sum.ms += *value * kUnits[i];
  }
  return sum;
}

// ---- Moments: local civil time as milliseconds since the epoch of the local calendar. ----

std::int64_t civil_day(std::int64_t local_ms) {
  return local_ms >= 0 ? local_ms / domain::kDay.ms : (local_ms + 1) / domain::kDay.ms - 1;
}

/// 0 is Sunday.
unsigned weekday(std::int64_t day) {
  return std::chrono::weekday{std::chrono::sys_days{std::chrono::days{day}}}.c_encoding();
}

Time from_local(std::int64_t local_ms, const LocalOffset& offset) {
  const Duration first = offset(Time{local_ms});
  const Duration second = offset(Time{local_ms - first.ms});
  return {local_ms - second.ms};
}

std::int64_t to_local(Time at, const LocalOffset& offset) { return at.ms + offset(at).ms; }

/// "9:00", "09:00", "18:00:30" as milliseconds since midnight.
std::optional<std::int64_t> time_of_day(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3 || parts.front().size() > 2) return std::nullopt;
  std::int64_t ms = 0;
  constexpr std::array<std::int64_t, 3> kUnits{3'600'000, 60'000, 1'000};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto value = number(parts[i]);
    if (!value || *value > (i == 0 ? 23 : 59) || (i > 0 && parts[i].size() != 2)) {
      return std::nullopt;
    }
    ms += *value * kUnits[i];
  }
  return ms;
}

std::optional<std::int64_t> date(std::string_view text) {
  const auto parts = split(text, '-');
  if (parts.size() != 3 || parts[0].size() != 4) return std::nullopt;
  const auto year = number(parts[0]);
  const auto month = number(parts[1]);
  const auto day = number(parts[2]);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day ymd{std::chrono::year{static_cast<int>(*year)},
                                        std::chrono::month{static_cast<unsigned>(*month)},
                                        std::chrono::day{static_cast<unsigned>(*day)}};
  if (!ymd.ok() || *month > 12 || *day > 31) return std::nullopt;
  return std::chrono::sys_days{ymd}.time_since_epoch().count();
}

/// "Z", "+08:00", "-0530" at the end of `text`, which is cut off.
std::optional<Duration> cut_zone(std::string_view& text) {
  if (text.ends_with('z')) {
    text.remove_suffix(1);
    return Duration{0};
  }
  const std::size_t sign = text.find_last_of("+-");
  if (sign == std::string_view::npos || sign < 10) return std::nullopt;
  std::string digits(text.substr(sign + 1));
  std::erase(digits, ':');
  const auto value = number(digits);
  if (!value || digits.size() != 4 || *value % 100 > 59 || *value / 100 > 14) return std::nullopt;
  const std::int64_t minutes = *value / 100 * 60 + *value % 100;
  const Duration zone{(text[sign] == '-' ? -1 : 1) * minutes * domain::kMinute.ms};
  text = text.substr(0, sign);
  return zone;
}

std::optional<Time> iso(std::string_view text, const Here& here) {
  if (text.size() < 11 || (text[10] != 't' && text[10] != ' ')) return std::nullopt;
  const auto zone = cut_zone(text);
  const auto day = date(text.substr(0, 10));
  if (!day || text.size() < 12) return std::nullopt;
  const auto ms = time_of_day(trim(text.substr(11)));
  if (!ms) return std::nullopt;
  const std::int64_t local = *day * domain::kDay.ms + *ms;
  return zone ? Time{local - zone->ms} : from_local(local, here.offset);
}

constexpr std::array<std::string_view, 7> kDays{"sunday",   "monday", "tuesday", "wednesday",
                                                "thursday", "friday", "saturday"};

/// Days from today that a word means: "today" 0, "tomorrow" 1, a weekday 0 to 6.
std::optional<std::int64_t> day_word(std::string_view word, std::int64_t today) {
  if (word == "today") return 0;
  if (word == "tomorrow") return 1;
  const auto day = weekday_named(word);
  if (!day) return std::nullopt;
  return (*day + 7 - weekday(today)) % 7;
}

std::optional<Time> named_day(std::string_view text, const Here& here) {
  const std::size_t space = text.find(' ');
  const bool has_word = space != std::string_view::npos;
  const auto ms = time_of_day(has_word ? trim(text.substr(space)) : text);
  if (!ms) return std::nullopt;
  const std::int64_t today = civil_day(to_local(here.now, here.offset));
  const std::string_view word = has_word ? text.substr(0, space) : "today";
  const auto days = day_word(word, today);
  if (!days) return std::nullopt;
  const auto at = [&](std::int64_t day) {
    return from_local(day * domain::kDay.ms + *ms, here.offset);
  };
  const Time first = at(today + *days);
  if (first > here.now || word == "tomorrow" || (has_word && word == "today")) return first;
  return at(today + *days + (has_word ? 7 : 1));
}

std::string clock_text(std::int64_t local_ms) {
  const std::int64_t minute = (local_ms - civil_day(local_ms) * domain::kDay.ms) / 60'000;
  return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

std::string date_text(std::int64_t day) {
  const std::chrono::year_month_day ymd{std::chrono::sys_days{std::chrono::days{day}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()),
                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()));
}

std::string units(Duration length, std::size_t most) {
  constexpr std::array<std::pair<std::int64_t, char>, 4> kUnits{
      {{86'400'000, 'd'}, {3'600'000, 'h'}, {60'000, 'm'}, {1'000, 's'}}};
  std::string made;
  std::size_t used = 0;
  for (const auto& [ms, letter] : kUnits) {
    const std::int64_t count = length.ms / ms;
    length.ms %= ms;
    if (used > 0) ++used;
    if (count > 0 && used <= most) {
      if (used == 0) used = 1;
      made += fmt::format("{}{}", count, letter);
    }
  }
  return made.empty() ? "0s" : made;
}

}  // namespace

base::Result<Duration> parse_duration(std::string_view given) {
  const std::string text = lower(trim(given));
  std::optional<Duration> length;
  if (const auto minutes = number(text)) {
    length = domain::kMinute * *minutes;
  } else if (text.find_first_of(":-") != std::string::npos) {
    length = slurm_form(text);
  } else if (!text.empty()) {
    length = with_units(text);
  }
  if (!length) {
    return base::invalid("duration",
                         "'{}' is no length of time; write 90m, 2h, 1h30m, 2d, 12:30:00 "
                         "(h:m:s) or 1-12:00 (days-hours:minutes)",
                         given);
  }
  if (length->ms <= 0) return base::invalid("duration", "a length of time must be above zero");
  if (*length > kLongest) {
    return base::invalid("duration", "'{}' is longer than 3650 days", given);
  }
  return *length;
}

base::Result<Time> parse_moment(std::string_view given, const Here& here) {
  const std::string text = lower(trim(given));
  if (text == "now") return here.now;
  if (const auto at = iso(text, here)) return *at;
  if (const auto at = named_day(text, here)) return *at;
  std::string_view relative = text;
  if (relative.starts_with("in ")) relative.remove_prefix(3);
  if (relative.starts_with('+')) relative.remove_prefix(1);
  const bool has_unit = std::ranges::any_of(relative, [](char c) { return c >= 'a' && c <= 'z'; });
  if (has_unit && !relative.empty() && is_digit(relative.front())) {
    if (const auto length = parse_duration(relative)) return here.now + *length;
  }
  const std::int64_t today = civil_day(to_local(here.now, here.offset));
  const char* hint = date(text) || day_word(text, today) ? "say the time of day too, such as "
                                                         : "write 2h (from now), ";
  return base::invalid("time",
                       "'{}' is no moment; {}'thu 18:00', 'tomorrow 09:00' or '2026-11-23T09:00'",
                       given, hint);
}

base::Result<Time> parse_end(std::string_view given, const Here& here, Time after) {
  auto at = parse_moment(given, here);
  if (!at || *at > after) return at;
  const std::string text = lower(trim(given));
  if (text.starts_with("today") || text.starts_with("tomorrow")) return at;
  if (const auto later = named_day(text, {after, here.offset})) return *later;
  return at;
}

base::Result<Duration> parse_time_of_day(std::string_view given) {
  if (const auto ms = time_of_day(trim(given))) return Duration{*ms};
  return base::invalid("time", "'{}' is no time of day; write it as 22:00", given);
}

std::optional<unsigned> weekday_named(std::string_view given) {
  const std::string word = lower(trim(given));
  for (unsigned i = 0; i < kDays.size(); ++i) {
    const bool is_it = word == kDays[i] || word == kDays[i].substr(0, 3) ||
                       (word == "tues" && i == 2) || (word == "thurs" && i == 4);
    if (is_it) return i;
  }
  return std::nullopt;
}

unsigned weekday_at(Time at, const Here& here) {
  return weekday(civil_day(to_local(at, here.offset)));
}

std::string show_moment(Time at, const Here& here, text::Language language) {
  if (at.ms == 0 || at >= domain::kNever) return "-";
  const std::int64_t local = to_local(at, here.offset);
  const std::int64_t day = civil_day(local);
  const std::int64_t away = day - civil_day(to_local(here.now, here.offset));
  const auto named = [&](std::string_view id) {
    return fmt::format("{} {}", text::find(language, id), clock_text(local));
  };
  if (away == -1) return named("day.yesterday");
  if (away == 0) return named("day.today");
  if (away == 1) return named("day.tomorrow");
  if (away > 1 && away < 7) return named(fmt::format("day.{}", weekday(day)));
  return fmt::format("{} {}", date_text(day), clock_text(local));
}

std::string with_local_moments(std::string_view sentence, const Here& here,
                               text::Language language) {
  constexpr std::string_view kShape = "0000-00-00 00:00 UTC";
  constexpr std::size_t kZone = 4;
  const auto is_moment = [&](std::string_view text) {
    return std::ranges::equal(text, kShape, [](char c, char wanted) {
      return wanted == '0' ? is_digit(c) : c == wanted;
    });
  };
  std::string made;
  while (!sentence.empty()) {
    const std::string_view text = sentence.substr(0, kShape.size());
    const auto at =
        is_moment(text)
            ? parse_moment(fmt::format("{}Z", text.substr(0, text.size() - kZone)), here)
            : base::Result<Time>(base::invalid("time", "none"));
    if (at) {
      made += show_moment(*at, here, language);
      sentence.remove_prefix(kShape.size());
    } else {
      made += sentence.front();
      sentence.remove_prefix(1);
    }
  }
  return made;
}

std::string iso_minute(Time at, const Here& here) {
  const std::int64_t minute = domain::kMinute.ms;
  const std::int64_t local = (to_local(at, here.offset) + minute - 1) / minute * minute;
  return fmt::format("{}T{}", date_text(civil_day(local)), clock_text(local));
}

std::string show_duration(Duration length) { return units(length, 2); }

std::string exact_duration(Duration length) { return units(length, 4); }

}  // namespace cli
