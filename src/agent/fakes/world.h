#pragma once
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "base/check.h"
#include "fakes/fixed_machine.h"
#include "fakes/memory_agent_journal.h"
#include "fakes/memory_link.h"
#include "fakes/memory_rank_files.h"
#include "fakes/scripted_checkpoint_store.h"
#include "fakes/scripted_runtime.h"

namespace agent::fakes {

inline constexpr domain::Duration kLease{15'000};
inline constexpr ports::RankKey kKey{.job = {1}, .attempt = 1, .rank = 0};

inline ports::RankOrder order_for(ports::RankKey key) {
  return {.key = key,
          .grace = domain::Duration{3'000},
          .program = {.command = {"/bin/true"}, .grace = domain::Duration{3'000}}};
}

inline std::string folder_of(const ports::RankKey& key) { return place_of("/data", key).folder; }

/// A node and a controller that does what the test says. Time passes in steps of 100 ms.
class World {
 protected:
  World() : machine_(domain::Time{1'000'000}), computer_(inventory()) {
    machine_.set_scripts([this](const ports::Launch& launch) {
      starts_.push_back(launch.key);
      return script_;
    });
    boot();
  }

  static domain::Inventory inventory() {
    return {.address = "10.0.0.1", .gpus = {{.uuid = "GPU-a"}, {.uuid = "GPU-b"}}};
  }

  /// Starts an agent; the one before is gone without a word, as after kill -9.
  void boot() {
    if (link_.is_connected()) link_.disconnect();
    agent_.reset();
    runtime_ = std::make_unique<::fakes::ScriptedRuntime>(machine_);
    runtime_->on_end([this](ports::RankKey key, ports::RankEnd end) {
      if (agent_) agent_->on_rank_end(key, std::move(end), machine_.now());
    });
    store_.on_ready(
        [this](domain::JobId job, const std::string& name, const base::Result<>& whole) {
          agent_->on_checkpoint_ready(job, name, whole, machine_.now());
        });
    auto opened = Agent::open(
        {.link = link_,
         .runtime = *runtime_,
         .journal = journal_,
         .files = files_,
         .machine = computer_,
         .checkpoint_store = store_},
        {.facts = {.node = {"n1"}, .address = "10.0.0.1"}, .data_dir = "/data"}, machine_.now());
    CHECK(opened, "an agent opens on an empty or a known journal");
    agent_ = *std::move(opened);
    link_.open(
        {.connected = [this] { agent_->on_connected(machine_.now()); },
         .message = [this](const ports::ToAgent& m) { agent_->on_message(m, machine_.now()); },
         .disconnected =
             [this](const base::Error&) {
               if (agent_) agent_->on_disconnected(machine_.now());
             }});
  }

  void connect() {
    link_.connect();
    agent_->tick(machine_.now());
    answer();
  }

  void want(std::vector<ports::RankOrder> orders) {
    wanted_ = std::move(orders);
    link_.deliver(ports::Wanted{wanted_});
    agent_->tick(machine_.now());
    answer();
  }

  /// What the controller does with all it got.
  void answer() {
    while (!link_.sent.empty()) {
      const ports::FromAgent message = std::move(link_.sent.front());
      link_.sent.pop_front();
      take(message);
    }
  }

  void take(const ports::FromAgent& message) {
    if (const auto* hello = std::get_if<ports::Hello>(&message)) {
      hellos_.push_back(*hello);
      link_.deliver(ports::Welcome{kLease});
    } else if (const auto* report = std::get_if<ports::Report>(&message)) {
      ++reports_;
      seen_ = report->ranks;
      last_sample_ = report->sample;
      if (acknowledge_) link_.deliver(ports::ReportSeen{report->sequence});
    } else if (const auto* chunk = std::get_if<ports::FileChunk>(&message)) {
      link_.deliver(link_.kept.take(*chunk));
    }
  }

  void pass(domain::Duration length) {
    for (const domain::Time end = machine_.now() + length; machine_.now() < end;) {
      machine_.advance(domain::Duration{100});
      agent_->tick(machine_.now());
      answer();
    }
  }

  const ports::ObservedRank* find(const ports::RankKey& key) const {
    const auto at = std::ranges::find(seen_, key, &ports::ObservedRank::key);
    return at == seen_.end() ? nullptr : &*at;
  }
  bool is(const ports::RankKey& key, ports::RankPhase phase) const {
    const ports::ObservedRank* rank = find(key);
    return rank != nullptr && rank->phase == phase;
  }

  ::fakes::Machine machine_;
  ::fakes::RankScript script_;
  ::fakes::FixedMachine computer_;
  ::fakes::MemoryAgentJournal journal_;
  ::fakes::MemoryRankFiles files_;
  ::fakes::MemoryLink link_;
  ::fakes::ScriptedCheckpointStore store_;
  std::unique_ptr<::fakes::ScriptedRuntime> runtime_;
  std::unique_ptr<Agent> agent_;
  std::vector<ports::RankOrder> wanted_;
  std::vector<ports::RankKey> starts_;
  std::vector<ports::Hello> hellos_;
  std::vector<ports::ObservedRank> seen_;
  std::optional<ports::NodeSample> last_sample_;
  int reports_ = 0;
  bool acknowledge_ = true;
};

}  // namespace agent::fakes
