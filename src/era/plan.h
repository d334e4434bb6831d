#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/bid.h"
#include "era/ground.h"
#include "era/piece.h"
#include "era/plan_node.h"
#include "era/prices.h"

namespace era {

/// Resources promised to a job on [start, finish): rank i on nodes[i]. One that is preemptible may
/// go on in later pieces; then all this speaks of the first.
struct Booking {
  domain::JobId job;
  domain::PoolId pool;
  domain::Time start;
  domain::Time finish;
  domain::Resources per_rank;
  std::vector<domain::NodeId> nodes;
  bool movable = false;   ///< Not started: its nodes may change.
  bool firm = false;      ///< Its start may not change.
  domain::Time earliest;  ///< The window inside which a movable booking may be put elsewhere.
  domain::Time deadline = domain::kNever;
  domain::Shape shape;  ///< As asked, to find it another place.
  Pieces later;         ///< After a pause each; only if it is preemptible.
  bool preemptible = false;
  domain::Duration restart;  ///< What a break costs it.
  bool resumes = false;      ///< It has run before: its first piece begins with a restart.
  domain::Widths widths{};   ///< Elastic: each piece has one of them.
  friend bool operator==(const Booking&, const Booking&) = default;
};
BOOST_DESCRIBE_STRUCT(Booking, (),
                      (job, pool, start, finish, per_rank, nodes, movable, firm, earliest, deadline,
                       shape, later, preemptible, restart, resumes, widths))

/// Its next piece becomes its first. It must have one.
void go_to_next_piece(Booking& booking);
/// Its shape as its first piece has it: an elastic booking has other ranks than it asked for.
domain::Shape shape_of(const Booking& booking);
/// How long it holds its place, in all pieces.
domain::Duration length_of(const Booking& booking);

/// A booking that may be moved, or whose later pieces may be, with what a search through all of
/// them looks at.
struct Movable {
  domain::Time start;
  SlotRange slots;
  const Booking* booking = nullptr;
  std::vector<std::uint32_t> nodes{};  ///< The numbers of its nodes, a rank each; see Ground.
};

struct Settings {
  domain::Duration slot = domain::kMinute;
  std::int32_t horizon_slots = 90 * 24 * 60;
};

/// Capacity and promises of the whole cluster over time: per node a step function for placement,
/// per lane the sum of its nodes for price and feasibility. Derived from the ledger's state, never
/// kept. Time is cut into slots; a booking holds every slot it touches. A node's removal or closing
/// leaves its bookings in place, but they no longer take anything from the nodes that are left.
class Plan {
 public:
  explicit Plan(Settings settings = {});
  Plan(const Plan& other);
  Plan& operator=(const Plan& other);
  Plan(Plan&&) = default;
  Plan& operator=(Plan&&) = default;
  ~Plan() = default;

  /// `prices` must pass check().
  void set_prices(const PriceList& prices);
  /// From now on demand makes the prices of that lane, which may have no nodes yet. O(capacity x
  /// rates x leads).
  void set_forecast(const LaneKey& lane, const Forecast& forecast);

  /// Adds a node or changes it; bookings on it stay, even where it no longer has the capacity.
  /// O(steps of the node x runs of its lane).
  void put_node(const PlanNode& node) { put_nodes({node}); }
  /// The same for many, which is faster than for each.
  void put_nodes(const std::vector<PlanNode>& nodes);
  void remove_node(const domain::NodeId& id);  ///< Bookings on it stay until they are unbooked.

  /// Forgets what lies before `now` and opens the horizon as far again. Never goes back.
  /// O(nodes + steps passed).
  void advance(domain::Time now);

  /// Promises `booking`. The caller has checked that it fits (quote did): a GPU promised twice is a
  /// bug and CHECKs, as is a job booked twice. O(nodes x (log nodes + steps in the booking)).
  void book(const Booking& booking);
  /// Books what was promised before, when a plan is rebuilt: its nodes may since have closed,
  /// shrunk or gone, so nothing is checked. Until the nodes are put back it shows in displaced().
  void restore(const Booking& booking);
  /// Ends the promise of `job`. Unknown jobs are ignored.
  void unbook(domain::JobId job);
  /// Marks a booking as started: it may no longer move, but for its later pieces.
  void pin(domain::JobId job);

  const Booking* find(domain::JobId job) const;
  const std::map<domain::JobId, Booking>& bookings() const { return bookings_; }
  /// The bookings that may be moved, or the rest of them, by job. Kept side by side: going through
  /// them is many times faster than going through all bookings.
  const std::vector<Movable>& movables() const { return movables_; }
  /// Bookings that overlap a time at which one of their nodes is closed or lacks the capacity.
  /// Times before the last advance() do not count.
  std::vector<domain::JobId> displaced() const;

  const Settings& settings() const { return settings_; }
  const PriceList& prices() const { return ground_.prices(); }
  /// The lanes that quotes look at; copied to try changes out.
  const Ground& ground() const { return ground_; }
  /// The start of the first slot that is still planned, and the end of the last.
  domain::Time begin() const;
  domain::Time horizon_end() const;
  /// The slots that `booking` touches, in its first piece.
  SlotRange slots_of(const Booking& booking) const;
  /// What `booking` holds, piece by piece. They point into it.
  std::vector<Hold> holds_of(const Booking& booking) const;

 private:
  void know_closings();
  void keep_movable(const Booking& booking);
  void drop_movable(domain::JobId job);
  std::vector<Movable>::iterator movable_at(domain::JobId job);

  Settings settings_;
  Ground ground_;
  std::map<domain::JobId, Booking> bookings_;
  std::vector<Movable> movables_;  ///< Into bookings_.
};

}  // namespace era
