#include "agent/lease.h"

#include <algorithm>

namespace agent {

using domain::Duration;
using domain::Time;

namespace {
/// Time to verify that killed processes are gone.
constexpr Duration kMargin{2'000};
/// Grace inside the lease as long as its length is unknown.
constexpr Duration kShortGrace{5'000};
}  // namespace

bool Lease::on_seen(std::uint64_t sequence) {
  newest_seen_ = std::max(newest_seen_, sequence);
  bool grew = false;
  while (!sent_.empty() && sent_.front().sequence <= sequence) {
    const Time end = sent_.front().at + length_;
    sent_.pop_front();
    if (length_.ms == 0 || (is_own_ && end <= end_)) continue;
    is_own_ = true;
    end_ = end;
    grew = true;
  }
  return grew;
}

Time Lease::kill_at() const {
  const Duration margin = length_.ms == 0 ? kMargin : std::min(kMargin, {length_.ms / 5});
  return end_ - margin;
}

Duration Lease::longest_grace() const {
  return length_.ms == 0 ? kShortGrace : Duration{length_.ms / 3};
}

Time Lease::terminate_at(Duration grace) const {
  return kill_at() - std::min(grace, longest_grace());
}

}  // namespace agent
