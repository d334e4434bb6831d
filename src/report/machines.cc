#include "report/machines.h"

#include <algorithm>

namespace report {
namespace {

using domain::Duration;
using domain::NodeState;
using domain::Resources;
using domain::Time;

bool is_in_service(const ledger::nodes::Node& node) {
  return node.state == NodeState::ready || node.state == NodeState::draining;
}

/// A machine that is out of service, or has lost a GPU, still has what runs on it.
Resources at_least(const Resources& a, const Resources& b) {
  return {std::max(a.gpus, b.gpus), std::max(a.cpu_millis, b.cpu_millis),
          std::max(a.memory_bytes, b.memory_bytes)};
}

}  // namespace

void Machines::settle(Kept& kept, Time at) const {
  while (kept.settled < at) {
    const auto closing = ledger::nodes::next_closing(closures_, kept.node, kept.settled);
    const bool is_closed = closing && closing->when.from <= kept.settled;
    Time until = at;
    if (closing) until = std::min(at, is_closed ? closing->when.until : closing->when.from);
    add_up(kept, until, is_closed);
  }
}

/// For a time in which nothing changes.
void Machines::add_up(Kept& kept, Time until, bool is_closed) const {
  const Duration length = period_.overlap(kept.settled, until);
  kept.settled = until;
  const bool in_service = is_in_service(kept.node) && !is_closed;
  if (!in_service && kept.held == Resources{}) return;
  const Resources has = in_service ? ledger::nodes::capacity(kept.node) : Resources{};
  kept.present = kept.present + length;
  kept.capacity.add(at_least(has, kept.held), length);
  kept.used.add(kept.held, length);
}

Machines::Kept& Machines::settled(const domain::NodeId& node, Time at) {
  Kept& kept = machines_[node];
  if (kept.node.name.value.empty()) {
    kept.node.name = node;
    kept.settled = at;
  }
  settle(kept, at);
  return kept;
}

void Machines::take(const ledger::nodes::Event& event, Time at) {
  using namespace ledger::nodes;
  if (const auto* reported = std::get_if<NodeReported>(&event)) {
    Node& node = settled(reported->node, at).node;
    node.pool = reported->pool;
    node.gpu_model = reported->gpu_model;
    node.inventory = reported->inventory;
  } else if (const auto* set = std::get_if<NodeStateSet>(&event)) {
    settled(set->node, at).node.state = set->state;
  } else if (const auto* removed = std::get_if<NodeRemoved>(&event)) {
    settled(removed->node, at).node.state = NodeState::down;
  } else if (std::holds_alternative<NodesClosed>(event) ||
             std::holds_alternative<NodesOpened>(event)) {
    for (auto& [name, kept] : machines_) settle(kept, at);
    apply(closures_, event, at);
  }
}

void Machines::hold(const domain::NodeId& node, const Resources& amount, Time at) {
  Kept& kept = settled(node, at);
  kept.held = kept.held + amount;
}

void Machines::release(const domain::NodeId& node, const Resources& amount, Time at) {
  Kept& kept = settled(node, at);
  kept.held = kept.held - amount;
}

void Machines::close() {
  for (auto& [name, kept] : machines_) settle(kept, period_.to);
}

std::vector<Machine> Machines::list(const Ratios& ratios) const {
  std::vector<Machine> all;
  for (const auto& [name, kept] : machines_) {
    if (kept.present <= Duration{}) continue;
    Machine machine{name, kept.node.pool, kept.present, kept.capacity.hours(), kept.used.hours()};
    machine.utilisation = share(machine.used, machine.capacity, ratios);
    all.push_back(std::move(machine));
  }
  return all;
}

Area Machines::capacity() const {
  Area sum;
  for (const auto& [name, kept] : machines_) sum = sum + kept.capacity;
  return sum;
}

Area Machines::used() const {
  Area sum;
  for (const auto& [name, kept] : machines_) sum = sum + kept.used;
  return sum;
}

double utilisation(const std::vector<Machine>& machines) {
  double weighted = 0;
  double time = 0;
  for (const Machine& machine : machines) {
    const auto present = static_cast<double>(machine.present.ms);
    weighted += machine.utilisation * present;
    time += present;
  }
  return time > 0 ? weighted / time : 0;
}

double share(const ResourceHours& used, const ResourceHours& capacity, const Ratios& ratios) {
  double sum = 0;
  double weight = 0;
  const auto add = [&](double part, double whole, double ratio) {
    if (whole <= 0) return;
    sum += ratio * part / whole;
    weight += ratio;
  };
  add(used.core_hours, capacity.core_hours, ratios.cpu);
  add(used.gpu_hours, capacity.gpu_hours, ratios.gpu);
  add(used.memory_gib_hours, capacity.memory_gib_hours, ratios.memory);
  return weight > 0 ? sum / weight : 0;
}

}  // namespace report
