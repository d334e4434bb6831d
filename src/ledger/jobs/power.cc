#include "ledger/jobs/power.h"

#include <algorithm>
#include <set>

#include "era/quote.h"
#include "ledger/jobs/flex.h"
#include "ledger/jobs/queue_order.h"
#include "ledger/jobs/quota.h"

namespace ledger::jobs {
namespace {

using domain::Duration;
using domain::NodeId;
using domain::NodeState;
using domain::Time;
using Events = std::vector<Event>;
using nodes::kPowerMargin;
using nodes::Node;
using nodes::NodeStateSet;

/// Queued jobs for which nodes are switched on at once.
constexpr std::size_t kMostQueued = 32;
/// What it takes at most in the plan, which counts in whole slots.
constexpr Duration kInTime = kPowerMargin + domain::kMinute;

/// A booking that next needs a node.
struct Need {
  Time from = domain::kNever;
  domain::JobId job;
};

/// When the nodes for which `picked` holds are next needed by what is booked and does not run.
template <class Picked>
std::map<NodeId, Need> needs(const View& view, const Picked& picked) {
  std::map<NodeId, Need> found;
  for (const auto& [id, node] : view.nodes.nodes) {
    if (picked(node)) found.emplace(id, Need{});
  }
  if (found.empty()) return found;
  for (const auto& [job, booking] : view.plan.bookings()) {
    const auto need = [&](Time start, const std::vector<NodeId>& nodes) {
      for (const NodeId& node : nodes) {
        const auto known = found.find(node);
        if (known != found.end() && start < known->second.from) known->second = {start, job};
      }
    };
    need(booking.start, booking.nodes);
    for (const era::Piece& piece : booking.later) need(piece.start, piece.nodes);
  }
  return found;
}

bool is_off(const Node& node) { return node.state == NodeState::suspended; }

bool may_switch(const Node& node) { return node.power && node.wish == NodeState::ready; }

NodeStateSet switched_on(const Node& node, std::string why) {
  return {node.name, NodeState::resuming, std::move(why), node.wish};
}

/// Nodes that queued jobs would have if all were on.
std::set<NodeId> wanted_by_queue(const View& view) {
  std::set<NodeId> wanted;
  Duration longest;
  for (const auto& [id, node] : view.nodes.nodes) {
    if (node.power) longest = std::max(longest, node.power->resume);
  }
  const Time at = view.now + longest + kInTime;
  auto in_use = view.jobs.flex_held;
  std::size_t looked = 0;
  for (const Job* job : flex_order(view)) {
    if (flex_over(view, *job)) continue;
    if (++looked > kMostQueued) break;
    const auto& shape = job->spec.bid.shape;
    const Duration need = std::min(job->spec.bid.duration, kWorthStarting);
    const auto place = era::place_flex(view.plan, in_use, shape, at, need);
    if (!place) continue;
    for (const NodeId& node : place->nodes) {
      in_use[node] = in_use[node] + shape.per_rank;
      wanted.insert(node);
    }
  }
  return wanted;
}

/// The fact that follows for `node`, which runs nothing, if any does.
std::optional<NodeStateSet> switched(const View& view, const Node& node, const Need& need) {
  const Duration in_state = view.now - node.since;
  if (node.state == NodeState::resuming) {
    if (in_state < nodes::time_to_come_up(node) * 2 + kPowerMargin) return std::nullopt;
    return NodeStateSet{node.name, NodeState::quarantined,
                        fmt::format("did not come up in {} s", in_state.ms / 1000),
                        NodeState::quarantined};
  }
  if (!may_switch(node)) return std::nullopt;
  const auto& [idle, resume] = *node.power;
  if (node.state == NodeState::down && in_state >= idle)
    return NodeStateSet{node.name, NodeState::suspended, "its agent was silent", node.wish};
  const Duration unused = view.now - std::max(node.since, node.used);
  const bool is_worth_it = need.from > view.now + idle + resume + kInTime;
  if (node.state != NodeState::ready || unused < idle || !is_worth_it) return std::nullopt;
  return NodeStateSet{node.name, NodeState::suspended, "nobody needs it", node.wish};
}

}  // namespace

Events switch_on_booked(const View& view) {
  Events events;
  for (const auto& [id, need] : needs(view, is_off)) {
    const Node& node = view.nodes.nodes.at(id);
    if (!node.power) {
      events.push_back(switched_on(node, "is to be always on"));
    } else if (may_switch(node) && need.from < view.now + node.power->resume + kInTime) {
      events.push_back(switched_on(node, fmt::format("job {} starts there", need.job.value)));
    }
  }
  return events;
}

Events switch_by_need(const View& view) {
  const auto known = needs(view, [](const Node& node) {
    return node.power.has_value() || node.state == NodeState::resuming;
  });
  if (known.empty()) return {};
  const std::set<NodeId> wanted = wanted_by_queue(view);
  Events events;
  for (const auto& [id, need] : known) {
    const Node& node = view.nodes.nodes.at(id);
    if (view.jobs.held.contains(id)) continue;
    if (wanted.contains(id) && node.state != NodeState::resuming) {
      if (is_off(node) && may_switch(node))
        events.push_back(switched_on(node, "queued jobs wait for it"));
      continue;
    }
    if (auto fact = switched(view, node, need)) events.push_back(*std::move(fact));
  }
  return events;
}

}  // namespace ledger::jobs
