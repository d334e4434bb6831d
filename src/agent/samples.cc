#include "agent/samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace agent {

std::vector<GpuLoad> loads_of(const std::vector<std::string>& uuids,
                              const std::vector<domain::Gpu>& gpus,
                              const ports::NodeSample& sample) {
  std::vector<GpuLoad> loads;
  const std::size_t known =
      std::min({gpus.size(), sample.gpu_permille.size(), sample.gpu_memory_bytes.size()});
  for (std::size_t at = 0; at < known; ++at) {
    if (std::ranges::find(uuids, gpus[at].uuid) == uuids.end()) continue;
    loads.push_back({gpus[at].uuid, sample.gpu_permille[at], sample.gpu_memory_bytes[at]});
  }
  return loads;
}

void load_simulated(const std::vector<std::string>& uuids, const std::vector<domain::Gpu>& gpus,
                    ports::NodeSample& sample) {
  constexpr std::int32_t kBusy = 1'000;
  const std::size_t known = std::min(gpus.size(), sample.gpu_permille.size());
  for (std::size_t at = 0; at < known; ++at) {
    if (std::ranges::find(uuids, gpus[at].uuid) != uuids.end()) sample.gpu_permille[at] = kBusy;
  }
}

std::string sample_line(domain::Time at, const ports::RankUsage& usage,
                        const std::vector<GpuLoad>& gpus) {
  std::string line = fmt::format(
      R"({{"t":{},"cpu_ms":{},"memory_bytes":{},"read_bytes":{},"write_bytes":{},"gpus":[)", at.ms,
      usage.cpu_ms, usage.memory_bytes, usage.read_bytes, usage.write_bytes);
  const char* separator = "";
  for (const GpuLoad& gpu : gpus) {
    fmt::format_to(std::back_inserter(line), R"({}{{"uuid":"{}","permille":{},"memory_bytes":{}}})",
                   separator, gpu.uuid, gpu.permille, gpu.memory_bytes);
    separator = ",";
  }
  return line + "]}\n";
}

}  // namespace agent
