#pragma once
#include <string>
#include <vector>

#include "ports/node_provider.h"

namespace fakes {

/// Remembers what was asked of it, and fails when it is told to.
class ScriptedNodeProvider final : public ports::NodeProvider {
 public:
  enum class Fault {
    none,
    refuses,        ///< Nothing happens: `unavailable`.
    reply_is_lost,  ///< It is done, yet the answer is `unavailable`.
  };
  struct Asked {
    std::string node;
    bool resume = false;
    friend bool operator==(const Asked&, const Asked&) = default;
  };

  /// What goes wrong in the next `times` calls.
  void inject(Fault fault, int times = 1) {
    fault_ = fault;
    times_ = times;
  }

  base::Result<> resume(const domain::NodeId& node) override { return take({node.value, true}); }
  base::Result<> suspend(const domain::NodeId& node) override { return take({node.value, false}); }

  /// What was done, in its order.
  const std::vector<Asked>& done() const { return done_; }

 private:
  base::Result<> take(Asked asked) {
    const Fault fault = times_ > 0 ? fault_ : Fault::none;
    if (times_ > 0) --times_;
    if (fault == Fault::refuses)
      return base::fail(base::ErrorCode::unavailable, "the provider refuses");
    done_.push_back(std::move(asked));
    if (fault == Fault::reply_is_lost)
      return base::fail(base::ErrorCode::unavailable, "the provider's reply was lost");
    return {};
  }

  std::vector<Asked> done_;
  Fault fault_ = Fault::none;
  int times_ = 0;
};

}  // namespace fakes
