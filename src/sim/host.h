#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "fakes/fixed_machine.h"
#include "fakes/memory_agent_journal.h"
#include "fakes/memory_link.h"
#include "fakes/memory_rank_files.h"
#include "fakes/scripted_runtime.h"
#include "sim/checkpoint_store.h"
#include "sim/network.h"

namespace sim {

/// A machine of the cluster: its processes, its disk, its GPUs, its clocks, and the agent on it,
/// which may die and come back while its ranks go on.
///
/// An agent counts time as the real one does: by the clock of the boot, which neither jumps nor
/// goes back, from what the wall clock said when the first agent of this boot started.
class Host {
 public:
  Host(Agenda& agenda, Network& network, domain::Inventory inventory, domain::NodeId node);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// Sets what ranks do here, on GPUs that are in order.
  void set_programs(fakes::Machine::Scripts programs) { programs_ = std::move(programs); }
  /// Where what the controller keeps is fetched from; outlives the host.
  void set_kept(const fakes::KeptFiles& kept) { kept_ = &kept; }

  void start_agent();
  void kill_agent();
  bool has_agent() const { return agent_ != nullptr; }
  /// Power goes and comes: every process is dead. The disk may be lost, too.
  void reboot(bool loses_disk);
  void fill_disk(bool full) { journal_->fill_disk(full); }
  /// The wall clock is set, which an agent may see only after the next boot.
  void jump_clock(domain::Duration by) { skew_ = skew_ + by; }
  /// The wall clock of a machine that is new.
  void set_clock(domain::Duration ahead) { offset_ = skew_ = ahead; }
  /// What runs on the GPU ends with a fault that the log tells, now and whenever it is used. If the
  /// driver `reports` it, the inventory says so, too.
  void break_gpu(std::size_t index, bool reports);
  void repair_gpus();

  const domain::NodeId& node() const { return node_; }
  std::size_t gpus() const { return inventory_.gpus.size(); }
  fakes::Machine& machine() { return machine_; }
  const fakes::Machine& machine() const { return machine_; }
  /// What was wrong with a checkpoint that a rank here was to resume from.
  const std::vector<std::string>& torn_offers() const { return torn_offers_; }
  /// How often a rank ended and left a checkpoint half written.
  int torn_checkpoints() const { return torn_checkpoints_; }
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
    base::Result<> fetch(domain::JobId job, const std::string& path,
                         const std::function<base::Result<>(std::string_view)>& sink) override;
    void close() override {}
    Host& host_;
  };
  domain::Time agent_now() const { return agenda_.now() + offset_; }
  fakes::RankScript script(const ports::Launch& launch);
  void look_at_offer(const ports::Launch& launch);
  void count_torn(domain::JobId job);
  void step();
  void wake_at(domain::Time time);

  Agenda& agenda_;
  Network& network_;
  domain::NodeId node_;
  domain::Inventory inventory_;
  fakes::Machine machine_;
  fakes::Machine::Scripts programs_;
  const fakes::KeptFiles* kept_ = nullptr;
  std::unique_ptr<fakes::FixedMachine> hardware_;
  std::unique_ptr<fakes::MemoryAgentJournal> journal_;
  std::unique_ptr<fakes::MemoryRankFiles> files_;
  Link link_;
  std::unique_ptr<CheckpointStore> checkpoints_;
  std::unique_ptr<fakes::ScriptedRuntime> runtime_;
  std::unique_ptr<agent::Agent> agent_;
  std::map<ports::RankKey, ports::RankEnd> ends_;
  std::set<std::string> bad_gpus_;
  std::vector<std::string> torn_offers_;
  int torn_checkpoints_ = 0;
  domain::Duration skew_;    ///< Of the wall clock.
  domain::Duration offset_;  ///< Of the agents' clock, in this boot.
  domain::Time next_step_ = domain::kNever;
  int boots_ = 1;
  int agents_ = 0;
};

/// Every GPU that a rank was given, simulated ones too, which CUDA_VISIBLE_DEVICES leaves out.
std::vector<std::string> gpus_of(const ports::Launch& launch);

}  // namespace sim
