#include <algorithm>
#include <tuple>
#include <utility>

#include "era/repack.h"

namespace era {

using domain::Time;

namespace {

/// How many bookings that wait are tried at most, those planned soonest, and how many that run: in
/// turn, others at each time.
constexpr std::size_t kMostTried = 512;
constexpr std::size_t kMostRunning = 64;
constexpr domain::Duration kTurn{10 * 60'000};

/// Where a booking, not booked on the lane, would be put today; none if nothing is cheaper than
/// where it is, nor as cheap and sooner.
std::optional<Move> better_stretch(const Mover& in) {
  const Booking& booking = in.booking;
  const auto cost = cost_over(in.lane, in.ask.gang, in.plan.slots_of(booking));
  if (!cost) return std::nullopt;
  auto place = find_place(in.lane, in.ask, promise_of(in.plan, booking, in.now),
                          in.plan.settings().slot, {.limit = *cost});
  const Found* found = std::get_if<Found>(&place);
  // At the start that it has it costs what it costs, even if only a part of a slot is counted.
  if (found == nullptr || found->start == booking.start ||
      std::tie(found->cost, found->start) >= std::tie(*cost, booking.start)) {
    return std::nullopt;
  }
  return Move{
      booking.job, found->start, found->start + (booking.finish - booking.start), found->nodes, {}};
}

/// The same for what is left of a preemptible one, wherever that is not where it was planned: a
/// plan that its nodes no longer hold is worse than any.
std::optional<Move> better_pieces(const Mover& in) {
  const Booking& booking = in.booking;
  const Rest rest = rest_of(in.plan, booking, in.now);
  auto found = find_rest(in, rest);
  if (!found) return std::nullopt;
  const auto cost = cost_of(in.lane, in.ask, rest.pieces, in.plan.settings().slot);
  const Time end = rest.pieces.back().finish;
  const Time new_end = end_of(found->move);
  if (cost && std::tie(found->cost, new_end) >= std::tie(*cost, end)) return std::nullopt;
  return std::move(found->move);
}

std::optional<Move> better_place(const Plan& plan, const Ground& ground, const Booking& booking,
                                 Time now) {
  const Lane* lane = ground.lane_of(booking.nodes.front());
  if (lane == nullptr) return std::nullopt;
  const auto ask = ask_of(*lane, shape_of(booking));
  if (!ask) return std::nullopt;
  const Mover mover{plan, booking, *lane, *ask, now};
  return booking.preemptible ? better_pieces(mover) : better_stretch(mover);
}

/// Whether anything of `booking` could be elsewhere.
bool has_choice(const Plan& plan, const Booking& booking, Time now) {
  if (booking.firm || booking.nodes.empty()) return false;
  if (booking.movable) return booking.start >= now;
  if (booking.finish <= now + booking.restart) return false;  // It is about to pause, or over.
  if (!booking.widths.empty()) return true;
  // A job without slack has none: what is left fills its window.
  const Rest rest = rest_of(plan, booking, now);
  return rest.window.first + rest.window.duration < rest.window.finish_by;
}

/// What is tried: first what runs, which has less choice.
std::vector<const Booking*> tried(const Plan& plan, Time now) {
  std::vector<const Booking*> running;
  std::vector<const Booking*> waiting;
  for (const Movable& movable : plan.movables()) {
    if (!has_choice(plan, *movable.booking, now)) continue;
    (movable.booking->movable ? waiting : running).push_back(movable.booking);
  }
  if (running.size() > kMostRunning) {
    const std::size_t turn = static_cast<std::size_t>(now.ms / kTurn.ms) * kMostRunning;
    std::ranges::rotate(running,
                        running.begin() + static_cast<std::ptrdiff_t>(turn % running.size()));
    running.resize(kMostRunning);
  }
  const std::size_t most = std::min(waiting.size(), kMostTried);
  std::partial_sort(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(most),
                    waiting.end(), [](const Booking* a, const Booking* b) {
                      return std::tie(a->start, a->job) < std::tie(b->start, b->job);
                    });
  running.insert(running.end(), waiting.begin(),
                 waiting.begin() + static_cast<std::ptrdiff_t>(most));
  return running;
}

}  // namespace

std::vector<Move> replan(const Plan& plan, Time now, std::size_t most) {
  const std::vector<const Booking*> bookings = tried(plan, now);
  std::vector<Move> moves;
  if (bookings.empty()) return moves;
  Ground ground = plan.ground();
  for (const Booking* booking : bookings) {
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
