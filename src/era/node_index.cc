#include "era/node_index.h"

#include <bit>
#include <functional>
#include <string_view>

namespace era {

using domain::NodeId;

namespace {

std::uint32_t hash_of(const NodeId& id) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(id.value));
}

}  // namespace

NodeIndex::NodeIndex(const Lane& lane)
    : lane_(lane), entries_(std::bit_ceil(2 * lane.nodes().size() + 1)) {
  const std::size_t mask = entries_.size() - 1;
  for (std::size_t i = 0; i < lane.nodes().size(); ++i) {
    const std::uint32_t hash = hash_of(lane.nodes()[i].node.id);
    std::size_t at = hash & mask;
    while (entries_[at].position_and_one != 0) at = (at + 1) & mask;
    entries_[at] = {hash, static_cast<std::uint32_t>(i) + 1};
  }
}

void NodeIndex::find(std::span<const NodeId> ids, std::vector<std::uint32_t>& positions) const {
  const std::size_t mask = entries_.size() - 1;
  for (const NodeId& id : ids) {
    const std::uint32_t hash = hash_of(id);
    for (std::size_t at = hash & mask; entries_[at].position_and_one != 0; at = (at + 1) & mask) {
      const std::uint32_t position = entries_[at].position_and_one - 1;
      if (entries_[at].hash != hash || lane_.nodes()[position].node.id != id) continue;
      positions.push_back(position);
      break;
    }
  }
}

}  // namespace era
