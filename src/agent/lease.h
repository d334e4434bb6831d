#pragma once
#include <cstdint>
#include <deque>

#include "domain/time.h"

namespace agent {

/// Until when ranks may run without the controller.
///
/// The lease runs from the moment a report was sent that the controller then acknowledged, so it
/// ends here no later than the controller believes. By its end every rank must be dead: SIGTERM
/// and the grace time lie inside it. A value; pure.
class Lease {
 public:
  /// Goes on with what an earlier agent knew; an end of 0 means that there was none.
  explicit Lease(domain::Time end) : end_(end) {}

  void set_length(domain::Duration length) { length_ = length; }
  void on_sent(std::uint64_t sequence, domain::Time at) { sent_.push_back({sequence, at}); }

  /// Takes an acknowledgement; true if the lease changed. The first one of this life decides, also
  /// if what an earlier agent knew, perhaps by another clock, is later.
  bool on_seen(std::uint64_t sequence);

  /// A new connection acknowledges nothing of the one before.
  void on_disconnected() { sent_.clear(); }

  std::size_t unacknowledged() const { return sent_.size(); }
  std::uint64_t newest_seen() const { return newest_seen_; }
  domain::Time end() const { return end_; }

  /// The most that a rank gets between SIGTERM and SIGKILL: a third of the lease, so that most of
  /// it passes before anything is stopped.
  domain::Duration longest_grace() const;

  /// When to send SIGTERM to a rank that would like `grace` to end, when contact stays lost.
  domain::Time terminate_at(domain::Duration grace) const;

  /// When to send SIGKILL, so that there is time left to see that the processes are gone.
  domain::Time kill_at() const;

  /// False while cut off for so long that a rank started now would have to be stopped at once.
  bool allows_start(domain::Time now) const { return now < terminate_at(length_); }

 private:
  struct Sent {
    std::uint64_t sequence;
    domain::Time at;
  };

  domain::Duration length_;  ///< 0 until the controller has said.
  domain::Time end_;
  std::deque<Sent> sent_;
  std::uint64_t newest_seen_ = 0;
  bool is_own_ = false;  ///< The end was acknowledged to this agent.
};

}  // namespace agent
