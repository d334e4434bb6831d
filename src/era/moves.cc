#include <algorithm>
#include <tuple>
#include <utility>

#include "era/repack.h"
#include "era/width_pieces.h"

namespace era {

using domain::Time;

namespace {

/// Lanes that `booking` may be put in as `shape`: those of its own pool first.
std::vector<Candidate> lanes_of(const Ground& ground, const Booking& booking,
                                const domain::Shape& shape, bool other_pools) {
  auto lanes = lanes_for(ground, shape);
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
  return {booking.job,
          found.start,
          found.start + (booking.finish - booking.start),
          std::move(found.nodes),
          {}};
}

/// What is left of a preemptible `booking`, in the first lane that has room for it.
std::optional<Move> other_pieces(const Plan& plan, const std::vector<Candidate>& lanes,
                                 const Booking& booking, Time now) {
  const Rest rest = rest_of(plan, booking, now);
  for (const auto& [lane, ask] : lanes) {
    if (auto found = find_rest({plan, booking, *lane, ask, now}, rest))
      return std::move(found->move);
  }
  return std::nullopt;
}

/// The cheapest pieces for the rest of a booking.
std::variant<FoundPieces, RefusalReason> pieces_for(const Mover& mover, const Rest& rest) {
  const Booking& booking = mover.booking;
  const domain::Duration slot = mover.plan.settings().slot;
  if (booking.widths.empty()) {
    const PiecesAsk asked{mover.ask, rest.window, booking.restart, rest.before, &booking.nodes};
    return find_pieces(mover.lane, asked, slot);
  }
  const auto asks = width_asks(mover.lane, booking.shape, booking.widths);
  if (!asks) return RefusalReason::larger_than_pool;
  return find_width_pieces(mover.lane,
                           {*asks, rest.window.first, rest.window.finish_by, rest.work,
                            booking.restart, rest.before, &booking.nodes},
                           slot);
}

/// The move that gives `booking` these pieces from `now` on.
Move move_to(const Booking& booking, const Rest& rest, Pieces pieces, Time now) {
  Move move{booking.job, booking.start, now, booking.nodes, {}};
  const bool goes_on = rest.before == Before::runs && pieces.front().start == rest.window.first &&
                       pieces.front().nodes == booking.nodes;
  if (goes_on) move.finish = pieces.front().finish;
  auto rest_from = pieces.begin() + (goes_on ? 1 : 0);
  if (rest.before != Before::runs) {
    move = {booking.job, rest_from->start, rest_from->finish, std::move(rest_from->nodes), {}};
    ++rest_from;
  }
  move.later.assign(std::make_move_iterator(rest_from), std::make_move_iterator(pieces.end()));
  return move;
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

Rest rest_of(const Plan& plan, const Booking& booking, Time now) {
  Rest rest;
  const Time from = std::max(now, plan.begin());
  const bool runs = !booking.movable && booking.finish > from;
  if (booking.finish > from) {
    const Time start = runs ? from : booking.start;
    rest.pieces.push_back({start, booking.finish, booking.nodes});
  }
  rest.pieces.insert(rest.pieces.end(), booking.later.begin(), booking.later.end());
  rest.before = booking.resumes ? Before::pauses : Before::nothing;
  if (runs) rest.before = Before::runs;
  rest.work =
      work_of(rest.pieces, booking.widths, booking.restart, booking.movable && booking.resumes);
  const std::int64_t speed = domain::speed_on(booking.widths, booking.shape.ranks);
  rest.window = {std::max(from, booking.earliest), std::min(booking.deadline, plan.horizon_end()),
                 domain::Duration{(rest.work + speed - 1) / speed}};
  return rest;
}

std::optional<RestFound> find_rest(const Mover& mover, const Rest& rest) {
  const Booking& booking = mover.booking;
  if (rest.pieces.empty() || rest.work <= 0) return std::nullopt;
  auto place = pieces_for(mover, rest);
  auto* found = std::get_if<FoundPieces>(&place);
  if (found == nullptr) return std::nullopt;
  RestFound rest_found{move_to(booking, rest, std::move(found->pieces), mover.now), found->cost};
  if (rest_found.move.start >= rest_found.move.finish) return std::nullopt;
  return rest_found;
}

std::optional<Move> another_place(const Plan& plan, const Ground& ground, const Booking& booking,
                                  Time now, Reach reach) {
  const domain::Duration slot = plan.settings().slot;
  const Window promise = promise_of(plan, booking, now);
  const auto find_in = [&](const Window& window, const Goal& goal) -> std::optional<Move> {
    const auto lanes = lanes_of(ground, booking, shape_of(booking), reach.other_pools);
    for (const auto& [lane, ask] : lanes) {
      auto place = find_place(*lane, ask, window, slot, goal);
      if (Found* found = std::get_if<Found>(&place)) return move_of(booking, std::move(*found));
    }
    return std::nullopt;
  };
  if (booking.start >= promise.first && booking.later.empty()) {
    auto same_time = find_in({booking.start, booking.finish, promise.duration, true}, {});
    if (same_time) return same_time;
  }
  if (!reach.in_time) return std::nullopt;
  if (booking.preemptible) {
    const domain::Shape shape = narrowest(booking.shape, booking.widths);
    return other_pieces(plan, lanes_of(ground, booking, shape, reach.other_pools), booking, now);
  }
  return find_in(promise, {.soonest = !booking.movable});
}

void put_hardest_first(std::vector<const Booking*>& bookings) {
  std::sort(bookings.begin(), bookings.end(), [](const Booking* a, const Booking* b) {
    const auto key = [](const Booking* x) {
      const std::int64_t gpus = x->per_rank.gpus * static_cast<std::int64_t>(x->nodes.size());
      return std::tuple(!x->firm, x->deadline - (x->finish - x->start), -gpus, x->job);
    };
    return key(a) < key(b);
  });
}

Mended settle(const Plan& plan, Ground& ground, const std::vector<const Booking*>& order, Time now,
              Reach reach) {
  Mended settled;
  for (const Booking* booking : order) {
    auto move = another_place(plan, ground, *booking, now, reach);
    if (!move) {
      settled.broken.push_back(booking->job);
      continue;
    }
    hold(plan, ground, moved(*booking, *move));
    settled.moves.push_back(std::move(*move));
  }
  return settled;
}

void hold(const Plan& plan, Ground& ground, const Booking& booking) {
  for (const Hold& held : plan.holds_of(booking)) ground.add(held);
}

void release(const Plan& plan, Ground& ground, const Booking& booking) {
  for (const Hold& held : plan.holds_of(booking)) ground.release(held);
}

Booking moved(Booking booking, const Move& move) {
  booking.start = move.start;
  booking.finish = move.finish;
  booking.nodes = move.nodes;
  booking.later = move.later;
  return booking;
}

}  // namespace era
