#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "replay/report.h"
#include "replay/svg.h"

namespace replay {
namespace {

constexpr std::size_t kPoints = 280;
constexpr double kDay_s = 86'400;
constexpr std::size_t kHours = 24;

double days_of(const Workload& workload) {
  return static_cast<double>(workload.slots) * workload.slot_s / kDay_s;
}

/// The means of `kPoints` even parts of `from`, or `from` itself if it is shorter.
template <class Number>
std::vector<double> thinned(const std::vector<Number>& from, std::size_t size, double unit) {
  size = std::min(size, from.size());
  const std::size_t parts = std::min(size, kPoints);
  std::vector<double> means;
  for (std::size_t i = 0; i < parts; ++i) {
    const auto first = from.begin() + static_cast<std::ptrdiff_t>(i * size / parts);
    const auto end = from.begin() + static_cast<std::ptrdiff_t>((i + 1) * size / parts);
    means.push_back(std::accumulate(first, end, 0.0) / static_cast<double>(end - first) / unit);
  }
  return means;
}

std::string utilisation(const Report& report) {
  const Frame frame{"GPUs in use", "days", "% of the capacity", days_of(report.workload), 100};
  std::vector<Curve> curves;
  for (const Outcome& outcome : report.outcomes) {
    curves.push_back(
        {outcome.policy, thinned(outcome.in_use, static_cast<std::size_t>(report.workload.slots),
                                 report.workload.gpus / 100.0)});
  }
  return draw_curves(frame, curves);
}

std::string value(const Report& report) {
  const double requested = report.workload.requested_value;
  const Frame frame{report.bound ? fmt::format("Value done in time; no schedule does more than "
                                               "{:.1f} %",
                                               *report.bound / requested * 100)
                                 : "Value done in time",
                    "", "% of the value requested", 1, 100};
  Bars bars;
  BarGroup group;
  for (const Outcome& outcome : report.outcomes) {
    bars.names.push_back(outcome.policy);
    group.heights.push_back(outcome.value / requested * 100);
  }
  bars.groups.push_back(group);
  return draw_bars(frame, bars);
}

/// A class of jobs by how many GPUs they ask for.
struct SizeClass {
  std::string label;
  std::int32_t least;
  std::int32_t most;
};

std::string by_size(const Report& report) {
  const std::vector<SizeClass> classes{
      {"1 GPU", 1, 1}, {"2 to 4", 2, 4}, {"5 to 8", 5, 8}, {"9 and more", 9, report.workload.gpus}};
  Bars bars;
  for (const Outcome& outcome : report.outcomes) bars.names.push_back(outcome.policy);
  for (const SizeClass& size : classes) {
    BarGroup group{size.label, {}};
    for (const Outcome& outcome : report.outcomes) {
      double all = 0;
      double on_time = 0;
      for (std::size_t i = 0; i < outcome.fates.size(); ++i) {
        const std::int32_t gpus = report.workload.jobs[i].bid.gpus;
        if (gpus < size.least || gpus > size.most) continue;
        ++all;
        if (outcome.fates[i].kind == Fate::Kind::on_time) ++on_time;
      }
      group.heights.push_back(100 * on_time / std::max(1.0, all));
    }
    bars.groups.push_back(std::move(group));
  }
  return draw_bars(
      {"Jobs accepted and done in time, by size", "GPUs asked for", "% of the jobs", 1, 100}, bars);
}

/// The mean price of each hour of each day.
std::string price(const Report& report, const Outcome& outcome) {
  const std::int32_t slot_s = report.workload.slot_s;
  const auto days = static_cast<std::size_t>(days_of(report.workload)) + 1;
  Cells cells{std::vector(kHours, std::vector(days, 0.0)), "credits a GPU-hour"};
  std::vector counts(kHours, std::vector(days, 0.0));
  for (std::size_t slot = 0; slot < outcome.price.size(); ++slot) {
    const std::size_t second = slot * static_cast<std::size_t>(slot_s);
    const std::size_t day = second / static_cast<std::size_t>(kDay_s);
    const std::size_t hour = second / 3600 % kHours;
    cells.rows[hour][day] += outcome.price[slot];
    ++counts[hour][day];
  }
  for (std::size_t hour = 0; hour < kHours; ++hour) {
    for (std::size_t day = 0; day < days; ++day)
      cells.rows[hour][day] /= std::max(1.0, counts[hour][day]);
  }
  return draw_cells({"What one more GPU cost at once: " + outcome.policy, "day", "hour of the day",
                     static_cast<double>(days), kHours},
                    cells);
}

}  // namespace

std::map<std::string, std::string> plots(const Report& report) {
  std::map<std::string, std::string> files{{"utilisation.svg", utilisation(report)},
                                           {"value.svg", value(report)},
                                           {"accepted-by-size.svg", by_size(report)}};
  for (const Outcome& outcome : report.outcomes) {
    const auto asks = [](double each) { return each > 0; };
    if (std::any_of(outcome.price.begin(), outcome.price.end(), asks))
      files.emplace("price-" + outcome.policy + ".svg", price(report, outcome));
  }
  return files;
}

}  // namespace replay
