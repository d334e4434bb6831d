#pragma once
#include <string>
#include <vector>

#include "ports/agent_link.h"
#include "ports/runtime.h"

namespace agent {

/// Load of one of a rank's GPUs.
struct GpuLoad {
  std::string uuid;
  std::int32_t permille = 0;
  std::int64_t memory_bytes = 0;
};

/// Picks the loads of the GPUs in `uuids` out of a sample of the whole node. Pure.
std::vector<GpuLoad> loads_of(const std::vector<std::string>& uuids,
                              const std::vector<domain::Gpu>& gpus,
                              const ports::NodeSample& sample);

/// Makes those of a node's simulated `gpus` that are in `uuids` fully busy in `sample`: they have
/// no load of their own to measure, so they are as busy as they are held by what is alive. Pure.
void load_simulated(const std::vector<std::string>& uuids, const std::vector<domain::Gpu>& gpus,
                    ports::NodeSample& sample);

/// Writes one line of a rank's samples file:
/// {"t":ms,"cpu_ms":n,"memory_bytes":n,"read_bytes":n,"write_bytes":n,"gpus":[{"uuid":"...",
/// "permille":n,"memory_bytes":n}]}. Counters are since the rank's start.
std::string sample_line(domain::Time at, const ports::RankUsage& usage,
                        const std::vector<GpuLoad>& gpus);

}  // namespace agent
