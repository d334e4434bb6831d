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
  return {booking.job,
          found.start,
          found.start + (booking.finish - booking.start),
          std::move(found.nodes),
          {}};
}

/// The cheapest pieces for what is left of `booking`, in the first lane that has some.
std::optional<Move> other_pieces(const Plan& plan, const std::vector<Candidate>& lanes,
                                 const Booking& booking, Time now) {
  const Rest rest = rest_of(plan, booking, now);
  if (rest.window.duration <= domain::Duration{}) return std::nullopt;
  for (const auto& [lane, ask] : lanes) {
    const PiecesAsk asked{ask, rest.window, booking.restart, rest.before};
    auto place = find_pieces(*lane, asked, plan.settings().slot);
    FoundPieces* found = std::get_if<FoundPieces>(&place);
    if (found != nullptr) return move_to(booking, rest, std::move(found->pieces), now);
  }
  return std::nullopt;
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
  std::int64_t restarts = std::ssize(booking.later);
  if (booking.movable && booking.resumes) ++restarts;
  rest.window = {std::max(from, booking.earliest), std::min(booking.deadline, plan.horizon_end()),
                 length_of(rest.pieces) - booking.restart * restarts};
  return rest;
}

Move move_to(const Booking& booking, const Rest& rest, Pieces pieces, Time now) {
  Move move{booking.job, booking.start, now, booking.nodes, {}};
  const bool goes_on = rest.before == Before::runs && pieces.front().start == rest.window.first;
  if (goes_on) move.finish = pieces.front().finish;
  auto rest_from = pieces.begin() + (goes_on ? 1 : 0);
  if (rest.before != Before::runs) {
    move = {booking.job, rest_from->start, rest_from->finish, std::move(rest_from->nodes), {}};
    ++rest_from;
  }
  move.later.assign(std::make_move_iterator(rest_from), std::make_move_iterator(pieces.end()));
  return move;
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
  if (booking.start >= promise.first && booking.later.empty()) {
    auto same_time = find_in({booking.start, booking.finish, promise.duration, true}, {});
    if (same_time) return same_time;
  }
  if (!reach.in_time) return std::nullopt;
  if (booking.preemptible) return other_pieces(plan, lanes, booking, now);
  return find_in(promise, {.soonest = !booking.movable});
}

void hold(const Plan& plan, Ground& ground, const Booking& booking) {
  for (const Hold& held : plan.holds_of(booking)) ground.add(held);
}

void release(const Plan& plan, Ground& ground, const Booking& booking) {
  for (const Hold& held : plan.holds_of(booking)) ground.release(held);
}

Booking moved(const Booking& booking, const Move& move) {
  Booking other = booking;
  other.start = move.start;
  other.finish = move.finish;
  other.nodes = move.nodes;
  other.later = move.later;
  return other;
}

}  // namespace era
