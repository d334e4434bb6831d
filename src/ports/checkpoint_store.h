#pragma once
#include <functional>
#include <string>

#include "base/result.h"
#include "domain/ids.h"

namespace ports {

/// Checkpoints of jobs on an agent's machine: folders `step-N` that hold a MANIFEST.json with the
/// size and SHA-256 of every file.
///
/// Fake: fakes/scripted_checkpoint_store.h. Real: adapters/agent_disk, which reads and fetches on a
/// thread of its own; `on_ready` is called from there.
class CheckpointStore {
 public:
  using OnReady = std::function<void(domain::JobId job, std::string name, base::Result<> whole)>;
  virtual ~CheckpointStore() = default;

  /// Sets who is told. Call before anything else.
  virtual void on_ready(OnReady handler) = 0;

  /// Makes sure that the checkpoint `name` of a job, with all its pieces, lies whole in `folder`:
  /// what is torn or absent is fetched from the controller. The answer comes through `on_ready`;
  /// an error says what is wrong.
  virtual void ensure(domain::JobId job, const std::string& name, const std::string& folder) = 0;
};

}  // namespace ports
