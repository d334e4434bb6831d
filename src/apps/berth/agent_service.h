#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace adapters::agent_host {
class AgentHost;
}

namespace apps {

struct AgentServiceOptions {
  std::string data_dir;
  std::string node;                      ///< Empty: this machine's host name.
  std::vector<std::string> controllers;  ///< HOST:PORT of each controller's port for agents.
  std::string join_at;                   ///< HOST:PORT of the port for joining.
  std::string join_token;                ///< Empty: this machine has joined before.
  bool joins_again = false;              ///< Joins with the token even if it has joined before.
  std::string address;                   ///< Where other nodes reach this one; empty: found out.
  std::string pool;
  std::string simulated_gpus;  ///< MODEL:N; empty: those that the machine has.
  int cores = 0;               ///< To offer; 0: all.
};

/// An agent of this machine: joins the cluster if need be, then serves it. Stopping it leaves its
/// ranks running (P5).
class AgentService {
 public:
  static base::Result<std::unique_ptr<AgentService>> open(const AgentServiceOptions& options);
  ~AgentService();

  const std::string& node() const { return node_; }
  /// Why the controller will not have this node; empty while it has not said so.
  std::string rejected() const;

 private:
  struct Refusal;
  AgentService(std::string node, std::shared_ptr<Refusal> refusal,
               std::unique_ptr<adapters::agent_host::AgentHost> host);
  std::string node_;
  std::shared_ptr<Refusal> refusal_;
  std::unique_ptr<adapters::agent_host::AgentHost> host_;
};

}  // namespace apps
