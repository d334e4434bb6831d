#pragma once
#include <cstdint>
#include <map>

#include "domain/ids.h"

namespace era {

/// A number for each name of a node, from 0 on: given when it is first asked for, for good. What is
/// looked up for many nodes at once can so be an array. Numbers say nothing about order.
class NodeNumbers {
 public:
  /// O(log names).
  std::uint32_t of(const domain::NodeId& id) {
    return numbers_.try_emplace(id, static_cast<std::uint32_t>(numbers_.size())).first->second;
  }

 private:
  std::map<domain::NodeId, std::uint32_t> numbers_;
};

}  // namespace era
