#include "sim/host.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace sim {

using domain::Duration;
using domain::Time;

namespace {
/// An agent is ticked no more often than this, unless something happened.
constexpr Duration kTickEvery{500};
}  // namespace

Host::Host(Agenda& agenda, Network& network, domain::Inventory inventory, domain::NodeId node)
    : agenda_(agenda),
      network_(network),
      node_(std::move(node)),
      inventory_(std::move(inventory)),
      machine_(agenda.now()),
      hardware_(std::make_unique<fakes::FixedMachine>(inventory_)),
      journal_(std::make_unique<fakes::MemoryAgentJournal>()),
      files_(std::make_unique<fakes::MemoryRankFiles>()),
      link_(*this) {}

void Host::start_agent() {
  CHECK(agent_ == nullptr, "one agent a machine");
  machine_.advance_to(agenda_.now());
  runtime_ = std::make_unique<fakes::ScriptedRuntime>(machine_);
  runtime_->on_end([this](const ports::RankKey& key, const ports::RankEnd& end) {
    ends_.insert_or_assign(key, end);
    if (agent_ != nullptr) agent_->on_rank_end(key, end, agenda_.now());
  });
  agent::AgentOptions options;
  options.facts.node = node_;
  options.facts.address = inventory_.address;
  options.facts.has_gpus = !inventory_.gpus.empty();
  options.data_dir = "/berth";
  auto opened = agent::Agent::open({.link = link_,
                                    .runtime = *runtime_,
                                    .journal = *journal_,
                                    .files = *files_,
                                    .machine = *hardware_,
                                    .checkpoint_store = checkpoints_},
                                   std::move(options), agenda_.now());
  CHECK(opened.has_value(), "an agent that finds its journal opens");
  agent_ = *std::move(opened);
  network_.attach(node_, {.connected =
                              [this] {
                                agent_->on_connected(agenda_.now());
                                wake_at(agenda_.now());
                              },
                          .message =
                              [this](const ports::ToAgent& message) {
                                agent_->on_message(message, agenda_.now());
                                wake_at(agenda_.now() + Duration{1});
                              },
                          .disconnected =
                              [this] {
                                agent_->on_disconnected(agenda_.now());
                                wake_at(agenda_.now());
                              }});
  wake_at(agenda_.now());
}

void Host::kill_agent() {
  if (agent_ == nullptr) return;
  network_.detach(node_);
  agent_.reset();
  runtime_.reset();
}

void Host::reboot(bool loses_disk) {
  kill_agent();
  machine_.advance_to(agenda_.now());
  machine_.lose_power();
  inventory_.boot_id = node_.value + "-boot-" + std::to_string(++boots_);
  hardware_ = std::make_unique<fakes::FixedMachine>(inventory_);
  if (!loses_disk) return;
  journal_ = std::make_unique<fakes::MemoryAgentJournal>();
  files_ = std::make_unique<fakes::MemoryRankFiles>();
}

void Host::wake_at(Time time) {
  if (time >= next_step_ && next_step_ > agenda_.now()) return;
  next_step_ = time;
  agenda_.at(time, [this, time] {
    if (next_step_ == time) step();
  });
}

void Host::step() {
  const Time now = agenda_.now();
  next_step_ = domain::kNever;
  machine_.advance_to(now);
  Time wake = machine_.next_event();
  if (agent_ != nullptr) {
    agent_->tick(now);
    machine_.advance_to(now);  // A kill is done at once.
    wake = std::min(machine_.next_event(), std::max(agent_->next_wake(now), now + kTickEvery));
  }
  if (wake < domain::kNever) wake_at(std::max(wake, now + Duration{1}));
}

}  // namespace sim
