#include <algorithm>
#include <tuple>
#include <utility>

#include "era/repack.h"

namespace era {

using domain::Time;

namespace {

/// How many waiting bookings are tried at most: those planned soonest.
constexpr std::size_t kMostTried = 512;

/// Where in its own lane `booking`, not booked on `ground`, would be put today; none if nothing is
/// cheaper than where it is, nor as cheap and sooner.
std::optional<Move> better_place(const Plan& plan, const Ground& ground, const Booking& booking,
                                 Time now) {
  const Lane* lane = ground.lane_of(booking.nodes.front());
  if (lane == nullptr) return std::nullopt;
  const auto ask = ask_of(*lane, booking.shape);
  if (!ask) return std::nullopt;
  const auto cost = cost_over(*lane, ask->gang, plan.slots_of(booking));
  if (!cost) return std::nullopt;
  auto place = find_place(*lane, *ask, promise_of(plan, booking, now), plan.settings().slot,
                          {.limit = *cost});
  const Found* found = std::get_if<Found>(&place);
  if (found == nullptr || std::tie(found->cost, found->start) >= std::tie(*cost, booking.start))
    return std::nullopt;
  return Move{booking.job, found->start, found->start + (booking.finish - booking.start),
              found->nodes};
}

}  // namespace

std::vector<Move> replan(const Plan& plan, Time now, std::size_t most) {
  std::vector<const Booking*> waiting;
  for (const Movable& movable : plan.movables()) {
    const Booking& booking = *movable.booking;
    if (!booking.firm && booking.start >= now && !booking.nodes.empty())
      waiting.push_back(&booking);
  }
  std::vector<Move> moves;
  if (waiting.empty()) return moves;
  const std::size_t tried = std::min(waiting.size(), kMostTried);
  std::partial_sort(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(tried),
                    waiting.end(), [](const Booking* a, const Booking* b) {
                      return std::tie(a->start, a->job) < std::tie(b->start, b->job);
                    });
  waiting.resize(tried);
  Ground ground = plan.ground();
  for (const Booking* booking : waiting) {
    release(plan, ground, *booking);
    auto move = better_place(plan, ground, *booking, now);
    hold(plan, ground, move ? moved(*booking, *move) : *booking);
    if (!move) continue;
    moves.push_back(std::move(*move));
    if (moves.size() == most) break;
  }
  return moves;
}

}  // namespace era
