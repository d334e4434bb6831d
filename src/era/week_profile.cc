#include "era/week_profile.h"

#include <algorithm>
#include <cmath>

#include "era/decayed.h"

namespace era {

using domain::Duration;
using domain::kDay;
using domain::kHour;
using domain::Time;

namespace {

constexpr Duration kWeek{7 * kDay.ms};
constexpr std::int64_t kMillion = 1'000'000;

/// What a cycle says of each of its parts.
struct Cycle {
  std::vector<double> even;  ///< Against the average of the half, less one.
  std::vector<double> odd;
  std::vector<double> both;
};

/// Of a part that no hour of has passed, none.
double pace(std::int64_t load, std::int64_t ms) {
  return ms == 0 ? 0 : static_cast<double>(load) / static_cast<double>(ms);
}

/// Against their average, less one; none if that is zero.
void to_deviations(std::vector<double>& paces) {
  double sum = 0;
  for (const double each : paces) sum += each;
  const double mean = sum / static_cast<double>(paces.size());
  for (double& each : paces) each = mean > 0 ? each / mean - 1 : 0;
}

Cycle cycle_of(const std::vector<CyclePart>& parts) {
  Cycle cycle;
  for (const CyclePart& part : parts) {
    cycle.even.push_back(pace(part.even_load, part.even_ms));
    cycle.odd.push_back(pace(part.odd_load, part.odd_ms));
    cycle.both.push_back(pace(part.even_load + part.odd_load, part.even_ms + part.odd_ms));
  }
  for (auto* paces : {&cycle.even, &cycle.odd, &cycle.both}) to_deviations(*paces);
  return cycle;
}

/// Of two lists whose averages are zero.
double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  double together = 0;
  double of_a = 0;
  double of_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    together += a[i] * b[i];
    of_a += a[i] * a[i];
    of_b += b[i] * b[i];
  }
  return of_a > 0 && of_b > 0 ? together / std::sqrt(of_a * of_b) : 0;
}

/// How much of what both halves say together is to be believed: 0 to 1.
double trust(const Cycle& cycle, double bids) {
  constexpr double kFewBids = 10;
  const auto parts = static_cast<double>(cycle.both.size());
  const double chance = 2 / std::sqrt(parts);
  const double agreed = (correlation(cycle.even, cycle.odd) - chance) / (1 - chance);
  if (agreed <= 0) return 0;
  return 2 * agreed / (1 + agreed) * bids / (bids + 2 * parts * kFewBids);
}

/// The pace of each part, one on average and never near none, which no number of bids can show.
std::vector<double> factors(const std::vector<CyclePart>& parts, double bids) {
  constexpr double kSlowest = 0.1;
  Cycle cycle = cycle_of(parts);
  const double believed = trust(cycle, bids);
  for (double& part : cycle.both) part = std::max(kSlowest, 1 + believed * part);
  return cycle.both;
}

void add(CyclePart& part, bool even, std::int64_t load) {
  add_up(even ? part.even_load : part.odd_load, load);
}

void pass(CyclePart& part, bool even) { (even ? part.even_ms : part.odd_ms) += kHour.ms; }

void forget(CyclePart& part, std::int64_t left_millionths) {
  for (auto* sum : {&part.even_load, &part.even_ms, &part.odd_load, &part.odd_ms}) {
    *sum = share(*sum, left_millionths);
  }
}

/// Where a moment lies in both cycles. Of the same days of two weeks, too, one is even.
struct Position {
  std::size_t hour;
  std::size_t day;
  bool is_even;
};

Position position(Time at) {
  const std::int64_t day = at.ms / kDay.ms;
  return {static_cast<std::size_t>(at.ms / kHour.ms % 24), static_cast<std::size_t>(day % 7),
          day % 2 == 0};
}

}  // namespace

void WeekProfile::see(Time at, std::int64_t milli_units, Duration window) {
  const auto load = [&](Duration most) {
    const std::int64_t bounded = std::min(milli_units, kMostSum / most.ms);
    return bounded * std::min(window, most).ms / domain::kMinute.ms;
  };
  const auto [hour, day, is_even] = position(at);
  add(hours[hour], is_even, load(kHour * 12));
  add(days[day], is_even, load(kHour * 84));
  add_up(milli_bids, 1000);
}

void WeekProfile::pass_hour(Time now, std::int64_t left_millionths) {
  for (CyclePart& part : hours) forget(part, left_millionths);
  for (CyclePart& part : days) forget(part, left_millionths);
  milli_bids = share(milli_bids, left_millionths);
  const auto [hour, day, is_even] = position(now - domain::kMinute * 30);
  pass(hours[hour], is_even);
  pass(days[day], is_even);
}

Pace::Pace(const WeekProfile& profile) {
  const double bids = static_cast<double>(profile.milli_bids) / 1000;
  const std::vector<double> hours = factors(profile.hours, bids);
  const std::vector<double> days = factors(profile.days, bids);
  std::array<double, kHours> all{};
  double sum = 0;
  for (std::size_t i = 0; i < kHours; ++i) sum += all[i] = hours[i % 24] * days[i / 24];
  for (std::size_t i = 0; i < kHours; ++i) {
    millionths_[i] = std::llround(all[i] / sum * kHours * kMillion);
    before_ms_[i + 1] = before_ms_[i] + share(kHour.ms, millionths_[i]);
  }
}

Duration Pace::between(Time from, Time to) const { return {until(to) - until(from)}; }

std::int64_t Pace::until(Time at) const {
  const std::int64_t week = (at.ms < 0 ? at.ms - kWeek.ms + 1 : at.ms) / kWeek.ms;
  const std::int64_t of_week = at.ms - week * kWeek.ms;
  const auto hour = static_cast<std::size_t>(of_week / kHour.ms);
  return week * before_ms_.back() + before_ms_[hour] + share(of_week % kHour.ms, millionths_[hour]);
}

}  // namespace era
