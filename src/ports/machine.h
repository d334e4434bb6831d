#pragma once
#include "domain/node.h"
#include "ports/agent_link.h"

namespace ports {

/// The computer that an agent runs on. Fake: fakes/fixed_machine.h. Real: adapters/agent_host.
class Machine {
 public:
  virtual ~Machine() = default;
  /// What it has now. A GPU that was there before and does not answer stays listed, with its fault
  /// as `health`. Costs some milliseconds where there are GPUs.
  virtual domain::Inventory inventory() = 0;
  /// Costs some milliseconds where there are GPUs.
  virtual NodeSample sample(domain::Time now) = 0;
};

}  // namespace ports
