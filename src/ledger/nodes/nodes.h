#pragma once
#include <boost/describe/class.hpp>

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "domain/closed_time.h"
#include "domain/ids.h"
#include "domain/node.h"
#include "domain/time.h"
#include "era/plan.h"

namespace ledger::nodes {

struct Node {
  domain::NodeId name;
  domain::PoolId pool;
  std::string gpu_model;  ///< Of its enabled GPUs; empty: CPU only.
  domain::Inventory inventory;
  domain::NodeState state = domain::NodeState::joining;
  std::string cause;  ///< Why it is in this state, for a person.
  domain::Time since;
  domain::NodeState wish =
      domain::NodeState::ready;  ///< What an operator last asked for: ready, draining, maintenance.
  std::optional<domain::PowerPolicy> power;  ///< None: it is always on.
  domain::Time used;                         ///< When the last rank on it ended.
};
BOOST_DESCRIBE_STRUCT(Node, (),
                      (name, pool, gpu_model, inventory, state, cause, since, wish, power, used))

/// A time in which nodes take no work, planned ahead: for maintenance, or because the machines are
/// somebody else's then.
struct Closure {
  std::string id;
  std::vector<domain::NodeId> nodes;  ///< Sorted. Empty: all of `pool`, also those that join later.
  domain::PoolId pool;                ///< Empty too: all nodes.
  std::vector<domain::ClosedTime> times;  ///< In whole minutes.
  std::string cause;
};
BOOST_DESCRIBE_STRUCT(Closure, (), (id, nodes, pool, times, cause))

// ---- Facts. ----
struct NodeJoined {
  domain::NodeId node;
};
BOOST_DESCRIBE_STRUCT(NodeJoined, (), (node))
/// What the agent says of its machine, new or changed.
struct NodeReported {
  domain::NodeId node;
  domain::PoolId pool;
  std::string gpu_model;
  domain::Inventory inventory;
};
BOOST_DESCRIBE_STRUCT(NodeReported, (), (node, pool, gpu_model, inventory))
struct NodeStateSet {
  domain::NodeId node;
  domain::NodeState state;
  std::string cause;
  domain::NodeState wish;
};
BOOST_DESCRIBE_STRUCT(NodeStateSet, (), (node, state, cause, wish))
struct NodeRemoved {
  domain::NodeId node;
};
BOOST_DESCRIBE_STRUCT(NodeRemoved, (), (node))

/// When it is switched off and on; without `power` it is always on.
struct NodePowerSet {
  domain::NodeId node;
  std::optional<domain::PowerPolicy> power;
};
BOOST_DESCRIBE_STRUCT(NodePowerSet, (), (node, power))
struct NodesClosed {
  Closure closure;
};
BOOST_DESCRIBE_STRUCT(NodesClosed, (), (closure))
/// A closure is taken back, also what is left of one that has begun.
struct NodesOpened {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(NodesOpened, (), (id))

// ---- Wishes. ----
struct JoinNode {
  domain::NodeId node;
};
/// An agent has connected and says what it has.
struct ReportNode {
  domain::NodeId node;
  domain::Inventory inventory;
};
/// Its agent is silent: nothing new is planned there. What runs there goes on until its lease is
/// over.
struct LoseNode {
  domain::NodeId node;
  std::string cause;
};
struct DrainNode {
  domain::NodeId node;
  std::string cause;
};
struct ResumeNode {
  domain::NodeId node;
};
struct QuarantineNode {
  domain::NodeId node;
  std::string cause;
};
/// Only of a node on which nothing runs.
struct RemoveNode {
  domain::NodeId node;
};

struct SetNodePower {
  domain::NodeId node;
  std::optional<domain::PowerPolicy> power;
};

/// Refused with `conflict` if a promise would break by it, unless it is wished for `anyway`.
struct CloseNodes {
  Closure closure;
  bool anyway = false;
};
struct OpenNodes {
  std::string id;
};

struct State {
  std::map<domain::NodeId, Node> nodes;     ///< At most 10,000.
  std::map<std::string, Closure> closures;  ///< At most 1,000, of which some may be over.
};
BOOST_DESCRIBE_STRUCT(State, (), (nodes, closures))

using Event = std::variant<NodeJoined, NodeReported, NodeStateSet, NodeRemoved, NodesClosed,
                           NodesOpened, NodePowerSet>;
using Command = std::variant<JoinNode, ReportNode, LoseNode, DrainNode, ResumeNode, QuarantineNode,
                             RemoveNode, CloseNodes, OpenNodes, SetNodePower>;

base::Result<std::vector<Event>> decide(const State& state, const Command& command,
                                        domain::Time now);
void apply(State& state, const Event& event, domain::Time at);

/// The nodes that `closure` closes. O(nodes)
std::vector<domain::NodeId> closed_by(const State& state, const Closure& closure);
/// The nodes that the planner sees otherwise once `event` is applied to `state`.
std::vector<domain::NodeId> changed_by(const State& state, const Event& event);
/// What closes the node first from `at` on, or has it closed then; none if nothing does.
/// O(closures x their nodes)
struct Closing {
  const Closure* closure = nullptr;
  domain::ClosedTime when;  ///< The time that is meant, without its repetitions.
};
std::optional<Closing> next_closing(const State& state, const Node& node, domain::Time at);

std::vector<domain::NodeId> all_of(const State& state);
/// Whether its agent need not be heard of: it was lost, or is off, or has not come yet.
bool is_absent(const Node& node);
/// What it takes on top of its time to come up until a node that is off takes work.
inline constexpr domain::Duration kPowerMargin = domain::kMinute * 2;
/// How long its machine may take to come up: as its policy says, or ten minutes.
domain::Duration time_to_come_up(const Node& node);
/// How the planner sees those of the nodes that it may plan for. O(nodes x closures)
std::vector<era::PlanNode> plan_nodes(const State& state, const std::vector<domain::NodeId>& nodes);
/// True if ranks may be given the GPU: it is in order, enabled, and of its node's model.
bool is_usable(const Node& node, const domain::Gpu& gpu);
/// Capacity of a node in a state in which it takes or keeps work.
domain::Resources capacity(const Node& node);

}  // namespace ledger::nodes
