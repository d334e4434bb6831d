#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace replay {

struct NodeSize {
  std::string name;
  std::int32_t gpus = 0;
};

/// What a policy is made for.
struct Cluster {
  std::int32_t gpus = 0;
  std::int32_t slot_s = 600;
  std::vector<NodeSize> nodes;               ///< Empty: one node with all GPUs.
  std::int32_t horizon_s = 180 * 24 * 3600;  ///< How far ahead is planned.
};

/// Reads a list of nodes: CSV whose first line names the columns "name" (or "sn") and "gpus" (or
/// "gpu"); others are left aside, as are nodes without GPUs. An error names line and column.
base::Result<std::vector<NodeSize>> parse_nodes(std::string_view text);
/// All their GPUs.
std::int32_t gpus_of(const std::vector<NodeSize>& nodes);

}  // namespace replay
