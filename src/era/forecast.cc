#include "era/forecast.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "era/decayed.h"

namespace era {

using domain::Duration;
using domain::Money;
using domain::Time;

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kHourMs = domain::kHour.ms;
constexpr std::int64_t kMinuteMs = domain::kMinute.ms;
constexpr std::int64_t kTrusted = 24 * kHourMs;  ///< Learned for so long, a forecast stands alone.

/// The deviation of real demand, in those of independent bids: chosen on two public traces, where
/// anything from 2 to 4 does nearly as well (docs/decisions/0006-prices-from-demand.md).
constexpr double kBurstiness = 3;

/// What is left after an hour of a half-life of 14 days, and of a day, in millionths.
constexpr std::int64_t kLeftOfFortnight = 997'939;
constexpr std::int64_t kLeftOfDay = 971'532;

/// The rates that demand is told apart by: one credit times powers of the fourth root of two.
constexpr std::int32_t kRates = 64;
constexpr std::int32_t kOneCredit = 32;

Money rate_of(std::int32_t index) {
  constexpr std::array<std::int64_t, 4> kRoots{1'000'000, 1'189'207, 1'414'214, 1'681'793};
  const std::int32_t octave = (index >> 2) - (kOneCredit >> 2);
  const std::int64_t root = kRoots[static_cast<std::size_t>(index & 3)];
  return {octave < 0 ? root >> -octave : root << octave};
}

/// The highest of the rates that `rate` reaches; -1 for less than the least of them.
std::int32_t rate_index(Money rate) {
  std::int32_t index = -1;
  while (index + 1 < kRates && rate_of(index + 1) <= rate) ++index;
  return index;
}

/// Lengths of time, in minutes: one after the other up to 8, then an eighth longer each.
const std::vector<std::int64_t>& lengths() {
  static const std::vector<std::int64_t> all = [] {
    constexpr std::int64_t kLongest = std::int64_t{400} * 24 * 60;
    std::vector<std::int64_t> list;
    for (std::int64_t at = 0; at < kLongest; at += std::max<std::int64_t>(1, at / 8)) {
      list.push_back(at);
    }
    return list;
  }();
  return all;
}

std::int64_t length_ms(std::int32_t index) {
  return lengths()[static_cast<std::size_t>(index)] * kMinuteMs;
}

/// The last length that is not longer than `time`.
std::int32_t length_index(Duration time) {
  const auto& all = lengths();
  const auto after = std::upper_bound(all.begin(), all.end(), time.ms / kMinuteMs);
  return static_cast<std::int32_t>(after - all.begin()) - 1;
}

/// How long bids come, at the average pace, that may use a slot at one lead: [i] of those with the
/// breakpoint lengths()[i].
using Reach = std::vector<std::int64_t>;

/// The same for a slot anywhere from `from` to `until` from now on: the mean over a few leads, as
/// a slot at nine in the morning would not stand for six hours.
Reach reach_of(const Pace& pace, Time now, Duration from, Duration until) {
  constexpr std::int64_t kMostLeads = 8;
  const Duration apart = until - from;
  const std::int64_t leads = std::clamp<std::int64_t>(apart.ms / kHourMs, 1, kMostLeads);
  Reach reach(lengths().size());
  for (std::int64_t i = 0; i < leads; ++i) {
    const Duration lead{from.ms + apart.ms * (2 * i + 1) / (2 * leads)};
    const Time slot = now + lead;
    for (std::size_t at = 0; at < reach.size(); ++at) {
      const Duration length{std::min(lead.ms, lengths()[at] * kMinuteMs)};
      reach[at] += pace.between(slot - length, slot).ms;
    }
  }
  for (std::int64_t& each : reach) each /= leads;
  return reach;
}

/// Sums over breakpoints of load x reach, for one rate.
class Coming {
 public:
  void add(const std::map<std::int32_t, DemandSum>& sums) {
    for (const auto& [at, sum] : sums) {
      DemandSum& mine = sums_[at];
      mine.load += sum.load;
      mine.square += sum.square;
    }
  }
  /// Load and square at the lead of `reach`, over the time learned.
  DemandSum at(const Reach& reach, std::int64_t learned_ms) const {
    Wide load = 0;
    Wide square = 0;
    for (const auto& [at, sum] : sums_) {
      const std::int64_t length = reach[static_cast<std::size_t>(at)];
      load += Wide{sum.load} * length;
      square += Wide{sum.square} * length;
    }
    return {std::max<std::int64_t>(0, static_cast<std::int64_t>(load / learned_ms)),
            std::max<std::int64_t>(0, static_cast<std::int64_t>(square / learned_ms))};
  }

