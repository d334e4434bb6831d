#include <algorithm>
#include <utility>

#include "era/repack.h"

namespace era {

using domain::Time;

namespace {

/// Lanes that `booking` may be put in: those of its own pool first.
std::vector<Candidate> lanes_of(const Ground& ground, const Booking& booking, bool other_pools) {
  auto lanes = lanes_for(ground, booking.shape);
  auto* found = std::get_if<std::vector<Candidate>>(&lanes);
  if (found == nullptr) return {};
  std::vector<Candidate> ordered;
  for (const bool own : {true, false}) {
    if (!own && !other_pools) break;
    for (Candidate& candidate : *found) {
      if ((candidate.lane->key().pool == booking.pool) == own)
        ordered.push_back(std::move(candidate));
    }
  }
  return ordered;
}

Move move_of(const Booking& booking, Found found) {
  return {booking.job, found.start, found.start + (booking.finish - booking.start),
          std::move(found.nodes)};
}

}  // namespace

Window promise_of(const Plan& plan, const Booking& booking, Time now) {
  const Time from = std::max(now, plan.begin());
  Window window{std::max(from, booking.earliest), std::min(booking.deadline, plan.horizon_end()),
                booking.finish - booking.start};
  if (booking.firm && booking.start >= from) {
    window.first = booking.start;
    window.only_first = true;
  }
  return window;
}

std::optional<Move> another_place(const Plan& plan, const Ground& ground, const Booking& booking,
                                  Time now, Reach reach) {
  const domain::Duration slot = plan.settings().slot;
  const Window promise = promise_of(plan, booking, now);
  const std::vector<Candidate> lanes = lanes_of(ground, booking, reach.other_pools);
  const auto find_in = [&](const Window& window, const Goal& goal) -> std::optional<Move> {
    for (const auto& [lane, ask] : lanes) {
      auto place = find_place(*lane, ask, window, slot, goal);
      if (Found* found = std::get_if<Found>(&place)) return move_of(booking, std::move(*found));
    }
    return std::nullopt;
  };
  if (booking.start >= std::max(now, plan.begin())) {
    auto same_time = find_in({booking.start, booking.finish, promise.duration, true}, {});
    if (same_time) return same_time;
  }
  if (!reach.in_time) return std::nullopt;
  return find_in(promise, {.soonest = !booking.movable});
}

void hold(const Plan& plan, Ground& ground, const Booking& booking) {
  ground.add({booking.per_rank, booking.nodes, plan.slots_of(booking)});
}

void release(const Plan& plan, Ground& ground, const Booking& booking) {
  ground.release({booking.per_rank, booking.nodes, plan.slots_of(booking)});
}

Booking moved(const Booking& booking, const Move& move) {
  Booking other = booking;
  other.start = move.start;
  other.finish = move.finish;
  other.nodes = move.nodes;
  return other;
}

}  // namespace era
