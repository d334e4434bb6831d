#pragma once
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "domain/ids.h"
#include "domain/resources.h"
#include "era/free_blocks.h"
#include "era/plan_node.h"
#include "era/price_table.h"
#include "era/steps.h"

namespace era {

/// A lane is what one gang may lie on: the nodes of one pool with one GPU model (or with none).
struct LaneKey {
  domain::PoolId pool;
  std::string gpu_model;  ///< In lower case.
  friend auto operator<=>(const LaneKey&, const LaneKey&) = default;
};

/// What is promised on a node in a slot.
struct Load {
  domain::Resources promised;
  std::int32_t core_units = 0;  ///< Whole cores, rounded up per rank: what the price counts.
  bool closed = false;          ///< The node has nothing then, whatever is promised on it.
  friend bool operator==(const Load&, const Load&) = default;
};

/// Cores of a rank as the price counts them.
constexpr std::int32_t core_units(const domain::Resources& per_rank) {
  return static_cast<std::int32_t>((per_rank.cpu_millis + 999) / 1000);
}

/// A node and what is promised on it over time.
struct NodeLine {
  PlanNode node;
  bool present = true;  ///< False once removed; kept while something is still booked on it.
  Steps<Load> load;
  std::uint32_t number = 0;  ///< Of its name; see Ground::number_of().
  std::size_t column = 0;    ///< In the free blocks of its lane.

  /// True if the node can hold anything at all in `slots`. O(1) if it never closes, else O(steps in
  /// slots).
  bool open_over(SlotRange slots) const;
  /// It is closed in these slots, which are in order and apart, and in no others. O(steps).
  void close(const std::vector<SlotRange>& slots);
  /// The least that is free of each resource over `slots`, whether open or not. O(steps in slots).
  domain::Resources free_over(SlotRange slots) const;
};

/// A stretch of slots in which a lane's capacity and promises stay the same.
struct Run {
  std::int32_t gpus_free = 0;
  std::int32_t gpus_promised = 0;
  std::int64_t cpu_millis_free = 0;
  std::int32_t core_units = 0;
  std::int32_t capacity = 0;  ///< Which of the lane's capacities holds.
  friend bool operator==(const Run&, const Run&) = default;
};

/// One of the capacities that a lane has over time, with its prices by lead.
struct Capacity {
  std::int32_t gpus = 0;
  std::int64_t cpu_millis = 0;
  std::vector<std::shared_ptr<const PriceTable>> gpu_prices;
  std::vector<std::shared_ptr<const PriceTable>> core_prices;
};

/// What a whole gang takes from its lane in every slot.
struct Gang {
  std::int32_t gpus = 0;
  std::int64_t cpu_millis = 0;
  std::int32_t core_units = 0;
};

/// What a gang holds: its ranks on their nodes for some slots.
struct Hold {
  domain::Resources per_rank;
  const std::vector<domain::NodeId>& nodes;  ///< Rank i on nodes[i].
  SlotRange slots;
};

/// The nodes of a lane, and the sum of what is free and promised on those that are open. Keeps the
/// sums equal to the nodes: both change together.
class Lane {
 public:
  static constexpr std::int64_t kInfeasible = -1;

  Lane(LaneKey key, std::int64_t begin, std::shared_ptr<const PriceList> prices);

  const LaneKey& key() const { return key_; }
  const std::vector<NodeLine>& nodes() const { return nodes_; }  ///< By id.
  const NodeLine* find(const domain::NodeId& id) const;
  const Steps<Run>& runs() const { return runs_; }
  const FreeBlocks& free_blocks() const { return free_blocks_; }
  const Capacity& capacity_of(const Run& run) const {
    return capacities_[static_cast<std::size_t>(run.capacity)];
  }
  const PriceList& prices() const { return *prices_; }
  /// Whether any of its nodes has some, open or not.
  bool has_gpus() const;
  /// Whether expected demand makes more of the prices than the published curve.
  bool is_priced_by_demand() const;

  /// Prices depend on how far ahead a slot lies: lead i is from its start up to that of the next,
  /// the last without end. There is one where nothing is forecast.
  std::size_t lead_of(std::int64_t slot) const;
  std::int64_t leads() const { return std::ssize(leads_); }
  /// The slot after the last of `lead`.
  std::int64_t lead_end(std::size_t lead) const {
    return lead + 1 < leads_.size() ? now_ + leads_[lead + 1].slots : kEndOfTime;
  }

  /// What one slot of `run` at `lead` costs `gang`, in micro-credits an hour; kInfeasible where it
  /// is too full.
  std::int64_t slot_cost(const Run& run, std::size_t lead, const Gang& gang) const {
    if (gang.gpus > run.gpus_free || gang.cpu_millis > run.cpu_millis_free) return kInfeasible;
    const Capacity& capacity = capacity_of(run);
    std::int64_t cost = 0;
    if (gang.gpus > 0) cost += capacity.gpu_prices[lead]->cost(run.gpus_promised, gang.gpus);
    if (gang.core_units > 0)
      cost += capacity.core_prices[lead]->cost(run.core_units, gang.core_units);
    return cost;
  }
  /// The least that a slot can cost `gang`.
  std::int64_t least_slot_cost(const Gang& gang) const;

