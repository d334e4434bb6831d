#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "ports/agent_link.h"
#include "sim/agenda.h"
#include "sim/random.h"

namespace sim {

/// Who hears what a wire brings. The agent's end is named by its node.
struct AgentEnd {
  std::function<void()> connected;
  std::function<void(const ports::ToAgent&)> message;
  std::function<void()> disconnected;
};
class Wire;
struct HeadEnd {
  std::function<void(const std::shared_ptr<Wire>&)> connected;
  std::function<void(const std::shared_ptr<Wire>&, const ports::FromAgent&)> message;
  std::function<void(const std::shared_ptr<Wire>&)> disconnected;
};

class Network;

/// One connection of one agent. Messages of each direction arrive in order, or are lost with the
/// connection; each end learns of its end in its own time, or late.
class Wire final : public ports::AgentConnection, public std::enable_shared_from_this<Wire> {
 public:
  Wire(Network& network, domain::NodeId node) : network_(network), node_(std::move(node)) {}

  const domain::NodeId& node() const override { return node_; }
  bool send(ports::ToAgent message) override;
  void close() override;  ///< By the controller: the agent learns of it after what was sent.
  bool send_to_head(ports::FromAgent message);

 private:
  friend class Network;
  /// What happens when something arrives. Is given the wire: it waits in it, perhaps for ever, and
  /// so must not own it.
  using Arrival = std::function<void(const std::shared_ptr<Wire>&)>;
  struct Pipe {
    std::deque<std::pair<domain::Time, Arrival>> waiting;
    domain::Time last;
  };
  Network& network_;
  domain::NodeId node_;
  bool agent_open_ = true;
  bool head_open_ = true;
  bool is_dead_ = false;  ///< What is sent vanishes, whatever the ends believe.
  Pipe to_agent_;
  Pipe to_head_;
};

/// Connects agents with the controller: slow, and at times not at all.
class Network {
 public:
  Network(Agenda& agenda, Random& random) : agenda_(agenda), random_(random) {}

  void set_head(HeadEnd end) { head_ = std::move(end); }
  void set_head_up(bool up);

  /// An agent starts: it dials, and dials again whenever it has lost its connection.
  void attach(const domain::NodeId& node, AgentEnd end);
  /// An agent's process is gone.
  void detach(const domain::NodeId& node);
  bool send(const domain::NodeId& node, ports::FromAgent message);
  /// Whether a question of its own, beside the connection's messages, would be answered.
  bool can_ask(const domain::NodeId& node) const;

  // ---- Faults. ----
  void slow_down(domain::Duration most_delay) { most_delay_ = most_delay; }
  void drop(const domain::NodeId& node);
  /// One end learns at once, the other only after a while.
  void leave_half_open(const domain::NodeId& node);
  /// Nothing gets through until heal; what was sent waits, unless an end gives up first.
  void cut(const domain::NodeId& node);
  void heal(const domain::NodeId& node);

 private:
  friend class Wire;
  struct Seat {
    AgentEnd end;
    std::shared_ptr<Wire> wire;
    std::uint64_t incarnation = 0;
    bool is_up = false;
  };
  void dial_later(const domain::NodeId& node);
  void dial(const domain::NodeId& node, std::uint64_t incarnation);
  void put(const std::shared_ptr<Wire>& wire, bool to_head, Wire::Arrival what);
  void pump(const std::shared_ptr<Wire>& wire, bool to_head);
  void tell_agent_gone(const std::shared_ptr<Wire>& wire);
  void tell_head_gone(const std::shared_ptr<Wire>& wire);
  void give_up_if_cut(const std::shared_ptr<Wire>& wire);

  Agenda& agenda_;
  Random& random_;
  HeadEnd head_;
  bool head_is_up_ = false;
  domain::Duration most_delay_{20};
  std::map<domain::NodeId, Seat> seats_;
  std::vector<std::shared_ptr<Wire>> wires_;  ///< That the controller believes in.
  std::set<domain::NodeId> cut_;
};

}  // namespace sim
