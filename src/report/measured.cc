#include "report/measured.h"

#include <algorithm>

namespace report {
namespace {

constexpr domain::Duration kFurthestApart = domain::kMinute * 5;
constexpr double kHour_ms = 3'600'000;

}  // namespace

void Measured::add(const RankRun& run, std::span<const RankSample> samples) {
  ran_ = ran_ + (run.period.to - run.period.from);
  Area& used = used_[run.node];
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const RankSample& before = samples[i - 1];
    const RankSample& after = samples[i];
    const domain::Duration apart = after.at - before.at;
    const domain::Duration inside = run.period.overlap(before.at, after.at);
    if (apart > kFurthestApart || inside <= domain::Duration{}) continue;
    measured_ = measured_ + inside;
    const std::int64_t cpu_ms = std::max<std::int64_t>(0, after.cpu_ms - before.cpu_ms);
    used.cpu_milli_ms += static_cast<__int128>(cpu_ms) * 1'000 * inside.ms / apart.ms;
    used.memory_byte_ms += static_cast<__int128>(after.memory_bytes) * inside.ms;
    used.gpu_ms += static_cast<__int128>(after.gpu_permille) * inside.ms / 1'000;
  }
}

MeasuredReport Measured::report(const std::vector<Machine>& machines, const Ratios& ratios) const {
  MeasuredReport all;
  all.rank_hours = static_cast<double>(ran_.ms) / kHour_ms;
  all.measured_hours = static_cast<double>(measured_.ms) / kHour_ms;
  std::vector<Machine> seen = machines;
  for (Machine& machine : seen) {
    const auto found = used_.find(machine.node);
    machine.used = found == used_.end() ? ResourceHours{} : found->second.hours();
    machine.utilisation = share(machine.used, machine.capacity, ratios);
    all.machines.push_back({machine.node, machine.used, machine.utilisation});
  }
  all.utilisation = utilisation(seen);
  return all;
}

}  // namespace report
