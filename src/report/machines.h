#pragma once
#include <boost/describe/class.hpp>

#include <map>
#include <optional>
#include <vector>

#include "ledger/nodes/nodes.h"
#include "report/area.h"

namespace report {

/// What each resource counts for in the utilisation of a machine. They are used in proportion: a
/// machine without GPUs shares out their part among the others.
struct Ratios {
  double cpu = 0.2;
  double gpu = 0.6;
  double memory = 0.2;
};
BOOST_DESCRIBE_STRUCT(Ratios, (), (cpu, gpu, memory))

/// One machine in the period. It is there while it takes or finishes work (ready or draining, and
/// not closed), and while anything runs on it.
struct Machine {
  domain::NodeId node;
  domain::PoolId pool;
  domain::Duration present;
  ResourceHours capacity;
  ResourceHours used;
  double utilisation = 0;  ///< 0 to 1.
};
BOOST_DESCRIBE_STRUCT(Machine, (), (node, pool, present, capacity, used, utilisation))

/// Machines over time: what they have and what of it is held.
class Machines {
 public:
  explicit Machines(Period period) : period_(period) {}

  void take(const ledger::nodes::Event& event, domain::Time at);
  void hold(const domain::NodeId& node, const domain::Resources& amount, domain::Time at);
  void release(const domain::NodeId& node, const domain::Resources& amount, domain::Time at);
  /// Adds up to the end of the period. Call it once, before what follows.
  void close();

  /// Those that were there in the period, by name.
  std::vector<Machine> list(const Ratios& ratios) const;
  Area capacity() const;
  Area used() const;

 private:
  struct Kept {
    ledger::nodes::Node node;
    domain::Resources held;
    domain::Time settled;  ///< Up to where it is added up.
    domain::Duration present;
    Area capacity;
    Area used;
  };
  Kept& settled(const domain::NodeId& node, domain::Time at);
  void settle(Kept& kept, domain::Time at) const;
  void add_up(Kept& kept, domain::Time until, bool is_closed) const;

  Period period_;
  ledger::nodes::State closures_;  ///< Only those.
  std::map<domain::NodeId, Kept> machines_;
};

/// The mean over machines of what share of their resources was in use, weighted by how long each
/// was there; of machines that are all there for the whole time, the plain mean. 0 for none.
double utilisation(const std::vector<Machine>& machines);

/// What share of `capacity` `used` is, weighted by `ratios`.
double share(const ResourceHours& used, const ResourceHours& capacity, const Ratios& ratios);

}  // namespace report