  void set_prices(std::shared_ptr<const PriceList> prices);
  /// From now on demand makes the prices. `slot` is how long one lasts.
  void set_forecast(std::shared_ptr<const Forecast> forecast, domain::Duration slot);
  /// It is `slot` now: forgets what lies before, and every lead begins later.
  void trim(std::int64_t slot);
  /// Closes what is off for as long after the slot of trim() as it takes to open. Cheapest where
  /// equal nodes are neighbours: O(nodes x steps so close + runs).
  void delay_opening(domain::Duration slot);

  /// Puts a node in, with what is promised on it. Its id must not be there yet.
  void insert(NodeLine line);
  /// Takes a node out.
  NodeLine take(const domain::NodeId& id);
  /// Prices the capacities that the lane has now. Must follow insert() and take() before anything
  /// is asked for: to do so once for many nodes is many times faster.
  void price_capacities();
  /// Adds what `hold` has on nodes of this lane to what is promised on them (`sign` 1), or takes it
  /// away (-1). Returns true if one of them was removed before. Cheapest where equal nodes are
  /// neighbours: O(nodes x (log nodes + steps) + runs).
  bool change(const Hold& hold, std::int32_t sign);

 private:
  /// From how many slots ahead on which row of the forecast holds.
  struct Lead {
    std::int64_t slots = 0;
    std::size_t row = 0;
  };
  /// By how much a node adds to the sums of its lane.
  struct Share {
    std::int32_t capacity_gpus = 0;
    std::int64_t capacity_cpu_millis = 0;
    std::int32_t gpus_free = 0;
    std::int64_t cpu_millis_free = 0;
    std::int32_t core_units = 0;
    friend Share operator+(const Share& a, const Share& b) {
      return {a.capacity_gpus + b.capacity_gpus, a.capacity_cpu_millis + b.capacity_cpu_millis,
              a.gpus_free + b.gpus_free, a.cpu_millis_free + b.cpu_millis_free,
              a.core_units + b.core_units};
    }
    friend Share operator-(const Share& a, const Share& b) {
      return {a.capacity_gpus - b.capacity_gpus, a.capacity_cpu_millis - b.capacity_cpu_millis,
              a.gpus_free - b.gpus_free, a.cpu_millis_free - b.cpu_millis_free,
              a.core_units - b.core_units};
    }
    friend bool operator==(const Share&, const Share&) = default;
  };
  /// Changes of the sums that are still to be made: those of neighbours in `nodes` over the same
  /// slots are made at once.
  struct Pending {
    SlotRange slots;
    Share by;
  };
  void add_to_node(NodeLine& line, SlotRange slots, const Load& more, Pending& pending);
  void close(NodeLine& line, SlotRange slots, Pending& pending);
  void queue(Pending& pending, SlotRange slots, const Share& by);
  static Share share_of(const NodeLine& line, const Load& load);
  void add_share(const NodeLine& line, bool put_in);
  void change_runs(SlotRange slots, const Share& by);
  std::int32_t capacity_index(std::int32_t gpus, std::int64_t cpu_millis);
  void price(Capacity& capacity) const;
  std::vector<std::shared_ptr<const PriceTable>> tables(std::int32_t capacity,
                                                        domain::Money unit_hour,
                                                        bool by_demand) const;
  void drop_unused_capacities();
  std::size_t position(const domain::NodeId& id) const;
  std::uint64_t key_of(const domain::NodeId& id) const;
  void add_key(std::size_t at);

  LaneKey key_;
  std::shared_ptr<const PriceList> prices_;
  std::shared_ptr<const Forecast> forecast_;  ///< None yet: the published curve makes the prices.
  std::vector<Lead> leads_{Lead{}};
  std::int64_t now_;
  std::vector<NodeLine> nodes_;
  std::vector<std::uint64_t> keys_;  ///< Of the nodes: most ids differ in them already.
  std::size_t common_ = 0;           ///< How many bytes all ids begin with alike.
  FreeBlocks free_blocks_;
  std::vector<Capacity> capacities_;
  Steps<Run> runs_;
};

/// Goes along a lane from a slot on, through stretches in which both the run and the lead stay the
/// same.
class Stages {
 public:
  Stages(const Lane& lane, std::int64_t slot)
      : lane_(&lane),
        step_(&lane.runs().all()[lane.runs().at(slot)]),
        lead_(lane.lead_of(slot)),
        from_(slot) {}
  const Run& run() const { return step_->value; }
  std::size_t lead() const { return lead_; }
  std::int64_t from() const { return from_; }
  std::int64_t end() const { return std::min(step_[1].from, lane_->lead_end(lead_)); }
  void next() {
    from_ = end();
    if (step_[1].from == from_) ++step_;
    if (lane_->lead_end(lead_) == from_) ++lead_;
  }

 private:
  const Lane* lane_;
  const Steps<Run>::Step* step_;
  std::size_t lead_;
  std::int64_t from_;
};

}  // namespace era
