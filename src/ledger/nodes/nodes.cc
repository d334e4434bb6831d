#include "ledger/nodes/nodes.h"

#include <algorithm>
#include <cctype>

#include "base/check.h"
#include "base/json.h"

namespace ledger::nodes {
namespace {

using base::ErrorCode;
using base::Result;
using domain::NodeState;
using Events = std::vector<Event>;

constexpr std::size_t kMostNodes = 10'000;
constexpr std::size_t kMostClosures = 1'000;
constexpr std::size_t kMostTimes = 7;
constexpr std::size_t kLongestId = 100;
constexpr domain::Duration kLongestIdle = domain::kDay * 30;
constexpr domain::Duration kLongestPeriod = domain::kDay * 366;

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

bool closes(const Closure& closure, const Node& node) {
  if (!closure.nodes.empty()) return std::ranges::binary_search(closure.nodes, node.name);
  return closure.pool.value.empty() || closure.pool == node.pool;
}

bool is_over(const Closure& closure, domain::Time at) {
  return !domain::next_occurrence(closure.times, at);
}

/// Whole minutes: what is closed for a part of one is closed for all of it.
domain::ClosedTime in_minutes(domain::ClosedTime time) {
  constexpr std::int64_t kMinute = domain::kMinute.ms;
  if (time.from >= domain::Time{} && time.from < domain::kNever)
    time.from.ms -= time.from.ms % kMinute;
  if (time.until < domain::kNever)
    time.until.ms = (time.until.ms + kMinute - 1) / kMinute * kMinute;
  return time;
}

Result<> check(const domain::ClosedTime& time, domain::Time now) {
  if (time.from < domain::Time{} || time.from >= domain::kNever)
    return base::invalid("from", "is not a time");
  if (time.until <= time.from) return base::invalid("until", "must be after from");
  if (time.until > domain::kNever) return base::invalid("until", "is not a time");
  if (time.every == domain::Duration{}) {
    if (time.until <= now) return base::invalid("until", "has passed");
    return {};
  }
  if (time.every < domain::kDay || time.every > kLongestPeriod) {
    return base::invalid("every_ms", "must be {} to {}", domain::kDay.ms, kLongestPeriod.ms);
  }
  if (time.every.ms % domain::kMinute.ms != 0)
    return base::invalid("every_ms", "must be whole minutes");
  if (time.until - time.from > time.every)
    return base::invalid("until", "must not be after the next time begins");
  return {};
}

Result<Events> decide_one(const State& state, const JoinNode& wish, domain::Time) {
  if (state.nodes.contains(wish.node)) return Events{};
  if (state.nodes.size() >= kMostNodes) {
    return base::fail(ErrorCode::resource_exhausted, "there are {} nodes, the most there may be",
                      kMostNodes);
  }
  return Events{NodeJoined{wish.node}};
}

/// What was asked to go off may still be heard until it has gone, also after it was asked to come
/// up again: it is back when it has booted, or when it would have gone and come by now.
bool is_back(const Node& known, const domain::Inventory& said, domain::Time now) {
  if (known.state == NodeState::suspended) return false;
  if (known.state != NodeState::resuming) return true;
  return said.boot_id != known.inventory.boot_id || now - known.since >= time_to_come_up(known);
}

Result<Events> decide_one(const State& state, const ReportNode& wish, domain::Time now) {
  auto node = find(state, wish.node);
  if (!node) return base::pass(node);
  const Node& known = **node;
  Events events;
  if (known.inventory != wish.inventory) {
    const std::string model = main_model(wish.inventory);
    events.push_back(
        NodeReported{wish.node, pool_of(wish.inventory, model), model, wish.inventory});
  }
  if (is_absent(known) && is_back(known, wish.inventory, now))
    events.push_back(NodeStateSet{wish.node, known.wish, "its agent connected", known.wish});
  return events;
}

Result<Events> decide_one(const State& state, const LoseNode& wish, domain::Time) {
  auto node = find(state, wish.node);
  if (!node) return base::pass(node);
  if (is_absent(**node)) return Events{};
  return Events{NodeStateSet{wish.node, NodeState::down, wish.cause, (*node)->wish}};
}

/// Sets what an operator wants; a node that is down gets there when it is back.
Result<Events> set_wish(const State& state, const domain::NodeId& id, NodeState wish,
                        const std::string& cause) {
  auto node = find(state, id);
  if (!node) return base::pass(node);
  const Node& known = **node;
  const bool absent = is_absent(known);
  if (known.wish == wish && (absent || known.state == wish)) return Events{};
  return Events{NodeStateSet{id, absent ? known.state : wish, cause, wish}};
}

Result<Events> decide_one(const State& state, const DrainNode& wish, domain::Time) {
  return set_wish(state, wish.node, NodeState::draining, wish.cause);
}

Result<Events> decide_one(const State& state, const ResumeNode& wish, domain::Time) {
  return set_wish(state, wish.node, NodeState::ready, "resumed by an operator");
}

Result<Events> decide_one(const State& state, const QuarantineNode& wish, domain::Time) {
  return set_wish(state, wish.node, NodeState::quarantined, wish.cause);
}

Result<Events> decide_one(const State& state, const RemoveNode& wish, domain::Time) {
  auto node = find(state, wish.node);
  if (!node) return base::pass(node);
  return Events{NodeRemoved{wish.node}};
}

Result<Events> decide_one(const State& state, const CloseNodes& wish, domain::Time now) {
  Closure closure = wish.closure;
  if (closure.id.empty() || closure.id.size() > kLongestId || !base::is_utf8(closure.id))
    return base::invalid("id", "must be 1 to {} bytes of UTF-8 text", kLongestId);
  if (state.closures.contains(closure.id))
    return base::fail(ErrorCode::conflict, "there is a closure {} already", closure.id);
  for (const auto& node : closure.nodes) {
    if (auto known = find(state, node); !known) return base::pass(known);
  }
  std::ranges::sort(closure.nodes);
  const auto twice = std::ranges::unique(closure.nodes);
  closure.nodes.erase(twice.begin(), twice.end());
  if (!closure.nodes.empty() && !closure.pool.value.empty())
    return base::invalid("pool", "cannot be given together with nodes");
  if (closed_by(state, closure).empty()) {
    return closure.pool.value.empty()
               ? base::fail(ErrorCode::not_found, "there are no nodes")
               : base::fail(ErrorCode::not_found, "there is no pool {}", closure.pool.value);
  }
  if (closure.times.empty() || closure.times.size() > kMostTimes)
    return base::invalid("times", "must be 1 to {}", kMostTimes);
  for (domain::ClosedTime& time : closure.times) {
    time = in_minutes(time);
    if (auto good = check(time, now); !good) return base::pass(good);
  }
  const auto alive = std::ranges::count_if(
      state.closures, [&](const auto& known) { return !is_over(known.second, now); });
  if (static_cast<std::size_t>(alive) >= kMostClosures) {
    return base::fail(ErrorCode::resource_exhausted, "there are {} closures, the most there may be",
                      kMostClosures);
  }
  return Events{NodesClosed{std::move(closure)}};
}

Result<Events> decide_one(const State& state, const SetNodePower& wish, domain::Time) {
  auto node = find(state, wish.node);
  if (!node) return base::pass(node);
  if (wish.power) {
    const auto& [idle, resume] = *wish.power;
    if (idle < domain::kMinute || idle > kLongestIdle)
      return base::invalid("idle_ms", "must be {} to {}", domain::kMinute.ms, kLongestIdle.ms);
    if (resume < domain::kSecond || resume > domain::kDay)
      return base::invalid("resume_ms", "must be {} to {}", domain::kSecond.ms, domain::kDay.ms);
    if ((*node)->pool.value.empty()) {
      return base::fail(ErrorCode::conflict, "node {} has never been up", wish.node.value);
    }
  }
  if ((*node)->power == wish.power) return Events{};
  return Events{NodePowerSet{wish.node, wish.power}};
}

Result<Events> decide_one(const State& state, const OpenNodes& wish, domain::Time now) {
  const auto closure = state.closures.find(wish.id);
  if (closure == state.closures.end() || is_over(closure->second, now))
    return base::fail(ErrorCode::not_found, "there is no closure {}", wish.id);
  return Events{NodesOpened{wish.id}};
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

void apply_one(State& state, const NodePowerSet& fact, domain::Time) {
  state.nodes.at(fact.node).power = fact.power;
}

void apply_one(State& state, const NodesClosed& fact, domain::Time at) {
  std::erase_if(state.closures, [&](const auto& known) { return is_over(known.second, at); });
  state.closures.emplace(fact.closure.id, fact.closure);
}

void apply_one(State& state, const NodesOpened& fact, domain::Time) {
  state.closures.erase(fact.id);
}

/// A node that is off counts from when it could be on, one that comes up from when it should be.
void see_state(const Node& node, era::PlanNode& seen) {
  const bool is_wanted = node.power && node.wish == NodeState::ready;
  if (is_wanted && node.state == NodeState::suspended) {
    seen.opens_after = time_to_come_up(node) + kPowerMargin;
  } else if (is_wanted && node.state == NodeState::resuming) {
    seen.closed.push_back({{}, node.since + time_to_come_up(node), {}});
  } else if (node.state != NodeState::ready) {
    seen.closed.push_back({});
  }
}

std::vector<domain::NodeId> changed(const State& state, const NodesClosed& fact) {
  return closed_by(state, fact.closure);
}

std::vector<domain::NodeId> changed(const State& state, const NodesOpened& fact) {
  return closed_by(state, state.closures.at(fact.id));
}

template <class FactType>
std::vector<domain::NodeId> changed(const State&, const FactType& fact) {
  return {fact.node};
}

}  // namespace

Result<Events> decide(const State& state, const Command& command, domain::Time now) {
  return std::visit([&](const auto& wish) { return decide_one(state, wish, now); }, command);
}

std::vector<domain::NodeId> closed_by(const State& state, const Closure& closure) {
  std::vector<domain::NodeId> nodes;
  for (const auto& [id, node] : state.nodes) {
    if (closes(closure, node)) nodes.push_back(id);
  }
  return nodes;
}

std::vector<domain::NodeId> changed_by(const State& state, const Event& event) {
  return std::visit([&](const auto& fact) { return changed(state, fact); }, event);
}

std::optional<Closing> next_closing(const State& state, const Node& node, domain::Time at) {
  std::optional<Closing> first;
  for (const auto& [id, closure] : state.closures) {
    const auto when = domain::next_occurrence(closure.times, at);
    if (!when || !closes(closure, node)) continue;
    if (!first || when->from < first->when.from) first = Closing{&closure, *when};
  }
  return first;
}

void apply(State& state, const Event& event, domain::Time at) {
  std::visit([&](const auto& fact) { apply_one(state, fact, at); }, event);
}

bool is_absent(const Node& node) {
  return node.state == NodeState::joining || node.state == NodeState::down ||
         node.state == NodeState::suspended || node.state == NodeState::resuming;
}

domain::Duration time_to_come_up(const Node& node) {
  return node.power ? node.power->resume : domain::kMinute * 10;
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

std::vector<domain::NodeId> all_of(const State& state) { return closed_by(state, {}); }

std::vector<era::PlanNode> plan_nodes(const State& state,
                                      const std::vector<domain::NodeId>& nodes) {
  std::vector<era::PlanNode> seen;
  for (const auto& id : nodes) {
    const auto found = state.nodes.find(id);
    if (found == state.nodes.end() || found->second.pool.value.empty()) continue;
    const Node& node = found->second;
    seen.push_back(
        {.id = id, .pool = node.pool, .gpu_model = node.gpu_model, .capacity = capacity(node)});
    see_state(node, seen.back());
    for (const auto& [key, closure] : state.closures) {
      if (!closes(closure, node)) continue;
      auto& closed = seen.back().closed;
      closed.insert(closed.end(), closure.times.begin(), closure.times.end());
    }
  }
  return seen;
}

}  // namespace ledger::nodes
