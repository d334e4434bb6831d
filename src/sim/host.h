#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "fakes/fixed_machine.h"
#include "fakes/memory_agent_journal.h"
#include "fakes/memory_rank_files.h"
#include "fakes/scripted_checkpoint_store.h"
#include "fakes/scripted_runtime.h"
#include "sim/network.h"

namespace sim {

/// A machine of the cluster: its processes, its disk, and the agent on it, which may die and come
/// back while its ranks go on.
class Host {
 public:
  Host(Agenda& agenda, Network& network, domain::Inventory inventory, domain::NodeId node);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void start_agent();
  void kill_agent();
  bool has_agent() const { return agent_ != nullptr; }
  /// Power goes and comes: every process is dead. The disk may be lost, too.
  void reboot(bool loses_disk);
  void fill_disk(bool full) { journal_->fill_disk(full); }

  const domain::NodeId& node() const { return node_; }
  fakes::Machine& machine() { return machine_; }
  /// How ranks really ended here, as their shims told.
  const std::map<ports::RankKey, ports::RankEnd>& ends() const { return ends_; }
  bool is_rejected() const { return agent_ != nullptr && !agent_->rejected().empty(); }

 private:
  struct Link final : ports::ControllerLink {
    explicit Link(Host& host) : host_(host) {}
    void open(Handlers) override {}
    bool send(ports::FromAgent message) override {
      return host_.network_.send(host_.node_, std::move(message));
    }
    base::Result<> fetch(domain::JobId, const std::string& path,
                         const std::function<base::Result<>(std::string_view)>&) override {
      return base::fail(base::ErrorCode::not_found, "{} is not kept", path);
    }
    void close() override {}
    Host& host_;
  };
  void step();
  void wake_at(domain::Time time);

  Agenda& agenda_;
  Network& network_;
  domain::NodeId node_;
  domain::Inventory inventory_;
  fakes::Machine machine_;
  std::unique_ptr<fakes::FixedMachine> hardware_;
  std::unique_ptr<fakes::MemoryAgentJournal> journal_;
  std::unique_ptr<fakes::MemoryRankFiles> files_;
  fakes::ScriptedCheckpointStore checkpoints_;
  Link link_;
  std::unique_ptr<fakes::ScriptedRuntime> runtime_;
  std::unique_ptr<agent::Agent> agent_;
  std::map<ports::RankKey, ports::RankEnd> ends_;
  domain::Time next_step_ = domain::kNever;
  int boots_ = 1;
};

}  // namespace sim
