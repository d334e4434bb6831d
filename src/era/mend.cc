#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "era/quote.h"
#include "era/repack.h"

namespace era {

using domain::Duration;
using domain::JobId;
using domain::Time;

namespace {

constexpr int kMostRounds = 8;

std::vector<const Booking*> bookings_of(const Plan& plan, const std::vector<JobId>& jobs) {
  std::vector<const Booking*> bookings;
  for (const JobId job : jobs) {
    const Booking* booking = plan.find(job);
    if (booking != nullptr) bookings.push_back(booking);
  }
  put_hardest_first(bookings);
  bookings.erase(std::unique(bookings.begin(), bookings.end()), bookings.end());
  return bookings;
}

/// Puts the bookings on a copy of the plan's ground, one after the other.
Mended try_order(const Plan& plan, const std::vector<const Booking*>& order, Time now) {
  Ground ground = plan.ground();
  for (const Booking* booking : order) release(plan, ground, *booking);
  return settle(plan, ground, order, now, {.in_time = true, .other_pools = true});
}

/// The plan after `mended`, with what it broke taken out.
Plan after(const Plan& plan, const Mended& mended) {
  Plan mended_plan = plan;
  for (const JobId job : mended.broken) mended_plan.unbook(job);
  for (const Move& move : mended.moves) mended_plan.unbook(move.job);
  for (const Move& move : mended.moves) {
    Booking booking = moved(*plan.find(move.job), move);
    booking.pool = mended_plan.ground().find(move.nodes.front())->node.pool;
    // What runs holds its node up to now, even if that is closed.
    if (booking.movable) {
      mended_plan.book(booking);
    } else {
      mended_plan.restore(booking);
    }
  }
  return mended_plan;
}

/// A place for one broken booking for which others, which were not in trouble, make room. None for
/// what runs: it would go on elsewhere only from a break on, and not from now.
std::optional<Offer> with_room_made(const Plan& plan, const Booking& booking, Time now) {
  if (!booking.movable) return std::nullopt;
  Window promise = promise_of(plan, booking, now);
  if (booking.preemptible) {
    // All that is left of it, in one stretch.
    const Rest rest = rest_of(plan, booking, now);
    if (rest.work <= 0) return std::nullopt;
    promise.duration = rest.window.duration + (booking.resumes ? booking.restart : Duration{});
  }
  domain::Bid bid{.job_class = domain::JobClass::reserved,
                  .shape = booking.shape,
                  .duration = promise.duration,
                  .earliest = promise.first,
                  .deadline = promise.only_first ? booking.finish : booking.deadline,
                  .max_price = std::nullopt,
                  .firm = booking.firm};
  return repack(plan, bid, now);
}

/// Replaces earlier moves of the same jobs: what counts is where each ends up.
void add_moves(std::map<JobId, Move>& moves, const std::vector<Move>& more) {
  for (const Move& move : more) moves.insert_or_assign(move.job, move);
}

}  // namespace

Mended mend(const Plan& plan, const std::vector<JobId>& jobs, Time now) {
  std::vector<const Booking*> order = bookings_of(plan, jobs);
  Mended best = try_order(plan, order, now);
  for (int round = 1; round < kMostRounds && !best.broken.empty(); ++round) {
    const std::set<JobId> broken(best.broken.begin(), best.broken.end());
    if (broken.size() == order.size()) break;
    std::vector<const Booking*> broken_first;
    for (const bool first : {true, false}) {
      for (const Booking* booking : order) {
        if (broken.contains(booking->job) == first) broken_first.push_back(booking);
      }
    }
    order = std::move(broken_first);
    Mended other = try_order(plan, order, now);
    if (other.broken.size() < best.broken.size()) best = std::move(other);
  }
  if (best.broken.empty()) return best;

  Plan mended_plan = after(plan, best);
  std::map<JobId, Move> moves;
  add_moves(moves, best.moves);
  std::vector<JobId> broken;
  for (const JobId job : best.broken) {
    const Booking& booking = *plan.find(job);
    const auto offer = with_room_made(mended_plan, booking, now);
    if (!offer) {
      broken.push_back(job);
      continue;
    }
    const Move found{job, offer->start, offer->finish, offer->nodes};
    add_moves(moves, offer->moves);
    add_moves(moves, {found});
    for (const Move& move : offer->moves) {
      const Booking before = *mended_plan.find(move.job);
      mended_plan.unbook(move.job);
      mended_plan.restore(moved(before, move));
    }
    Booking placed = moved(booking, found);
    placed.pool = offer->pool;
    mended_plan.restore(placed);
  }
  best.broken = std::move(broken);
  best.moves.clear();
  for (auto& [job, move] : moves) best.moves.push_back(std::move(move));
  return best;
}

Without without(const Plan& plan, const std::vector<PlanNode>& nodes, Time now) {
  const std::vector<JobId> before = plan.displaced();
  Plan changed = plan;
  changed.put_nodes(nodes);
  std::vector<JobId> jobs;
  Without found;
  for (const JobId job : changed.displaced()) {
    if (std::ranges::binary_search(before, job)) continue;
    const Booking& booking = *changed.find(job);
    // A firm start that has come does not move, even where it waits for its place.
    const bool is_due = booking.firm && booking.start <= now;
    const bool may_move = (booking.movable && !is_due) || booking.preemptible;
    (may_move ? jobs : found.stuck).push_back(job);
  }
  const auto runs = [&](JobId job) { return !changed.find(job)->movable; };
  for (;;) {
    found.mended = mend(changed, jobs, now);
    const auto& broken = found.mended.broken;
    const std::size_t stuck = found.stuck.size();
    std::ranges::copy_if(broken, std::back_inserter(found.stuck), runs);
    if (found.stuck.size() == stuck) return found;
    // Nobody else can have the place of what stays.
    std::erase_if(jobs, [&](JobId job) {
      return runs(job) && std::ranges::find(broken, job) != broken.end();
    });
  }
}

}  // namespace era
