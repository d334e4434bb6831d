#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "era/lane.h"

namespace era {

/// Where the nodes of a lane lie in it, for many questions at once. Good as long as the lane has
/// the same nodes. O(nodes) to make.
class NodeIndex {
 public:
  explicit NodeIndex(const Lane& lane);

  /// Adds the position of each of `ids` that the lane has to `positions`. O(ids).
  void find(std::span<const domain::NodeId> ids, std::vector<std::uint32_t>& positions) const;

 private:
  struct Entry {
    std::uint32_t hash = 0;
    std::uint32_t position_and_one = 0;  ///< 0 where nothing is.
  };
  const Lane& lane_;
  std::vector<Entry> entries_;  ///< Open addressing; a power of two, at most half full.
};

}  // namespace era
