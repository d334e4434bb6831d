#include "ledger/nodes/nodes.h"

#include <algorithm>
#include <cctype>

#include "base/check.h"

namespace ledger::nodes {
namespace {

using base::ErrorCode;
using base::Result;
using domain::NodeState;
using Events = std::vector<Event>;

constexpr std::size_t kMostNodes = 10'000;

Result<const Node*> find(const State& state, const domain::NodeId& id) {
  const auto found = state.nodes.find(id);
  if (found == state.nodes.end())
    return base::fail(ErrorCode::not_found, "there is no node {}", id.value);
  return &found->second;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// The model of most of the node's GPUs: a pool has one, so others stay unused.
std::string main_model(const domain::Inventory& inventory) {
  std::map<std::string, int> counts;
  for (const auto& gpu : inventory.gpus) {
    if (gpu.enabled) ++counts[gpu.model];
  }
  std::string best;
  for (const auto& [model, count] : counts) {
    if (best.empty() || count > counts[best]) best = model;
  }
  return best;
}

domain::PoolId pool_of(const domain::Inventory& inventory, const std::string& model) {
  if (!inventory.pool.empty()) return {inventory.pool};
  return {model.empty() ? "cpu" : lower(model)};
}

Result<Events> decide_one(const State& state, const JoinNode& wish) {
  if (state.nodes.contains(wish.node)) return Events{};
  if (state.nodes.size() >= kMostNodes) {
    return base::fail(ErrorCode::resource_exhausted, "there are {} nodes, the most there may be",
                      kMostNodes);
  }
  return Events{NodeJoined{wish.node}};
}

Result<Events> decide_one(const State& state, const ReportNode& wish) {
  auto node = find(state, wish.node);
  if (!node) return base::pass(node);
  const Node& known = **node;
  Events events;
  if (known.inventory != wish.inventory) {
    const std::string model = main_model(wish.inventory);
    events.push_back(
        NodeReported{wish.node, pool_of(wish.inventory, model), model, wish.inventory});
  }
  const bool comes_back = known.state == NodeState::joining || known.state == NodeState::down;
  if (comes_back)
    events.push_back(NodeStateSet{wish.node, known.wish, "its agent connected", known.wish});
  return events;
}

Result<Events> decide_one(const State& state, const LoseNode& wish) {
  auto node = find(state, wish.node);
  if (!node) return base::pass(node);
  if ((*node)->state == NodeState::down) return Events{};
  return Events{NodeStateSet{wish.node, NodeState::down, wish.cause, (*node)->wish}};
}

/// Sets what an operator wants; a node that is down gets there when it is back.
Result<Events> set_wish(const State& state, const domain::NodeId& id, NodeState wish,
                        const std::string& cause) {
  auto node = find(state, id);
  if (!node) return base::pass(node);
  const Node& known = **node;
  const bool absent = known.state == NodeState::down || known.state == NodeState::joining;
  if (known.wish == wish && (absent || known.state == wish)) return Events{};
  return Events{NodeStateSet{id, absent ? known.state : wish, cause, wish}};
}

Result<Events> decide_one(const State& state, const DrainNode& wish) {
  return set_wish(state, wish.node, NodeState::draining, wish.cause);
}

Result<Events> decide_one(const State& state, const ResumeNode& wish) {
  return set_wish(state, wish.node, NodeState::ready, "resumed by an operator");
}

Result<Events> decide_one(const State& state, const QuarantineNode& wish) {
  return set_wish(state, wish.node, NodeState::quarantined, wish.cause);
}

Result<Events> decide_one(const State& state, const RemoveNode& wish) {
  auto node = find(state, wish.node);
  if (!node) return base::pass(node);
  return Events{NodeRemoved{wish.node}};
}

void apply_one(State& state, const NodeJoined& fact, domain::Time at) {
  Node node;
  node.name = fact.node;
  node.since = at;
  node.cause = "waiting for its agent";
  state.nodes.emplace(fact.node, std::move(node));
}

void apply_one(State& state, const NodeReported& fact, domain::Time) {
  Node& node = state.nodes.at(fact.node);
  node.pool = fact.pool;
  node.gpu_model = fact.gpu_model;
  node.inventory = fact.inventory;
}

void apply_one(State& state, const NodeStateSet& fact, domain::Time at) {
  Node& node = state.nodes.at(fact.node);
  node.state = fact.state;
  node.cause = fact.cause;
  node.wish = fact.wish;
  node.since = at;
}

void apply_one(State& state, const NodeRemoved& fact, domain::Time) {
  state.nodes.erase(fact.node);
}

}  // namespace

Result<Events> decide(const State& state, const Command& command) {
  return std::visit([&](const auto& wish) { return decide_one(state, wish); }, command);
}

void apply(State& state, const Event& event, domain::Time at) {
  std::visit([&](const auto& fact) { apply_one(state, fact, at); }, event);
}

bool is_usable(const Node& node, const domain::Gpu& gpu) {
  return gpu.enabled && gpu.health == "ok" && gpu.model == node.gpu_model;
}

domain::Resources capacity(const Node& node) {
  const auto usable = std::ranges::count_if(
      node.inventory.gpus, [&](const domain::Gpu& gpu) { return is_usable(node, gpu); });
  return {static_cast<std::int32_t>(usable), node.inventory.cpu_millis,
          node.inventory.memory_bytes};
}

era::PlanNode plan_node(const Node& node) {
  return {.id = node.name,
          .pool = node.pool,
          .gpu_model = node.gpu_model,
          .capacity = capacity(node),
          .closed_from = node.state == NodeState::ready ? domain::kNever : domain::Time{}};
}

}  // namespace ledger::nodes
