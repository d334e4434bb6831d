#pragma once
#include <memory>
#include <vector>

#include "adapters/nvml/nvml.h"
#include "adapters/system/machine.h"
#include "ports/machine.h"

namespace adapters::agent_host {

/// This computer, with its real GPUs or with simulated ones in their place.
class LocalMachine final : public ports::Machine {
 public:
  /// `declared`: what cannot be measured, such as the address; its GPUs are the simulated ones.
  LocalMachine(domain::Inventory declared, std::string data_dir);

  domain::Inventory inventory() override;
  ports::NodeSample sample(domain::Time now) override;

 private:
  domain::Inventory declared_;
  std::string data_dir_;
  std::unique_ptr<nvml::Nvml> nvml_;  ///< Null where the GPUs are simulated.
  system::MachineCounters last_;
};

}  // namespace adapters::agent_host
