#include "sim/network.h"

#include <utility>
#include <vector>

namespace sim {

using domain::Duration;
using domain::NodeId;

bool Wire::send(ports::ToAgent message) {
  if (!head_open_) return false;
  network_.put(shared_from_this(), false,
               [message = std::move(message)](const std::shared_ptr<Wire>& wire) {
                 const Network::Seat& seat = wire->network_.seats_.at(wire->node_);
                 if (wire->agent_open_ && seat.wire == wire) seat.end.message(message);
               });
  return true;
}

bool Wire::send_to_head(ports::FromAgent message) {
  if (!agent_open_) return false;
  network_.put(shared_from_this(), true,
               [message = std::move(message)](const std::shared_ptr<Wire>& wire) {
                 if (wire->head_open_) wire->network_.head_.message(wire, message);
               });
  return true;
}

void Wire::close() {
  if (!head_open_) return;
  head_open_ = false;
  network_.put(shared_from_this(), false,
               [](const std::shared_ptr<Wire>& wire) { wire->network_.tell_agent_gone(wire); });
  std::erase(network_.wires_, shared_from_this());
}

void Network::put(const std::shared_ptr<Wire>& wire, bool to_head, Wire::Arrival what) {
  if (wire->is_dead_) return;
  Wire::Pipe& pipe = to_head ? wire->to_head_ : wire->to_agent_;
  const Duration delay{1 + random_.pick(std::max<std::int64_t>(1, most_delay_.ms))};
  pipe.last = std::max(pipe.last, agenda_.now() + delay);
  pipe.waiting.emplace_back(pipe.last, std::move(what));
  agenda_.at(pipe.last, [this, wire, to_head] { pump(wire, to_head); });
}

void Network::pump(const std::shared_ptr<Wire>& wire, bool to_head) {
  Wire::Pipe& pipe = to_head ? wire->to_head_ : wire->to_agent_;
  while (!wire->is_dead_ && !cut_.contains(wire->node()) && !pipe.waiting.empty() &&
         pipe.waiting.front().first <= agenda_.now()) {
    const auto what = std::move(pipe.waiting.front().second);
    pipe.waiting.pop_front();
    what(wire);
  }
}

void Network::set_head_up(bool up) {
  head_is_up_ = up;
  if (up) return;
  for (const auto& wire : std::exchange(wires_, {})) {
    wire->head_open_ = false;
    wire->is_dead_ = true;
    const Duration wait = cut_.contains(wire->node()) ? domain::kSecond * 20 : Duration{50};
    agenda_.in(random_.duration({1}, wait), [this, wire] { tell_agent_gone(wire); });
  }
}

void Network::attach(const NodeId& node, AgentEnd end) {
  Seat& seat = seats_[node];
  seat.end = std::move(end);
  seat.wire = nullptr;
  seat.is_up = true;
  ++seat.incarnation;
  dial_later(node);
}

void Network::detach(const NodeId& node) {
  Seat& seat = seats_.at(node);
  seat.is_up = false;
  if (seat.wire == nullptr) return;
  const auto wire = std::exchange(seat.wire, nullptr);
  wire->agent_open_ = false;
  // The machine's kernel says so, if it can still be heard.
  if (cut_.contains(node)) return;
  put(wire, true, [this](const std::shared_ptr<Wire>& gone) { tell_head_gone(gone); });
}

void Network::dial_later(const NodeId& node) {
  const auto incarnation = seats_.at(node).incarnation;
  agenda_.in(random_.duration({100}, {1'500}),
             [this, node, incarnation] { dial(node, incarnation); });
}

void Network::dial(const NodeId& node, std::uint64_t incarnation) {
  Seat& seat = seats_.at(node);
  if (!seat.is_up || seat.incarnation != incarnation || seat.wire != nullptr) return;
  if (!head_is_up_ || cut_.contains(node)) return dial_later(node);
  seat.wire = std::make_shared<Wire>(*this, node);
  const auto wire = seat.wire;
  wires_.push_back(wire);
  put(wire, true, [this](const std::shared_ptr<Wire>& dialled) {
    if (dialled->head_open_) head_.connected(dialled);
  });
  seat.end.connected();
}

bool Network::send(const NodeId& node, ports::FromAgent message) {
  const auto wire = seats_.at(node).wire;
  return wire != nullptr && wire->send_to_head(std::move(message));
}

void Network::tell_agent_gone(const std::shared_ptr<Wire>& wire) {
  if (!wire->agent_open_) return;
  wire->agent_open_ = false;
  Seat& seat = seats_.at(wire->node());
  if (seat.wire != wire) return;
  seat.wire = nullptr;
  if (!seat.is_up) return;
  seat.end.disconnected();
  dial_later(wire->node());
}

void Network::tell_head_gone(const std::shared_ptr<Wire>& wire) {
  std::erase(wires_, wire);
  if (!std::exchange(wire->head_open_, false)) return;
  if (head_is_up_) head_.disconnected(wire);
}

bool Network::can_ask(const NodeId& node) const {
  const auto& wire = seats_.at(node).wire;
  return head_is_up_ && !cut_.contains(node) && wire != nullptr && !wire->is_dead_;
}

void Network::drop(const NodeId& node) {
  const auto wire = seats_.at(node).wire;
  if (wire == nullptr) return;
  wire->is_dead_ = true;
  agenda_.in(random_.duration({0}, {300}), [this, wire] { tell_agent_gone(wire); });
  agenda_.in(random_.duration({0}, {300}), [this, wire] { tell_head_gone(wire); });
}

void Network::leave_half_open(const NodeId& node) {
  const auto wire = seats_.at(node).wire;
  if (wire == nullptr) return;
  wire->is_dead_ = true;
  const bool agent_first = random_.chance(50);
  const Duration late = random_.duration(domain::kSecond, domain::kSecond * 45);
  agenda_.in(agent_first ? Duration{0} : late, [this, wire] { tell_agent_gone(wire); });
  agenda_.in(agent_first ? late : Duration{0}, [this, wire] { tell_head_gone(wire); });
}

void Network::cut(const NodeId& node) {
  if (!cut_.insert(node).second) return;
  std::vector<std::shared_ptr<Wire>> wires;
  for (const auto& wire : wires_) {
    if (wire->node() == node) wires.push_back(wire);
  }
  for (const auto& wire : wires) give_up_if_cut(wire);
}

/// Each end finds out by its keep-alive, if the cut lasts.
void Network::give_up_if_cut(const std::shared_ptr<Wire>& wire) {
  const auto when_cut = [this, wire](const auto& then) {
    return [this, wire, then] {
      if (!cut_.contains(wire->node())) return;
      wire->is_dead_ = true;
      then();
    };
  };
  const Duration longest = domain::kSecond * 60;
  agenda_.in(random_.duration(domain::kSecond * 5, longest),
             when_cut([this, wire] { tell_agent_gone(wire); }));
  agenda_.in(random_.duration(domain::kSecond * 5, longest),
             when_cut([this, wire] { tell_head_gone(wire); }));
}

void Network::heal(const NodeId& node) {
  if (cut_.erase(node) == 0) return;
  std::vector<std::shared_ptr<Wire>> wires;
  for (const auto& wire : wires_) {
    if (wire->node() == node) wires.push_back(wire);
  }
  if (const auto wire = seats_.at(node).wire; wire != nullptr) wires.push_back(wire);
  for (const auto& wire : wires) {
    pump(wire, true);
    pump(wire, false);
    // One end gave up while it was cut: the other finds a closed connection.
    if (!wire->is_dead_) continue;
    agenda_.in({20}, [this, wire] { tell_agent_gone(wire); });
    agenda_.in({20}, [this, wire] { tell_head_gone(wire); });
  }
}

}  // namespace sim