 private:
  std::map<std::int32_t, DemandSum> sums_;
};

/// Adds `sum` at `breakpoint`: divided between the two lengths around it, so that what has passed
/// both counts exactly.
void add(std::map<std::int32_t, DemandSum>& sums, Duration breakpoint, const DemandSum& sum) {
  const auto last = static_cast<std::int32_t>(lengths().size()) - 1;
  const std::int32_t below = std::min(length_index(breakpoint), last - 1);
  const std::int64_t step = length_ms(below + 1) - length_ms(below);
  const std::int64_t above_millionths =
      std::min<std::int64_t>(1'000'000, (breakpoint.ms - length_ms(below)) * 1'000'000 / step);
  const DemandSum upper{share(sum.load, above_millionths), share(sum.square, above_millionths)};
  add_up(sums[below].load, sum.load - upper.load);
  add_up(sums[below].square, sum.square - upper.square);
  add_up(sums[below + 1].load, upper.load);
  add_up(sums[below + 1].square, upper.square);
}

/// The pace of the hours before `now`, as the last day is remembered.
double recent_pace(const Pace& pace, Time now) {
  constexpr int kHours = 168;
  constexpr double kLeft = static_cast<double>(kLeftOfDay) / 1e6;
  double weight = 1;
  double weights = 0;
  double sum = 0;
  for (int i = 0; i < kHours; ++i) {
    const Time end = now - domain::kHour * i;
    sum += weight * static_cast<double>(pace.between(end - domain::kHour, end).ms) / kHourMs;
    weights += weight;
    weight *= kLeft;
  }
  return sum / weights;
}

/// By how much the last day asked for more than such days do: the square root of the ratio, within
/// a factor of two, in millionths.
std::int64_t scale_millionths(const Learner& learner, const Pace& pace, Time now) {
  if (learner.work <= 0 || learner.recent_ms <= 0 || learner.learned_ms < kTrusted)
    return 1'000'000;
  const double recent =
      static_cast<double>(learner.recent_work) / static_cast<double>(learner.recent_ms);
  const double mean = static_cast<double>(learner.work) / static_cast<double>(learner.learned_ms);
  const double usual = mean * recent_pace(pace, now);
  return static_cast<std::int64_t>(1e6 * std::clamp(std::sqrt(recent / usual), 0.5, 2.0));
}

/// Times at which demand is worked out: a quarter longer each.
std::vector<std::int32_t> lead_indexes() {
  std::vector<std::int32_t> indexes;
  const auto count = static_cast<std::int32_t>(lengths().size());
  for (std::int32_t i = 0; i + 1 < count; i += i < 8 ? 1 : 2) indexes.push_back(i);
  return indexes;
}

/// What all rates have in common.
struct Basis {
  std::vector<Reach> reaches;  ///< By lead.
  std::int64_t learned_ms;
  std::int64_t scale_millionths;
};

/// The means and deviations of one rate, of a slot at each lead.
void add_rate(Forecast& result, Money rate, const Coming& coming, const Basis& basis) {
  result.rates.push_back(rate);
  for (std::size_t i = 0; i < result.leads.size(); ++i) {
    LeadDemand& at = result.leads[i];
    const DemandSum sum = coming.at(basis.reaches[i], basis.learned_ms);
    at.mean_milli.push_back(share(sum.load, basis.scale_millionths));
    const double variance = static_cast<double>(share(sum.square, basis.scale_millionths)) / 1000;
    at.deviation_milli.push_back(
        static_cast<std::int64_t>(std::sqrt(variance) * kBurstiness * 1000));
  }
}

}  // namespace

void Learner::see(const Demand& demand, Time now) {
  const std::int32_t rate = rate_index(demand.rate);
  if (rate < 0 || demand.milli_units <= 0 || demand.duration.ms <= 0) return;
  const std::int64_t window = std::max(demand.window.ms, demand.duration.ms);
  const Wide load = Wide{demand.milli_units} * demand.duration.ms / window;
  const DemandSum sum{static_cast<std::int64_t>(load),
                      static_cast<std::int64_t>(load * load / 1000)};
  add(sums[rate], {demand.delay.ms + window}, sum);
  if (demand.delay.ms >= kMinuteMs) add(sums[rate], demand.delay, {-sum.load, -sum.square});
  const auto asked =
      static_cast<std::int64_t>(Wide{demand.milli_units} * demand.duration.ms / 1000);
  add_up(work, asked);
  add_up(recent_work, asked);
  week.see(now, sum.load, {window});
}

