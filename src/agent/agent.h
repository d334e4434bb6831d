#pragma once
#include <memory>
#include <optional>
#include <string>

#include "agent/checkpoints.h"
#include "agent/collect.h"
#include "agent/lease.h"
#include "agent/ranks.h"
#include "agent/shipping.h"
#include "ports/agent_journal.h"
#include "ports/agent_link.h"
#include "ports/checkpoint_store.h"
#include "ports/machine.h"
#include "ports/rank_files.h"
#include "ports/runtime.h"

namespace agent {

/// The outside world of an agent; all of it outlives the agent.
struct AgentPorts {
  ports::ControllerLink& link;
  ports::Runtime& runtime;
  ports::AgentJournal& journal;
  ports::RankFiles& files;
  ports::Machine& machine;
  ports::CheckpointStore& checkpoint_store;
};

struct AgentOptions {
  NodeFacts facts;
  std::string data_dir;  ///< Absolute; everything of the agent lies below it.
};

/// Makes one node run what its controller wants there, and tells what it sees.
///
/// Single-threaded, without a clock: the caller hands in what happened and the time, one call after
/// another, then calls `tick`, which sends what is to be sent. Time must never go back.
///
/// Ranks outlive an agent: a new one with the same journal takes them up and starts none twice. Cut
/// off from its controller for a lease (see Lease), an agent stops its ranks.
class Agent {
 public:
  /// Reads the journal and takes up what an earlier agent left. Before it, the caller has set the
  /// runtime's and the checkpoint store's handlers.
  static base::Result<std::unique_ptr<Agent>> open(AgentPorts ports, AgentOptions options,
                                                   domain::Time now);

  void on_connected(domain::Time now);
  void on_message(const ports::ToAgent& message, domain::Time now);
  void on_disconnected(domain::Time now);
  void on_rank_end(const ports::RankKey& key, ports::RankEnd end, domain::Time now);
  void on_checkpoint_ready(domain::JobId job, const std::string& name, const base::Result<>& whole,
                           domain::Time now);
  void tick(domain::Time now);

  /// When to call `tick` next, if nothing happens before.
  domain::Time next_wake(domain::Time now) const;

  /// Why the controller will not have this agent; empty while it has not said so.
  const std::string& rejected() const { return rejected_; }

 private:
  Agent(AgentPorts ports, AgentOptions options, ports::AgentJournal::Contents known,
        domain::Time now);

  void take(const ports::Welcome& welcome, domain::Time now);
  void take(const ports::ReportSeen& seen, domain::Time now);
  void take(const ports::Wanted& wanted, domain::Time now);
  void take(const ports::FileKept& kept, domain::Time now);
  void take(const ports::Rejected& rejected, domain::Time now);
  void report(domain::Time now);
  void take_samples(domain::Time now);
  void look_at_hardware(domain::Time now);

  AgentPorts ports_;
  AgentOptions options_;
  Lease lease_;
  Shipper shipper_;
  Collector collector_;
  JobCheckpoints checkpoints_;
  Ranks ranks_;
  domain::Inventory inventory_;
  ports::NodeSample sample_;
  std::string rejected_;
  bool connected_ = false;
  bool greeted_ = false;  ///< Hello went out on this connection, and holds.
  bool dirty_ = true;
  std::optional<domain::Time> tell_begun_at_;  ///< When ranks that have begun are told at last.
  std::uint64_t sequence_ = 0;
  domain::Time last_report_;
  domain::Time next_look_;
  domain::Time next_checkpoint_look_;
  domain::Time next_sample_;
  domain::Time next_hardware_look_;
  domain::Time noted_lease_;
};

}  // namespace agent
