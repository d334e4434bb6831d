#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "domain/ids.h"
#include "ports/agent_link.h"

namespace adapters::agent_host {

struct AgentHostOptions {
  domain::NodeId node;
  std::string data_dir;         ///< Absolute; made if need be, mode 0700.
  std::string shim_path;        ///< The berth-shim executable.
  std::string python_dir;       ///< Folder that holds the package `berth`; empty: none.
  std::string address;          ///< Where other nodes reach this one.
  std::string pool;             ///< Empty: named after the GPU model, or "cpu".
  std::string simulated_gpus;   ///< Such as "A100:8"; empty: what the machine really has.
  std::int64_t cpu_millis = 0;  ///< Thousandths of cores to offer; 0: all that there are.
  std::string version;
  bool use_cgroups = true;
};

/// An agent at work on this machine: it joins agent::Agent with the real runtime, disk, GPUs and
/// clock, and with a link that the caller made.
///
/// One control thread owns the agent. Everything that happens elsewhere (messages of the link, ends
/// of ranks) waits for it in a bounded queue; a full queue makes the sender wait.
class AgentHost {
 public:
  /// Opens everything, takes up the ranks that an earlier agent left, and opens the link, which it
  /// owns from then on. `on_rejected` is called, once at most and from the control thread (it must
  /// not call stop), when the controller will not have this agent. Fails with `conflict` if another
  /// agent uses the folder.
  static base::Result<std::unique_ptr<AgentHost>> open(
      AgentHostOptions options, std::unique_ptr<ports::ControllerLink> link,
      std::function<void(std::string)> on_rejected = {});
  ~AgentHost();

  /// Ends the agent. Its ranks run on, and the next agent takes them up.
  void stop();

 private:
  class Room;
  explicit AgentHost(std::unique_ptr<Room> room);
  std::unique_ptr<Room> room_;
};

}  // namespace adapters::agent_host
