#pragma once
#include <boost/describe/class.hpp>

#include <array>
#include <cstdint>
#include <vector>

#include "domain/time.h"

namespace era {

/// What was bid for in one part of a cycle (an hour of the day, a day of the week), decayed, in two
/// halves that are learned in turn: what both say is no accident.
struct CyclePart {
  std::int64_t even_load = 0;  ///< Milli-unit-minutes, see WeekProfile::see.
  std::int64_t even_ms = 0;    ///< Time learned.
  std::int64_t odd_load = 0;
  std::int64_t odd_ms = 0;
  friend bool operator==(const CyclePart&, const CyclePart&) = default;
};
BOOST_DESCRIBE_STRUCT(CyclePart, (), (even_load, even_ms, odd_load, odd_ms))

/// Learns at which hours of the week bids come: hour of the day times day of the week, since few
/// clusters see enough bids for 168 hours one by one. In UTC; where a day begins matters little.
struct WeekProfile {
  std::vector<CyclePart> hours = std::vector<CyclePart>(24);  ///< Halves: even and odd days.
  std::vector<CyclePart> days = std::vector<CyclePart>(7);    ///< The same: of every other week.
  std::int64_t milli_bids = 0;
  friend bool operator==(const WeekProfile&, const WeekProfile&) = default;

  /// A bid that loads so many units throughout its `window`. A window that is long beside the cycle
  /// covers much of it whenever the bid came, so no more than half a cycle of it counts.
  void see(domain::Time at, std::int64_t milli_units, domain::Duration window);
  /// The hour until `now` is over; of what was learned before, `left_millionths` count.
  void pass_hour(domain::Time now, std::int64_t left_millionths);
};
BOOST_DESCRIBE_STRUCT(WeekProfile, (), (hours, days, milli_bids))

/// How fast bids come at each hour of the week, against the average. A profile counts as far as
/// its halves agree (their correlation beyond two standard errors of chance, by Spearman and Brown
/// for both together), and as there were more than ten bids for each half of a part.
class Pace {
 public:
  explicit Pace(const WeekProfile& profile);
  /// How long bids as many as come between the two moments take on average; a week takes a week.
  domain::Duration between(domain::Time from, domain::Time to) const;

 private:
  std::int64_t until(domain::Time at) const;

  static constexpr std::size_t kHours = 168;
  std::array<std::int64_t, kHours> millionths_{};
  std::array<std::int64_t, kHours + 1> before_ms_{};
};

}  // namespace era
