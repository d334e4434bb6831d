#pragma once
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "domain/bid.h"
#include "domain/quota.h"
#include "era/plan.h"

namespace era {

/// Another time or other nodes for a booking that has not started, inside its promise.
struct Move {
  domain::JobId job;
  domain::Time start;
  domain::Time finish;
  std::vector<domain::NodeId> nodes;
  Pieces later;
  friend bool operator==(const Move&, const Move&) = default;
};
BOOST_DESCRIBE_STRUCT(Move, (), (job, start, finish, nodes, later))

/// `booking` after `move`, in the pool that it was in.
Booking moved(Booking booking, const Move& move);

/// A place for a bid and its price. `moves` must be made before it is booked, all together:
/// everybody is unbooked first, since one may take the place of another.
struct Offer {
  domain::PoolId pool;
  domain::Time start;
  domain::Time finish;
  domain::Money price;
  std::vector<domain::NodeId> nodes;  ///< Rank i runs on nodes[i].
  std::vector<Move> moves;
  Pieces later;  ///< Of a preemptible bid: when and where it goes on after a pause.
  friend bool operator==(const Offer&, const Offer&) = default;
};
BOOST_DESCRIBE_STRUCT(Offer, (), (pool, start, finish, price, nodes, moves, later))

/// The booking of what was offered for `bid`: it has not started.
Booking booking_of(domain::JobId job, const domain::Bid& bid, const Offer& offer);

enum class RefusalReason {
  no_such_pool,  ///< No node has that pool or GPU model.
  rank_larger_than_node,
  larger_than_pool,
  window_too_short,  ///< The duration does not fit between earliest start and deadline.
  beyond_horizon,
  no_free_window,  ///< Not enough free at any time in the window.
  fragmented,      ///< Enough free in sum, but no nodes hold the ranks as asked for the whole time.
  not_free_now,    ///< Eager, and now is taken.
  too_expensive,   ///< The cheapest place costs more than max_price.
  insufficient_funds,  ///< Said by the ledger: the team's balance does not reach.
  limit_reached,       ///< Said by the ledger: a limit on jobs or sizes.
  no_promised_end,     ///< Said by the ledger: it waits for a job that has no promised end.
  refused_together,    ///< Said by the ledger: another bid of its submission was refused.
};
BOOST_DESCRIBE_ENUM(RefusalReason, no_such_pool, rank_larger_than_node, larger_than_pool,
                    window_too_short, beyond_horizon, no_free_window, fragmented, not_free_now,
                    too_expensive, insufficient_funds, limit_reached, no_promised_end,
                    refused_together)

/// The smallest single change that would be accepted: exactly one of the optionals is set, but
/// per_rank and ranks may come together.
struct Change {
  std::optional<domain::Money> max_price;
  std::optional<domain::Time> deadline;
  std::optional<std::int32_t> ranks;
  std::optional<domain::Duration> duration;
  std::optional<domain::Resources> per_rank;  ///< All of it; none of it more than was asked.
  Offer offer;                                ///< What that change would get.
  friend bool operator==(const Change&, const Change&) = default;
};
BOOST_DESCRIBE_STRUCT(Change, (), (max_price, deadline, ranks, duration, per_rank, offer))

struct Refusal {
  RefusalReason reason = RefusalReason::no_free_window;
  std::vector<domain::JobId> blocking;        ///< At most 8 jobs whose promises stand in the way.
  std::optional<domain::Time> blocked_until;  ///< When the first of them ends.
  std::optional<domain::Money> price;         ///< too_expensive: what the cheapest place costs.
  std::vector<Change> changes;                ///< What would be accepted, most modest first.
  std::optional<Offer> cheaper;               ///< The next cheaper place, beyond the window.
  std::optional<domain::QuotaReached> quota;  ///< limit_reached: which one.
  friend bool operator==(const Refusal&, const Refusal&) = default;
};
BOOST_DESCRIBE_STRUCT(Refusal, (),
                      (reason, blocking, blocked_until, price, changes, cheaper, quota))

using Answer = std::variant<Offer, Refusal>;

/// Finds the cheapest place for `bid` that breaks no promise, the earliest where prices tie, then
/// the smallest pool and node ids. Basic-Econ (Babaioff et al. 2017, Algorithm 1): the price rule
/// is the feasibility check (above capacity = infinite); nothing qualifying costs the base rate.
/// Looks only at its arguments and never at the bid's max_price before the end. A refusal names
/// only its reason; `explain` fills in the rest. A preemptible bid gets pieces where those are
/// cheaper than one stretch. Flex bids are not quoted here (see flex_price).
/// Unless the bid is too wide for any re-packing, movable bookings may be moved inside their own
/// promises to make room, which `moves` lists.
Answer quote(const Plan& plan, const domain::Bid& bid, domain::Time now);

/// Whether `offer`, which asks for no moves, could be booked for `bid` as it stands.
bool fits(const Plan& plan, const domain::Bid& bid, const Offer& offer);

/// Fills in what a person needs beside the reason: who blocks, until when, what would be accepted,
/// what would be cheaper. A few quotes' worth of work.
Refusal explain(const Plan& plan, const domain::Bid& bid, domain::Time now, Refusal refusal);

/// The next cheaper place than `offer` that starts later, up to the horizon; none if there is none.
std::optional<Offer> cheaper(const Plan& plan, const domain::Bid& bid, domain::Time now,
                             const Offer& offer);

/// What `bid` costs at most as a flex job: the flat flex rate for its whole duration, in the
/// dearest pool that it may run in. Refuses what no pool could ever run.
std::variant<domain::Money, Refusal> flex_price(const Plan& plan, const domain::Bid& bid);
/// What `used` of it costs on `pool`.
domain::Money flex_price_on(const Plan& plan, const domain::Bid& bid, const domain::PoolId& pool,
                            domain::Duration used);

/// More time for a booking: what it costs, and who makes way, to be moved before it is given.
struct Extension {
  domain::Money price;
  std::vector<Move> moves;
};
/// What holding the booking of `job` until `finish` costs on top, at the going price of the class
/// and firmness of its `bid`, or why not. Bookings in its way that have not started go elsewhere
/// inside their own promises, at most 64, and only up to the deadline of the one that stays.
/// O(bookings + those in the way x quote).
std::variant<Extension, Refusal> extension(const Plan& plan, domain::JobId job,
                                           const domain::Bid& bid, domain::Time finish,
                                           domain::Time now);

/// New places for bookings that `plan.displaced()` lists or that a lost attempt left short of time:
/// each keeps its promise (deadline, start if firm, price) or is named in `broken`. O(displaced x
/// quote).
struct Mended {
  std::vector<Move> moves;
  std::vector<domain::JobId> broken;
};
Mended mend(const Plan& plan, const std::vector<domain::JobId>& jobs, domain::Time now);

/// What becomes of what `nodes`, once they are as given here, no longer hold and held before: as
/// mend(), but what runs and finds no pieces elsewhere, or cannot pause, stays where it is
/// (`stuck`).
struct Without {
  Mended mended;
  std::vector<domain::JobId> stuck;
};
Without without(const Plan& plan, const std::vector<PlanNode>& nodes, domain::Time now);

/// Movable, non-firm bookings that could start at `now` on idle capacity without breaking another
/// promise, in the order of their planned start; each Move already accounts for those before it.
/// Where demand makes the prices, only those to which now is no dearer than the time they have.
/// `in_use` is what runs outside bookings (flex), which early starts do not push out. Those that
/// are not `allowed` stay where they are.
std::vector<Move> early_starts(const Plan& plan,
                               const std::map<domain::NodeId, domain::Resources>& in_use,
                               domain::Time now, std::size_t most,
                               const std::function<bool(domain::JobId)>& allowed = {});

/// Bookings that have not started, and what is left of preemptible ones, that would be put
/// elsewhere at today's prices: cheaper, or as cheap and sooner, inside their own promises and
/// pools. What is dear is then left to those who will pay for it, and what would lie idle is used.
/// Looks at 64 that run, in turn, and at the 512 that are to start next; each Move already accounts
/// for those before it. O(bookings x quote).
std::vector<Move> replan(const Plan& plan, domain::Time now, std::size_t most);

/// Nodes on which a flex job could start at `now`: free of promises until at least `now + need`
/// (backfill: it cannot delay a promise) and not used by other flex jobs (`in_use`); none if there
/// are none. Prefers nodes that leave the least idle.
struct FlexPlace {
  domain::PoolId pool;
  std::vector<domain::NodeId> nodes;
};
std::optional<FlexPlace> place_flex(const Plan& plan,
                                    const std::map<domain::NodeId, domain::Resources>& in_use,
                                    const domain::Shape& shape, domain::Time now,
                                    domain::Duration need);

/// One hour of one pool, for the calendar.
struct CalendarHour {
  domain::PoolId pool;
  domain::Time from;
  std::int32_t capacity_gpus = 0;
  std::int32_t free_gpus = 0;  ///< The least over the hour.
  std::int64_t capacity_cpu_millis = 0;
  std::int64_t free_cpu_millis = 0;
  domain::Money next_gpu_hour;  ///< What one more GPU costs for this hour.
  domain::Money next_core_hour;
};
BOOST_DESCRIBE_STRUCT(CalendarHour, (),
                      (pool, from, capacity_gpus, free_gpus, capacity_cpu_millis, free_cpu_millis,
                       next_gpu_hour, next_core_hour))
std::vector<CalendarHour> calendar(const Plan& plan, domain::Time from, std::int32_t hours);

}  // namespace era
