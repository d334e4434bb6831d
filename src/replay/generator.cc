#include "replay/generator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>

namespace replay {
namespace {

/// Jobs of one size: how many there are, and how long they run at the shares kShares of them.
struct Size {
  std::int32_t gpus;
  double share;
  std::array<double, 8> durations_s;
};

constexpr std::array kShares{0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0};
// Read off the published trace; the last duration of each is where the mean comes out right.
constexpr std::array<Size, 6> kSizes{
    {{1, 0.93167, {1, 62, 122, 1'117, 2'716, 8'512, 135'404, 513'158}},
     {2, 0.02210, {2, 11, 16, 21, 76, 73'625, 526'030, 1'315'629}},
     {4, 0.02274, {3, 138, 772, 17'431, 89'422, 184'519, 908'661, 908'661}},
     {8, 0.01998, {1, 216, 1'871, 23'683, 173'288, 352'409, 1'066'894, 1'522'665}},
     {16, 0.00242, {2, 51, 380, 52'548, 167'367, 341'346, 1'369'876, 1'369'876}},
     {32, 0.00109, {1, 326, 868, 3'718, 51'170, 59'941, 213'302, 414'661}}}};
/// How many jobs come in an hour of the day, and on a day of the week, of what is usual.
constexpr std::array kHours{0.84, 0.96, 0.72, 0.65, 0.62, 0.78, 0.80, 0.66, 0.76, 0.93, 0.90, 1.07,
                            1.08, 1.14, 1.04, 1.13, 1.22, 0.76, 0.88, 1.49, 1.96, 1.42, 1.34, 0.84};
constexpr std::array kDays{0.89, 0.97, 1.44, 1.29, 0.90, 0.72, 0.79};
constexpr std::array kGroups{0.501, 0.196, 0.121, 0.090, 0.024, 0.018, 0.017, 0.014, 0.009, 0.010};

constexpr double kJobsADay = 755.2;
constexpr double kLone = 0.7;  ///< Users who send a single job.
constexpr double kLargestBurst = 300;
constexpr double kBurstGap_s = 15;  ///< Between the jobs of a burst.

/// Draws that are the same with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  double exponential(double mean) { return -mean * std::log(1 - uniform()); }

 private:
  std::mt19937_64 engine_;
};

const Size& size_of(double draw) {
  for (const Size& size : kSizes) {
    if (draw < size.share) return size;
    draw -= size.share;
  }
  return kSizes.front();
}

std::size_t group_of(double draw) {
  for (std::size_t i = 0; i < kGroups.size(); ++i) {
    if (draw < kGroups[i]) return i;
    draw -= kGroups[i];
  }
  return 0;
}

/// Between two known shares durations grow evenly in their logarithm.
std::int64_t duration_of(const Size& size, double draw) {
  std::size_t i = 0;
  while (i + 2 < kShares.size() && draw >= kShares[i + 1]) ++i;
  const double part = (draw - kShares[i]) / (kShares[i + 1] - kShares[i]);
  const double from = size.durations_s[i];
  return static_cast<std::int64_t>(from * std::pow(size.durations_s[i + 1] / from, part));
}

std::int64_t burst_of(Random& random) {
  if (random.uniform() < kLone) return 1;
  return static_cast<std::int64_t>(2 * std::pow(kLargestBurst / 2, random.uniform()));
}

/// The mean of burst_of().
double mean_burst() {
  return kLone + (1 - kLone) * (kLargestBurst - 2) / std::log(kLargestBurst / 2);
}

/// How busy a moment is, of what is usual.
double intensity(double at_s) {
  const auto hour = static_cast<std::int64_t>(at_s / 3600);
  return kHours[static_cast<std::size_t>(hour % 24)] *
         kDays[static_cast<std::size_t>(hour / 24 % 7)];
}

}  // namespace

Trace generate(const Generating& wish) {
  Random random(wish.seed);
  const double busiest = *std::max_element(kHours.begin(), kHours.end()) *
                         *std::max_element(kDays.begin(), kDays.end());
  const double pause_s = 86'400 / kJobsADay * mean_burst() / busiest;
  const auto jobs = static_cast<std::size_t>(std::max(1, wish.jobs));
  Trace trace;
  double now = 0;
  while (trace.jobs.size() < jobs) {
    now += random.exponential(pause_s);
    if (random.uniform() * busiest > intensity(now)) continue;
    const std::string group = "vc" + std::to_string(group_of(random.uniform()));
    double at = now;
    for (std::int64_t left = burst_of(random); left > 0 && trace.jobs.size() < jobs; --left) {
      const Size& size = size_of(random.uniform());
      const std::int64_t duration = duration_of(size, random.uniform());
      trace.jobs.push_back({static_cast<std::int64_t>(at), duration, size.gpus, group, {}, {}});
      at += random.exponential(kBurstGap_s);
    }
  }
  std::stable_sort(trace.jobs.begin(), trace.jobs.end(),
                   [](const TraceJob& a, const TraceJob& b) { return a.submit_s < b.submit_s; });
  return trace;
}

}  // namespace replay
