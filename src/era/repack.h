#pragma once
#include <optional>
#include <vector>

#include "era/pieces.h"
#include "era/quote.h"
#include "era/request.h"

namespace era {

/// Makes room for `bid` by moving bookings that have not started, inside their own promises and
/// pools: rather only to other nodes at the same time than also in time. Looks at the bookings that
/// overlap a few of the most promising windows and moves at most 64; a bid of more than 512 ranks
/// is left alone. What it tries is bounded, the tighter the more nodes there are, so that a quote
/// stays quick: on 40 nodes all 64 may be moved in time, on 1,000 one or two and in one window of
/// each lane only. A window in which more would have to go than the bound allows is passed over.
/// The moves are to be made together.
/// Deterministic; none if it found no way within its bounds.
std::optional<Offer> repack(const Plan& plan, const domain::Bid& bid, domain::Time now);

/// Where `booking` may be put elsewhere: any start inside its promise, or, if firm, its own.
Window promise_of(const Plan& plan, const Booking& booking, domain::Time now);

/// What of a preemptible booking is still to come at `now`, and what it may take anew.
struct Rest {
  Pieces pieces;
  Window window;  ///< Its duration is the work that is left, without restarts, as asked for.
  std::int64_t work = 0;  ///< The same; of an elastic booking in what its widths' speeds count.
  Before before = Before::nothing;
};
Rest rest_of(const Plan& plan, const Booking& booking, domain::Time now);

/// A booking in a lane that it may be in.
struct Mover {
  const Plan& plan;
  const Booking& booking;
  const Lane& lane;
  const Ask& ask;
  domain::Time now;
};

/// The move of a preemptible booking, not booked on the lane, to the cheapest pieces there for what
/// is `rest` of it; none if there are none, or if it only started `now` and would have to leave.
struct RestFound {
  Move move;
  std::int64_t cost = 0;  ///< Slot costs of what is still to come.
};
std::optional<RestFound> find_rest(const Mover& mover, const Rest& rest);

/// How far from its present place a booking may be put.
struct Reach {
  bool in_time = false;
  bool other_pools = false;
};

/// Another place for `booking` on `ground`, where it is not booked (any more): at the same time if
/// that is possible, else in time, as far as `reach` and its promise allow.
std::optional<Move> another_place(const Plan& plan, const Ground& ground, const Booking& booking,
                                  domain::Time now, Reach reach);

/// The hardest to place first: a firm start, little slack, many GPUs.
void put_hardest_first(std::vector<const Booking*>& bookings);
/// Puts `order` on `ground`, where none of it is booked (any more), one after the other as
/// another_place() does; who finds no place is `broken`.
Mended settle(const Plan& plan, Ground& ground, const std::vector<const Booking*>& order,
              domain::Time now, Reach reach);

/// Books or frees on a copy of the plan's ground.
void hold(const Plan& plan, Ground& ground, const Booking& booking);
void release(const Plan& plan, Ground& ground, const Booking& booking);

}  // namespace era
