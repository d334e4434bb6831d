#include "replay/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <utility>

namespace replay {
namespace {

using namespace std::string_view_literals;

constexpr std::int64_t kLongest_s = 14 * 24 * 3600;
constexpr std::int32_t kFewestGpus = 8;
constexpr std::int32_t kMostGpus = 10'000'000;
constexpr std::array kRates{1.0, 2.0, 4.0, 10.0};
constexpr std::array kGavelFactors{1.2, 2.0, 10.0};
/// Slack factors and how many of those asked named them (Chronus, SoCC 2021).
constexpr std::array kSurvey{std::pair{1.0, 3},  std::pair{1.025, 12}, std::pair{1.05, 21},
                             std::pair{1.1, 25}, std::pair{1.2, 22},   std::pair{1.5, 10},
                             std::pair{2.2, 5},  std::pair{3.4, 3}};
constexpr double kStatedMedian = 1.25;
constexpr double kStatedSpread = 0.4;
/// Keeps draws of one kind apart from those of another, so that a switch changes only its own.
constexpr std::uint64_t kGroupStream = 0x9e3779b97f4a7c15;
constexpr std::uint64_t kEstimateStream = 0xc2b2ae3d27d4eb4f;

template <class Enum, std::size_t N>
base::Result<Enum> named(std::string_view option, std::string_view name,
                         const std::array<std::pair<std::string_view, Enum>, N>& all) {
  std::string names;
  for (const auto& [each, value] : all) {
    if (each == name) return value;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", each);
  }
  return base::invalid(option, "no {} \"{}\"; there are {}", option, name, names);
}

using Generator = std::mt19937_64;

double uniform(Generator& random) { return std::uniform_real_distribution<double>(0, 1)(random); }

template <std::size_t N>
double pick(const std::array<double, N>& from, double draw) {
  return from[std::min(N - 1, static_cast<std::size_t>(draw * N))];
}

double survey_factor(double draw) {
  int total = 0;
  for (const auto& [factor, weight] : kSurvey) total += weight;
  double left = draw * total;
  for (const auto& [factor, weight] : kSurvey) {
    if (left < weight) return factor;
    left -= weight;
  }
  return kSurvey.back().first;
}

double window_factor(Deadlines deadlines, double draw) {
  if (deadlines == Deadlines::b) return pick(kGavelFactors, draw);
  if (deadlines == Deadlines::c) return survey_factor(draw);
  return 1.05 + 0.95 * draw;
}

std::int64_t duration_of(const TraceJob& job) { return std::min(job.duration_s, kLongest_s); }
double work_of(const TraceJob& job) { return static_cast<double>(duration_of(job)) * job.gpus; }

double work_of(const Trace& trace) {
  return std::accumulate(trace.jobs.begin(), trace.jobs.end(), 0.0,
                         [](double sum, const TraceJob& job) { return sum + work_of(job); });
}

/// True for the tenth of the jobs with the most GPU-hours, the first ones where they tie.
std::vector<bool> large_jobs(const Trace& trace) {
  std::vector<std::size_t> order(trace.jobs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return work_of(trace.jobs[a]) > work_of(trace.jobs[b]);
  });
  std::vector<bool> large(order.size(), false);
  for (std::size_t i = 0; i < order.size() / 10; ++i) large[order[i]] = true;
  return large;
}

std::map<std::string, double> group_rates(const Trace& trace, std::uint64_t seed) {
  Generator random(seed ^ kGroupStream);
  std::map<std::string, double> rates;
  for (const TraceJob& job : trace.jobs) {
    if (!rates.contains(job.group)) rates.emplace(job.group, pick(kRates, uniform(random)));
  }
  return rates;
}

/// A quarter to four times the GPUs that a job had, as far as that is whole numbers. No trace says
/// how fast it is on them: twice as many are 1.8 times as fast.
domain::Widths widths_of(std::int32_t gpus) {
  constexpr std::array<std::int32_t, 5> kSpeeds{1'000, 1'800, 3'240, 5'832, 10'498};
  domain::Widths widths;
  for (std::size_t i = 0; i < kSpeeds.size(); ++i) {
    const std::int32_t quarters = gpus * (std::int32_t{1} << i);
    if (quarters % 4 == 0) widths.push_back({quarters / 4, kSpeeds[i]});
  }
  return widths;
}

/// Draws the bids of one trace, job by job.
class Draw {
 public:
  Draw(const Trace& trace, const Drawing& drawing)
      : trace_(trace),
        drawing_(drawing),
        random_(drawing.seed),
        estimates_(drawing.seed ^ kEstimateStream),
        first_slot_(trace.jobs.front().submit_s / drawing.slot_s) {
    if (drawing.values == Values::ii) large_ = large_jobs(trace);
    if (drawing.values == Values::iv) rates_ = group_rates(trace, drawing.seed);
  }

  Job job(std::size_t i) {
    const TraceJob& from = trace_.jobs[i];
    const double window = uniform(random_);
    const double rate = uniform(random_);
    Job job;
    job.needed = static_cast<std::int32_t>(
        std::max<std::int64_t>(1, (duration_of(from) + drawing_.slot_s - 1) / drawing_.slot_s));
    job.bid.arrival = static_cast<std::int32_t>(from.submit_s / drawing_.slot_s - first_slot_);
    job.bid.gpus = from.gpus;
    job.bid.deadline = deadline(from, job, window);
    job.bid.length = stated(job);
    job.bid.value = value(i, job, rate);
    job.bid.preemptible = drawing_.bids != Bids::rigid;
    if (drawing_.bids == Bids::elastic) job.bid.widths = widths_of(from.gpus);
    job.bid.restart = (drawing_.restart_s + drawing_.slot_s - 1) / drawing_.slot_s;
    return job;
  }

 private:
  std::int32_t deadline(const TraceJob& from, const Job& job, double draw) const {
    if (drawing_.deadlines == Deadlines::given) {
      const std::int64_t slot = *from.deadline_s / drawing_.slot_s - first_slot_;
      return static_cast<std::int32_t>(std::clamp<std::int64_t>(slot, job.bid.arrival, kLastSlot));
    }
    const double length = window_factor(drawing_.deadlines, draw) * job.needed;
    return job.bid.arrival + std::max(job.needed, static_cast<std::int32_t>(std::floor(length)));
  }

  std::int32_t stated(const Job& job) {
    if (drawing_.estimate_error == EstimateError::none) return job.needed;
    // Box and Muller: the standard library's normal distribution differs between libraries.
    const double radius = std::sqrt(-2 * std::log(1 - uniform(estimates_)));
    const double normal = radius * std::cos(2 * 3.14159265358979323846 * uniform(estimates_));
    const double said = std::ceil(job.needed * kStatedMedian * std::exp(kStatedSpread * normal));
    const std::int32_t window = std::max(1, job.bid.deadline - job.bid.arrival);
    return static_cast<std::int32_t>(std::clamp(said, 1.0, static_cast<double>(window)));
  }

  double value(std::size_t i, const Job& job, double draw) const {
    const TraceJob& from = trace_.jobs[i];
    if (drawing_.values == Values::given) return *from.value;
    double rate = 1;
    if (drawing_.values == Values::ii) rate = large_[i] ? 1 : 10;
    if (drawing_.values == Values::iii) rate = pick(kRates, draw);
    if (drawing_.values == Values::iv) rate = rates_.at(from.group);
    return rate * from.gpus * job.needed * drawing_.slot_s / 3600.0;
  }

  static constexpr std::int64_t kLastSlot = 10'000'000;
  const Trace& trace_;
  const Drawing& drawing_;
  Generator random_;
  Generator estimates_;
  std::int64_t first_slot_;
  std::vector<bool> large_;
  std::map<std::string, double> rates_;
};

base::Result<> check(const Trace& trace, const Drawing& drawing) {
  const auto every = [&](auto member) {
    return std::all_of(trace.jobs.begin(), trace.jobs.end(),
                       [&](const TraceJob& job) { return (job.*member).has_value(); });
  };
  if (trace.jobs.empty()) return base::invalid("trace", "the trace has no jobs");
  if (drawing.slot_s < 1) return base::invalid("slot", "a slot lasts a second or more");
  if (drawing.gpus ? *drawing.gpus < 1 : !(drawing.load > 0 && std::isfinite(drawing.load)))
    return base::invalid("load", "load and GPUs are above 0");
  if (drawing.deadlines == Deadlines::given && !every(&TraceJob::deadline_s))
    return base::invalid("deadlines", "not every job of the trace has a deadline");
  if (drawing.values == Values::given && !every(&TraceJob::value))
    return base::invalid("values", "not every job of the trace has a value");
  const std::int64_t span = trace.jobs.back().submit_s - trace.jobs.front().submit_s;
  if (span / drawing.slot_s > std::numeric_limits<std::int32_t>::max() / 1000)
    return base::invalid("slot", "the trace has too many slots");
  if (!drawing.gpus && span == 0)
    return base::invalid("load", "all jobs arrive at once: say how many GPUs there are");
  return {};
}

}  // namespace

base::Result<Workload> draw(const Trace& trace, const Drawing& drawing) {
  if (auto fine = check(trace, drawing); !fine) return base::pass(fine);
  const auto span = static_cast<double>(
      std::max<std::int64_t>(1, trace.jobs.back().submit_s - trace.jobs.front().submit_s));
  const double busy = work_of(trace) / span;
  const double wanted = std::round(busy / drawing.load);
  if (!drawing.gpus && wanted > kMostGpus)
    return base::invalid("load", "it takes {:.0f} GPUs, more than {}", wanted, kMostGpus);
  Workload made;
  made.gpus =
      drawing.gpus ? *drawing.gpus : std::max(kFewestGpus, static_cast<std::int32_t>(wanted));
  made.load = busy / made.gpus;
  made.slot_s = drawing.slot_s;
  Draw draws(trace, drawing);
  for (std::size_t i = 0; i < trace.jobs.size(); ++i) {
    Job job = draws.job(i);
    made.slots = job.bid.arrival + 1;
    if (job.bid.gpus > made.gpus) {
      ++made.too_wide;
      continue;
    }
    job.bid.job = static_cast<std::int32_t>(made.jobs.size());
    made.requested_value += job.bid.value;
    made.jobs.push_back(job);
  }
  if (made.jobs.empty())
    return base::invalid("gpus", "every job asks for more GPUs than there are");
  return made;
}

base::Result<Deadlines> deadlines_of(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Deadlines>, 4> kAll{
      {{"a", Deadlines::a}, {"b", Deadlines::b}, {"c", Deadlines::c}, {"given", Deadlines::given}}};
  return named("deadlines", name, kAll);
}

base::Result<Values> values_of(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Values>, 5> kAll{
      {{"i", Values::i},
       {"ii", Values::ii},
       {"iii", Values::iii},
       {"iv", Values::iv},
       {"given", Values::given}}};
  return named("values", name, kAll);
}

base::Result<Bids> bids_of(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Bids>, 3> kAll{
      {{"rigid", Bids::rigid}, {"preemptible", Bids::preemptible}, {"elastic", Bids::elastic}}};
  return named("bids", name, kAll);
}

base::Result<EstimateError> estimate_error_of(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, EstimateError>, 2> kAll{
      {{"none", EstimateError::none}, {"survey", EstimateError::survey}}};
  return named("estimate-error", name, kAll);
}

}  // namespace replay
