#pragma once
#include <map>
#include <memory>
#include <vector>

#include "era/lane.h"
#include "era/node_numbers.h"

namespace era {

/// All lanes of a cluster: capacity and promises over time, without whose they are. Cheap enough to
/// copy that a change to many bookings is first tried on a copy.
class Ground {
 public:
  explicit Ground(domain::Duration slot);

  domain::Duration slot() const { return slot_; }
  std::int64_t begin() const { return begin_; }
  const PriceList& prices() const { return *prices_; }
  const std::map<LaneKey, Lane>& lanes() const { return lanes_; }
  /// O(lanes x log nodes).
  const Lane* lane_of(const domain::NodeId& node) const;
  const NodeLine* find(const domain::NodeId& node) const;
  /// The number of a node, whether it is there or not; copies of the ground have the same.
  std::uint32_t number_of(const domain::NodeId& node) const { return numbers_->of(node); }

  void set_prices(const PriceList& prices);
  void set_forecast(const LaneKey& key, const Forecast& forecast);
  void advance(std::int64_t slot);
  /// From now on times in which nodes are closed are known up to this slot. Never goes back.
  void know_until(std::int64_t slot);
  /// Adds nodes or changes them. Once for many is faster than for each.
  void put_nodes(const std::vector<PlanNode>& nodes);
  void remove_node(const domain::NodeId& id);

  /// Adds or takes away what a gang holds. Nodes that are gone are skipped.
  void add(const Hold& hold);
  void release(const Hold& hold);
  /// True if no node would have more promised than it has, and none is closed.
  bool fits(const Hold& hold) const;

 private:
  void change(const Hold& hold, std::int32_t sign);
  NodeLine take(const domain::NodeId& id);
  void insert(NodeLine line);
  void price_capacities();
  void forget_if_gone(const domain::NodeId& id);

  domain::Duration slot_;
  std::int64_t begin_ = 0;
  std::int64_t known_until_ = 0;
  std::shared_ptr<const PriceList> prices_;
  std::shared_ptr<NodeNumbers> numbers_;
  std::map<LaneKey, Lane> lanes_;
  std::map<LaneKey, std::shared_ptr<const Forecast>> forecasts_;  ///< Also of lanes without nodes.
};

/// How many ranks each node of `nodes` gets.
std::map<domain::NodeId, std::int32_t> ranks_by_node(const std::vector<domain::NodeId>& nodes);

}  // namespace era
