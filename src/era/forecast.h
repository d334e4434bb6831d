#pragma once
#include <boost/describe/class.hpp>

#include <cstdint>
#include <map>
#include <vector>

#include "domain/money.h"
#include "domain/time.h"
#include "era/week_profile.h"

namespace era {

/// What one bid, accepted or refused, tells about the demand for a lane.
struct Demand {
  std::int64_t milli_units = 0;  ///< Units (GPUs; cores where there are none) x 1000.
  domain::Duration duration;
  domain::Duration delay;   ///< From the bid to its earliest start.
  domain::Duration window;  ///< From its earliest start to its deadline; at least the duration.
  domain::Money rate;       ///< What the bidder would pay for a unit and an hour.
};

/// Demand still to come for a slot this far ahead, from bids at a rate or more; [i] belongs to
/// Forecast::rates[i].
struct LeadDemand {
  domain::Duration lead;  ///< From this lead on, up to the next.
  std::vector<std::int64_t> mean_milli;
  std::vector<std::int64_t> deviation_milli;
  friend bool operator==(const LeadDemand&, const LeadDemand&) = default;
};
BOOST_DESCRIBE_STRUCT(LeadDemand, (), (lead, mean_milli, deviation_milli))

/// What is expected for one lane, as of a moment. Prices follow from this and from nothing else of
/// the past.
struct Forecast {
  std::int32_t trust_permille = 0;  ///< How much of it is learned; the rest is the published curve.
  std::vector<domain::Money> rates;  ///< Ascending; empty: no demand is expected.
  std::vector<LeadDemand> leads;     ///< Ascending, the first at 0; empty as rates is.
  friend bool operator==(const Forecast&, const Forecast&) = default;
};
BOOST_DESCRIBE_STRUCT(Forecast, (), (trust_permille, rates, leads))

/// Bids of one rate and one breakpoint (see Learner), decayed.
struct DemandSum {
  std::int64_t load = 0;    ///< Milli-units.
  std::int64_t square = 0;  ///< Units squared x 1000.
  friend bool operator==(const DemandSum&, const DemandSum&) = default;
};
BOOST_DESCRIBE_STRUCT(DemandSum, (), (load, square))

/// Learns demand from bids, online, in integers: the same bids give the same forecast on every
/// machine. Older bids count for less, half after 14 days.
///
/// A bid loads each slot of its window with c = units x duration / window (ERA, section 1.4: the
/// naive spread, which in measurements beat the linear programme). Of bids that keep coming at the
/// same pace, those that arrive between now and a slot at lead L and may use it number
/// pace x clamp(L - delay, 0, window), and clamp(L - d, 0, w) = min(L, d + w) - min(L, d): so c is
/// added at the breakpoint d + w and taken away at d, and one list of breakpoints gives the demand
/// for every lead. Where bids come faster at some hours of the week, all these times are counted
/// in its Pace.
struct Learner {
  /// By rate (steps of a fourth root of two around one credit), then by breakpoint (steps of an
  /// eighth).
  std::map<std::int32_t, std::map<std::int32_t, DemandSum>> sums;
  std::int64_t learned_ms = 0;   ///< Time learned, decayed as the sums are.
  std::int64_t work = 0;         ///< Unit-milliseconds asked for, decayed as the sums are ...
  std::int64_t recent_work = 0;  ///< ... and with a half-life of a day.
  std::int64_t recent_ms = 0;
  WeekProfile week;
  friend bool operator==(const Learner&, const Learner&) = default;

  /// O(log).
  void see(const Demand& demand, domain::Time now);
  /// An hour has passed since the last call, or the start. O(sums).
  void pass_hour(domain::Time now);
};
BOOST_DESCRIBE_STRUCT(Learner, (), (sums, learned_ms, work, recent_work, recent_ms, week))

/// What `learner` expects. The demand of the last day, against what was learned of such days,
/// scales it by the square root of their ratio. Deviations are three times those of independent
/// bids, since bids come in bursts. O(rates x breakpoints x leads).
Forecast forecast(const Learner& learner, domain::Time now);

/// The share of a normal distribution that lies above `deviations` from its mean, in millionths.
/// From a table, so that it is the same everywhere.
std::int64_t tail_millionths(double deviations);

}  // namespace era
