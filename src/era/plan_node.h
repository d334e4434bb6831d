#pragma once
#include <string>

#include "domain/ids.h"
#include "domain/resources.h"
#include "domain/time.h"

namespace era {

/// A node as the planner sees it: capacity until `closed_from`, none after.
struct PlanNode {
  domain::NodeId id;
  domain::PoolId pool;
  std::string gpu_model;  ///< Empty on a CPU-only node.
  domain::Resources capacity;
  domain::Time closed_from = domain::kNever;
  friend bool operator==(const PlanNode&, const PlanNode&) = default;
};

}  // namespace era