void Learner::pass_hour(Time now) {
  for (auto& [rate, breakpoints] : sums) {
    for (auto& [at, sum] : breakpoints) {
      sum = {share(sum.load, kLeftOfFortnight), share(sum.square, kLeftOfFortnight)};
    }
    std::erase_if(breakpoints, [](const auto& entry) { return entry.second == DemandSum{}; });
  }
  std::erase_if(sums, [](const auto& entry) { return entry.second.empty(); });
  learned_ms = share(learned_ms, kLeftOfFortnight) + kHourMs;
  work = share(work, kLeftOfFortnight);
  recent_ms = share(recent_ms + kHourMs, kLeftOfDay);
  recent_work = share(recent_work, kLeftOfDay);
  week.pass_hour(now, kLeftOfFortnight);
}

Forecast forecast(const Learner& learner, Time now) {
  Forecast result;
  result.trust_permille =
      static_cast<std::int32_t>(std::min<std::int64_t>(1000, learner.learned_ms * 1000 / kTrusted));
  if (learner.sums.empty()) return result;
  for (const std::int32_t index : lead_indexes()) {
    result.leads.push_back({{length_ms(index)}, {}, {}});
  }
  const Pace pace(learner.week);
  Basis basis{{}, std::max(learner.learned_ms, kHourMs), scale_millionths(learner, pace, now)};
  for (std::size_t i = 0; i < result.leads.size(); ++i) {
    const std::size_t next = std::min(i + 1, result.leads.size() - 1);
    basis.reaches.push_back(reach_of(pace, now, result.leads[i].lead, result.leads[next].lead));
  }
  // From the highest rate down: who would pay more would pay less too.
  Coming coming;
  for (auto rate = learner.sums.rbegin(); rate != learner.sums.rend(); ++rate) {
    coming.add(rate->second);
    add_rate(result, rate_of(rate->first), coming, basis);
  }
  std::reverse(result.rates.begin(), result.rates.end());
  for (LeadDemand& at : result.leads) {
    std::reverse(at.mean_milli.begin(), at.mean_milli.end());
    std::reverse(at.deviation_milli.begin(), at.deviation_milli.end());
  }
  return result;
}

std::int64_t tail_millionths(double deviations) {
  // Of the standard normal distribution, at every 1/32.
  static constexpr std::array<std::int32_t, 145> kTail{
      500000, 487535, 475082, 462654, 450262, 437918, 425634, 413422, 401294, 389259, 377330,
      365517, 353830, 342279, 330874, 319624, 308538, 297623, 286888, 276340, 265986, 255832,
      245884, 236147, 226627, 217328, 208252, 199405, 190787, 182402, 174251, 166335, 158655,
      151212, 144004, 137032, 130295, 123789, 117515, 111470, 105650, 100053, 94676,  89515,
      84566,  79825,  75288,  70950,  66807,  62854,  59085,  55496,  52081,  48836,  45754,
      42830,  40059,  37436,  34954,  32610,  30396,  28309,  26342,  24491,  22750,  21115,
      19580,  18141,  16793,  15532,  14353,  13252,  12224,  11267,  10375,  9545,   8774,
      8059,   7395,   6779,   6210,   5683,   5196,   4747,   4332,   3951,   3599,   3276,
      2980,   2708,   2458,   2229,   2020,   1829,   1654,   1495,   1350,   1218,   1097,
      988,    889,    799,    718,    644,    577,    517,    462,    413,    369,    329,
      294,    261,    233,    207,    184,    163,    144,    128,    113,    100,    88,
      78,     69,     61,     53,     47,     41,     36,     32,     28,     24,     21,
      19,     16,     14,     12,     11,     9,      8,      7,      6,      5,      5,
      4,      3,
  };
  const double distance = std::abs(deviations) * 32;
  std::int64_t above = 0;
  if (distance < kTail.size() - 1) {
    const auto before = static_cast<std::size_t>(distance);
    const double beyond = distance - static_cast<double>(before);
    const std::int64_t step = kTail[before] - kTail[before + 1];
    above = kTail[before] - static_cast<std::int64_t>(beyond * static_cast<double>(step));
  }
  return deviations < 0 ? 1'000'000 - above : above;
}

}  // namespace era
