#pragma once
#include <cstdint>

#include "shim/spec.h"

namespace shim {

/// Ends the rank when its agent's lease is over, by the agent's own rule: SIGTERM before the end by
/// the rank's grace, SIGKILL at the end, again and again until nothing is left.
///
/// An agent that lives sends the SIGTERM itself; this does it only for one that is gone, and never
/// a second time. SIGKILL does not ask. Between the deadlines nothing runs: a timer of the clock
/// that also counts the machine's sleep interrupts the wait for the children.
class LeaseWatch {
 public:
  explicit LeaseWatch(const Spec& spec);

  /// Waits for a child's end or for a deadline, and does what the deadline wants. Also returns for
  /// nothing.
  void wait();

 private:
  void act();
  void refresh();
  void terminate();
  void kill();
  void wake_at(std::int64_t at_ms);
  std::int64_t terminate_at_ms() const;

  const char* path_;
  std::int64_t kill_at_ms_;
  std::int64_t longest_grace_ms_;
  std::int64_t grace_ms_;
  std::int64_t wake_at_ms_ = 0;  ///< 0: never.
  int timer_ = -1;
  bool agent_lives_ = false;
  bool terminated_ = false;  ///< By this; from then on no newer lease saves the rank.
  bool killed_ = false;
};

}  // namespace shim
