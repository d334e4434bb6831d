#pragma once
#include <boost/describe/class.hpp>

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
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
};
BOOST_DESCRIBE_STRUCT(Node, (), (name, pool, gpu_model, inventory, state, cause, since, wish))

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

struct State {
  std::map<domain::NodeId, Node> nodes;  ///< At most 10,000.
};
BOOST_DESCRIBE_STRUCT(State, (), (nodes))

using Event = std::variant<NodeJoined, NodeReported, NodeStateSet, NodeRemoved>;
using Command =
    std::variant<JoinNode, ReportNode, LoseNode, DrainNode, ResumeNode, QuarantineNode, RemoveNode>;

base::Result<std::vector<Event>> decide(const State& state, const Command& command);
void apply(State& state, const Event& event, domain::Time at);

/// How the planner sees a node at `now`.
era::PlanNode plan_node(const Node& node);
/// True if ranks may be given the GPU: it is in order, enabled, and of its node's model.
bool is_usable(const Node& node, const domain::Gpu& gpu);
/// Capacity of a node in a state in which it takes or keeps work.
domain::Resources capacity(const Node& node);

}  // namespace ledger::nodes
