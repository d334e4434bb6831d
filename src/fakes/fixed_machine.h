#pragma once
#include <utility>

#include "ports/machine.h"

namespace fakes {

/// A machine that is what it is told to be.
class FixedMachine final : public ports::Machine {
 public:
  explicit FixedMachine(domain::Inventory inventory) : inventory_(std::move(inventory)) {}

  /// From now on it is this.
  void become(domain::Inventory inventory) { inventory_ = std::move(inventory); }
  void load(ports::NodeSample sample) { sample_ = std::move(sample); }

  domain::Inventory inventory() override { return inventory_; }

  ports::NodeSample sample(domain::Time now) override {
    sample_.at = now;
    return sample_;
  }

 private:
  domain::Inventory inventory_;
  ports::NodeSample sample_;
};

}  // namespace fakes
