#pragma once
#include <string>
#include <vector>

#include "domain/closed_time.h"
#include "domain/ids.h"
#include "domain/resources.h"
#include "domain/time.h"

namespace era {

/// A node as the planner sees it: it has its capacity but in the times in which it is closed.
struct PlanNode {
  domain::NodeId id;
  domain::PoolId pool;
  std::string gpu_model;  ///< Empty on a CPU-only node.
  domain::Resources capacity;
  std::vector<domain::ClosedTime> closed{};
  /// It is off: so long from now, whenever that is, it has nothing.
  domain::Duration opens_after{};
  friend bool operator==(const PlanNode&, const PlanNode&) = default;
};

}  // namespace era
