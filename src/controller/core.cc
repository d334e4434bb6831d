#include "controller/core.h"

#include <algorithm>
#include <utility>

#include "controller/reconcile.h"

namespace controller {
namespace {

using domain::NodeState;
using domain::Time;

constexpr std::size_t kMostLogSizes = 1'024;  ///< Of a node: logs that are still on their way.

void note_logs(const ports::Report& report, Presence& presence) {
  for (const auto& rank : report.ranks) {
    if (rank.log_bytes) presence.log_bytes.insert_or_assign(rank.key, *rank.log_bytes);
  }
  while (presence.log_bytes.size() > kMostLogSizes) {
    presence.log_bytes.erase(presence.log_bytes.begin());
  }
}

ledger::Command own(ledger::Wish wish) { return {{}, {}, std::move(wish)}; }

}  // namespace

Core::Core(std::unique_ptr<Writer> writer, Settings settings, Time now)
    : writer_(std::move(writer)), settings_(settings), started_(now) {}

std::vector<base::Result<>> Core::commit(std::span<const ledger::Command> commands, Time now) {
  Writer::Batch batch = writer_->commit(commands, now);
  for (const PlacedFact& placed : batch.facts) {
    for (const auto& node : touched(writer_->state(), placed.fact.event)) untold_.insert(node);
  }
  if (!writer_->is_behind()) {
    greet();
    for (const auto& node : std::exchange(untold_, {})) tell(node);
  }
  publish(batch.facts);
  return std::move(batch.answers);
}

/// Agents whose hello has become a fact are told what to run from now on.
void Core::greet() {
  const auto& nodes = writer_->state().nodes.nodes;
  std::erase_if(greeting_, [&](const domain::NodeId& id) {
    const auto node = nodes.find(id);
    const auto seat = seats_.find(id);
    if (node == nodes.end() || seat == seats_.end()) return true;
    if (ledger::nodes::is_absent(node->second) || node->second.inventory != seat->second.hello)
      return false;
    seat->second.hello.reset();
    seat->second.greeted = true;
    untold_.insert(id);
    return true;
  });
}

void Core::close(const Connection& connection) {
  connection->close();
  const auto seat = seats_.find(connection->node());
  if (seat != seats_.end() && seat->second.connection == connection) seats_.erase(seat);
}

std::vector<ledger::Command> Core::connected(const Connection& connection, Time) {
  const domain::NodeId& node = connection->node();
  if (writer_->is_behind()) {
    connection->close();  // Nobody knows now what it should run; it comes again.
    return {};
  }
  if (!writer_->state().nodes.nodes.contains(node)) {
    connection->send(
        ports::Rejected{fmt::format("the cluster has no node {}; join it again", node.value)});
    connection->close();
    return {};
  }
  Seat& seat = seats_[node];
  if (seat.connection && seat.connection != connection) {
    seat.connection->close();  // The newer one is the living one.
  }
  seat = {connection, std::nullopt, false, std::nullopt};
  greeting_.erase(node);
  connection->send(ports::Welcome{settings_.lease});
  return {};
}

std::vector<ledger::Command> Core::reported(const Connection& connection,
                                            const ports::Report& report, Time now) {
  Presence& presence = presence_[connection->node()];
  presence.last_report = now;
  if (report.sample) presence.sample = *report.sample;
  note_logs(report, presence);
  connection->send(ports::ReportSeen{report.sequence});
  std::vector<ledger::Command> commands;
  const auto& known = writer_->state().nodes.nodes.at(connection->node());
  if (known.state == NodeState::down || known.state == NodeState::resuming) {
    commands.push_back(
        own(ledger::nodes::Command{ledger::nodes::ReportNode{known.name, known.inventory}}));
  }
  if (!report.ranks.empty()) {
    commands.push_back(own(ledger::jobs::Command{observed(connection->node(), report)}));
  }
  return commands;
}

std::vector<ledger::Command> Core::heard(const Connection& connection,
                                         const ports::FromAgent& message, Time now) {
  const domain::NodeId& node = connection->node();
  const auto seat = seats_.find(node);
  if (seat == seats_.end() || seat->second.connection != connection) return {};
  if (writer_->is_behind()) {
    close(connection);
    return {};
  }
  if (!writer_->state().nodes.nodes.contains(node)) {
    connection->send(ports::Rejected{fmt::format("node {} was removed", node.value)});
    close(connection);
    return {};
  }
  if (const auto* hello = std::get_if<ports::Hello>(&message)) {
    seat->second.hello = hello->inventory;
    presence_[node].connected = true;
    presence_[node].last_report = now;
    greeting_.insert(node);
    return {own(ledger::nodes::Command{ledger::nodes::ReportNode{node, hello->inventory}})};
  }
  const auto* report = std::get_if<ports::Report>(&message);
  if (report == nullptr || !seat->second.greeted) return {};
  return reported(connection, *report, now);
}

void Core::disconnected(const Connection& connection, Time) {
  const auto seat = seats_.find(connection->node());
  if (seat == seats_.end() || seat->second.connection != connection) return;
  seats_.erase(seat);
  presence_[connection->node()].connected = false;
}

Time Core::last_contact(const domain::NodeId& node) const {
  const auto known = presence_.find(node);
  return known == presence_.end() ? started_ : std::max(started_, known->second.last_report);
}

std::vector<ledger::Command> Core::tick(Time now) {
  std::vector<ledger::Command> commands{own(ledger::Tick{})};
  if (writer_->is_behind()) return commands;
  for (const auto& node : greeting_) {
    const auto seat = seats_.find(node);
    if (seat == seats_.end() || !seat->second.hello) continue;
    commands.push_back(
        own(ledger::nodes::Command{ledger::nodes::ReportNode{node, *seat->second.hello}}));
  }
  for (const auto& [id, node] : writer_->state().nodes.nodes) {
    const Time contact = last_contact(id);
    if (!ledger::nodes::is_absent(node) &&
        now - contact >= settings_.silence * settings_.time_scale) {
      commands.push_back(
          own(ledger::nodes::Command{ledger::nodes::LoseNode{id, "no word from its agent"}}));
    }
    if (writer_->state().jobs.held.contains(id) &&
        now - contact >= (settings_.lease + settings_.margin) * settings_.time_scale) {
      commands.push_back(own(ledger::jobs::Command{ledger::jobs::LoseRanks{
          id, fmt::format("node {} was lost: no word from its agent", id.value)}}));
    }
  }
  return commands;
}

Time Core::next_wake(Time now) const {
  const bool has_nodes = !writer_->state().nodes.nodes.empty();
  const Time wake = writer_->next_wake(now);
  return has_nodes ? std::min(wake, now + domain::kSecond) : wake;
}

void Core::follow(Desk::Follow follow) { followers_.push_back(std::move(follow)); }

Reading Core::reading(Time now) {
  return {writer_->state(), writer_->position(), now, presence_, quotes_, power_.failures()};
}

void Core::tell(const domain::NodeId& node) {
  const auto seat = seats_.find(node);
  if (seat == seats_.end() || !seat->second.greeted) return;
  auto orders = wanted(writer_->state(), node);
  if (seat->second.told == orders) return;
  if (seat->second.connection->send(ports::Wanted{orders})) {
    seat->second.told = std::move(orders);
  } else {
    untold_.insert(node);
  }
}

void Core::publish(const std::vector<PlacedFact>& facts) {
  for (const PlacedFact& placed : facts) {
    std::erase_if(followers_, [&](const Desk::Follow& follow) { return !follow(placed); });
  }
}

}  // namespace controller
