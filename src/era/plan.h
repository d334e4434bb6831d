#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/bid.h"
#include "era/prices.h"

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

/// Resources promised to a job on [start, finish): rank i on nodes[i].
struct Booking {
  domain::JobId job;
  domain::PoolId pool;
  domain::Time start;
  domain::Time finish;
  domain::Resources per_rank;
  std::vector<domain::NodeId> nodes;
  bool movable = false;      ///< Not started: its nodes may change.
  bool firm = false;         ///< Its start may not change.
  domain::Time earliest;     ///< The window inside which a movable booking may be put elsewhere.
  domain::Time deadline = domain::kNever;
  domain::Shape shape;       ///< As asked, to find it another place.
  friend bool operator==(const Booking&, const Booking&) = default;
};
BOOST_DESCRIBE_STRUCT(Booking, (), (job, pool, start, finish, per_rank, nodes, movable, firm, earliest, deadline, shape))

struct Settings {
  domain::Duration slot = domain::kMinute;
  std::int32_t horizon_slots = 90 * 24 * 60;
};

/// Capacity and promises of the whole cluster over time: per node a step function for placement,
/// per pool a ring of slots for price and feasibility. Derived from the ledger's state, never kept.
/// Time is cut into slots; a booking holds every slot it touches.
class Plan {
 public:
  explicit Plan(Settings settings = {});

  void set_prices(const PriceList& prices);

  /// Adds a node or changes it; bookings on it stay, even where it no longer has the capacity.
  void put_node(const PlanNode& node);
  void remove_node(const domain::NodeId& id);  ///< Bookings on it stay until they are unbooked.

  /// Forgets what lies before `now` and opens the horizon as far again. Never goes back.
  /// O(slots passed) amortised.
  void advance(domain::Time now);

  /// Promises `booking`. The caller has checked that it fits (quote did): a GPU promised twice is a
  /// bug and CHECKs. O(slots + log bookings).
  void book(const Booking& booking);
  /// Ends the promise of `job`, all of it, or from `at` on. Unknown jobs are ignored.
  void unbook(domain::JobId job);
  void end_at(domain::JobId job, domain::Time at);
  /// Marks a booking as started: it may no longer move.
  void pin(domain::JobId job);

  const Booking* find(domain::JobId job) const;
  const std::map<domain::JobId, Booking>& bookings() const;
  /// Bookings that overlap a time at which one of their nodes is closed or lacks the capacity.
  std::vector<domain::JobId> displaced() const;

  // (The kernel's own accessors follow: nodes(), pools, promised per slot, price tables ...)
};

}  // namespace era
