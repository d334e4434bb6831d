#include "cli/weekly.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace cli {
namespace {

using domain::ClosedTime;
using domain::kDay;

constexpr std::array<std::string_view, 7> kDays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

base::Result<std::set<unsigned>> days_of(std::string_view text) {
  std::set<unsigned> days;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    if (word == "weekdays") {
      days.insert({1, 2, 3, 4, 5});
    } else if (word == "weekends") {
      days.insert({0, 6});
    } else if (const auto day = weekday_named(word)) {
      days.insert(*day);
    } else {
      return base::invalid("on", "'{}' is no day; write mon,tue or weekdays or weekends", word);
    }
    if (comma == text.npos) return days;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

base::Result<std::vector<ClosedTime>> weekly_times(const WeeklyWish& wish, const Here& here) {
  auto days = days_of(wish.days);
  if (!days) return base::pass(days);
  auto from = parse_time_of_day(wish.from);
  if (!from) return base::pass(from);
  auto until = parse_time_of_day(wish.until);
  if (!until) return base::pass(until);
  const domain::Duration length = *until > *from ? *until - *from : *until - *from + kDay;
  std::vector<ClosedTime> times;
  for (const unsigned day : *days) {
    // What began less than its length ago is not over.
    const Here before{here.now - length, here.offset};
    auto start = parse_moment(fmt::format("{} {}", kDays.at(day), wish.from), before);
    if (!start) return base::pass(start);
    auto end = parse_moment(wish.until, {*start, here.offset});
    if (!end) return base::pass(end);
    times.push_back({*start, *end, kDay * 7});
  }
  std::ranges::sort(times, {}, &ClosedTime::from);
  return times;
}

}  // namespace cli
