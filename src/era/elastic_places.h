#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"

namespace era {

/// Nodes with equally many GPUs each, a power of two up to 64.
struct ElasticNodes {
  std::int32_t nodes = 0;
  std::int32_t gpus_per_node = 0;
};

/// The GPUs [first, first + gpus) of a node.
struct GpuBlock {
  std::int32_t node = 0;
  std::int32_t first = 0;
  std::int32_t gpus = 0;
  friend bool operator==(const GpuBlock&, const GpuBlock&) = default;
};

/// Where a job lies: in one block of a node, aligned to its own size, or on whole nodes.
using ElasticPlaces = std::map<domain::JobId, std::vector<GpuBlock>>;

/// What is wrong with `nodes`, naming the field.
base::Result<> check(const ElasticNodes& nodes);

/// Places every job of `widths`, which are powers of two. A job that keeps its width stays where it
/// is in `before` unless a wider one cannot be placed otherwise. Always finds places for widths
/// that add up to no more GPUs than there are, which is why the planner needs to look at sums only:
/// the blocks of one size that no job of at least that size covers add up to what those jobs leave,
/// so one of them can be cleared of narrower jobs, and those come later. More than there are is a
/// bug. O(jobs x nodes).
ElasticPlaces place_all(const ElasticNodes& nodes,
                        const std::map<domain::JobId, std::int32_t>& widths,
                        const ElasticPlaces& before);

}  // namespace era
