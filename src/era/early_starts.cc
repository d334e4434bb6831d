#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "era/quote.h"
#include "era/repack.h"

namespace era {

using domain::Time;

namespace {

/// How many waiting bookings are tried at most: those planned soonest.
constexpr std::size_t kMostTried = 256;

/// What starting now may cost at most: where demand makes the prices, what the booking costs where
/// it is. Idle time that is dearer is likely to be wanted by who cannot wait for another.
std::int64_t most_cost(const Plan& plan, const Lane& lane, const Ask& ask, const Booking& booking) {
  constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
  if (!lane.is_priced_by_demand()) return kAny;
  return cost_over(lane, ask.gang, plan.slots_of(booking)).value_or(kAny);
}

/// Nodes of the booking's own pool on which it could run from `now` on.
std::optional<Move> start_now(const Plan& plan, const Ground& ground, const InUse& in_use,
                              const Booking& booking, Time now) {
  const domain::Duration duration = booking.finish - booking.start;
  const domain::Duration slot = plan.settings().slot;
  for (const auto& [key, lane] : ground.lanes()) {
    if (key.pool != booking.pool || lane.find(booking.nodes.front()) == nullptr) continue;
    const auto ask = ask_of(lane, shape_of(booking));
    if (!ask) continue;
    const auto cost = cost_from(lane, ask->gang, now, duration, slot);
    if (!cost || *cost > most_cost(plan, lane, *ask, booking)) continue;
    auto nodes = place(lane, *ask, touched(now, now + duration, slot), &in_use);
    if (nodes) return Move{booking.job, now, now + duration, std::move(*nodes), {}};
  }
  return std::nullopt;
}

}  // namespace

std::vector<Move> early_starts(const Plan& plan, const InUse& in_use, Time now, std::size_t most,
                               const std::function<bool(domain::JobId)>& allowed) {
  std::vector<const Booking*> waiting;
  for (const auto& [job, booking] : plan.bookings()) {
    const bool may_start = booking.movable && booking.later.empty() && !booking.firm &&
                           booking.start > now && booking.earliest <= now && !booking.nodes.empty();
    if (may_start) waiting.push_back(&booking);
  }
  const std::size_t tried = std::min(waiting.size(), kMostTried);
  std::partial_sort(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(tried),
                    waiting.end(), [](const Booking* a, const Booking* b) {
                      return std::tie(a->start, a->job) < std::tie(b->start, b->job);
                    });
  waiting.resize(tried);

  std::vector<Move> moves;
  if (waiting.empty() || most == 0) return moves;
  Ground ground = plan.ground();
  for (const Booking* booking : waiting) {
    if (allowed && !allowed(booking->job)) continue;
    release(plan, ground, *booking);
    auto move = start_now(plan, ground, in_use, *booking, now);
    hold(plan, ground, move ? moved(*booking, *move) : *booking);
    if (!move) continue;
    moves.push_back(std::move(*move));
    if (moves.size() == most) break;
  }
  return moves;
}

}  // namespace era
