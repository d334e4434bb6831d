#pragma once
#include "base/result.h"
#include "domain/ids.h"

namespace ports {

/// Who switches machines on and off: power over the network, or a cloud whose machines are rented.
/// Both calls return when that is asked for, not when it is done, may be repeated, and block;
/// they may come from several threads. Fake: fakes/scripted_node_provider.h, for one thread.
/// Real: adapters/provider.
class NodeProvider {
 public:
  NodeProvider() = default;
  NodeProvider(const NodeProvider&) = delete;
  NodeProvider& operator=(const NodeProvider&) = delete;
  virtual ~NodeProvider() = default;

  /// The machine comes up, and the agent on it connects. `unavailable` if it could not be asked
  /// for.
  virtual base::Result<> resume(const domain::NodeId& node) = 0;
  /// The machine may go off: nothing of Berth's runs on it.
  virtual base::Result<> suspend(const domain::NodeId& node) = 0;
};

}  // namespace ports
