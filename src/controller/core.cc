#include "controller/core.h"

#include <algorithm>
#include <set>

#include "controller/reconcile.h"

namespace controller {
namespace {

using domain::NodeState;
using domain::Time;

ledger::Command own(ledger::Wish wish) { return {{}, {}, std::move(wish)}; }

}  // namespace

Core::Core(std::unique_ptr<Writer> writer, Settings settings, Time now)
    : writer_(std::move(writer)), settings_(settings), started_(now) {}

std::vector<base::Result<>> Core::commit(std::span<const ledger::Command> commands, Time now) {
  Writer::Batch batch = writer_->commit(commands, now);
  std::set<domain::NodeId> nodes;
  for (const PlacedFact& placed : batch.facts) {
    for (const auto& node : touched(writer_->state(), placed.fact.event)) nodes.insert(node);
  }
  for (const auto& node : nodes) tell(node);
  publish(batch.facts);
  return std::move(batch.answers);
}

std::vector<ledger::Command> Core::connected(const Connection& connection, Time) {
  const domain::NodeId& node = connection->node();
  if (!writer_->state().nodes.nodes.contains(node)) {
    connection->send(
        ports::Rejected{fmt::format("the cluster has no node {}; join it again", node.value)});
    connection->close();
    return {};
  }
  Seat& seat = seats_[node];
  if (seat.connection && seat.connection != connection)
    seat.connection->close();  // The newer one is the living one.
  seat = {connection, false, {}};
  connection->send(ports::Welcome{settings_.lease});
  return {};
}

std::vector<ledger::Command> Core::greeted(const Connection& connection,
                                           const ports::Hello& hello) {
  seats_.at(connection->node()).greeted = true;
  presence_[connection->node()].connected = true;
  return {
      own(ledger::nodes::Command{ledger::nodes::ReportNode{connection->node(), hello.inventory}})};
}

std::vector<ledger::Command> Core::reported(const Connection& connection,
                                            const ports::Report& report, Time now) {
  Presence& presence = presence_[connection->node()];
  presence.last_report = now;
  if (report.sample) presence.sample = *report.sample;
  connection->send(ports::ReportSeen{report.sequence});
  std::vector<ledger::Command> commands;
  const auto& known = writer_->state().nodes.nodes.at(connection->node());
  if (known.state == NodeState::down) {
    commands.push_back(
        own(ledger::nodes::Command{ledger::nodes::ReportNode{known.name, known.inventory}}));
  }
  if (!report.ranks.empty())
    commands.push_back(own(ledger::jobs::Command{observed(connection->node(), report)}));
  return commands;
}

std::vector<ledger::Command> Core::heard(const Connection& connection,
                                         const ports::FromAgent& message, Time now) {
  const auto seat = seats_.find(connection->node());
  const bool is_current = seat != seats_.end() && seat->second.connection == connection;
  if (!is_current || !writer_->state().nodes.nodes.contains(connection->node())) return {};
  if (const auto* hello = std::get_if<ports::Hello>(&message)) {
    auto commands = greeted(connection, *hello);
    presence_[connection->node()].last_report = now;
    seat->second.told.clear();
    connection->send(ports::Wanted{wanted(writer_->state(), connection->node())});
    return commands;
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
  for (const auto& [id, node] : writer_->state().nodes.nodes) {
    const Time contact = last_contact(id);
    const bool counts = node.state != NodeState::down && node.state != NodeState::joining;
    if (counts && now - contact >= settings_.silence) {
      commands.push_back(
          own(ledger::nodes::Command{ledger::nodes::LoseNode{id, "no word from its agent"}}));
    }
    if (writer_->state().jobs.held.contains(id) &&
        now - contact >= settings_.lease + settings_.margin) {
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
  return {writer_->state(), writer_->position(), now, presence_, quotes_};
}

void Core::tell(const domain::NodeId& node) {
  const auto seat = seats_.find(node);
  if (seat == seats_.end() || !seat->second.greeted) return;
  auto orders = wanted(writer_->state(), node);
  if (orders == seat->second.told) return;
  if (seat->second.connection->send(ports::Wanted{orders})) seat->second.told = std::move(orders);
}

void Core::publish(const std::vector<PlacedFact>& facts) {
  for (const PlacedFact& placed : facts) {
    std::erase_if(followers_, [&](const Desk::Follow& follow) { return !follow(placed); });
  }
}

}  // namespace controller
