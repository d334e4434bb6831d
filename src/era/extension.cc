#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "era/quote.h"
#include "era/repack.h"
#include "era/request.h"

namespace era {

using domain::JobId;
using domain::Time;

namespace {

constexpr std::size_t kMostMoves = 64;

bool shares(const Hold& one, const Hold& other) {
  if (one.slots.first >= other.slots.end || one.slots.end <= other.slots.first) return false;
  return std::ranges::any_of(one.nodes, [&](const domain::NodeId& node) {
    return std::ranges::find(other.nodes, node) != other.nodes.end();
  });
}

/// Who holds some of `wanted`, but for `job`; who ends first comes first.
std::vector<const Booking*> in_the_way(const Plan& plan, JobId job, const Hold& wanted) {
  std::vector<const Booking*> blocking;
  for (const auto& [id, other] : plan.bookings()) {
    if (id == job) continue;
    const auto holds = plan.holds_of(other);
    const bool is_in_the_way =
        std::ranges::any_of(holds, [&](const Hold& held) { return shares(held, wanted); });
    if (is_in_the_way) blocking.push_back(&other);
  }
  std::sort(blocking.begin(), blocking.end(), [](const Booking* a, const Booking* b) {
    return std::tie(a->finish, a->job) < std::tie(b->finish, b->job);
  });
  return blocking;
}

Refusal refused(std::vector<const Booking*> blocking) {
  Refusal refusal{RefusalReason::no_free_window};
  if (!blocking.empty()) refusal.blocked_until = blocking.front()->finish;
  if (blocking.size() > 8) blocking.resize(8);
  for (const Booking* other : blocking) refusal.blocking.push_back(other->job);
  return refusal;
}

/// The ground on which `wanted` is free, and who has moved for it.
struct Cleared {
  Ground ground;
  std::vector<Move> moves;
};

/// Puts those in the way that have not started elsewhere: to other nodes rather than to other
/// times.
std::optional<Cleared> clear(const Plan& plan, const Hold& wanted,
                             std::vector<const Booking*> blocking, Time now) {
  std::erase_if(blocking, [](const Booking* other) { return !other->movable; });
  if (blocking.empty() || blocking.size() > kMostMoves) return std::nullopt;
  Cleared cleared{plan.ground(), {}};
  for (const Booking* other : blocking) release(plan, cleared.ground, *other);
  if (!cleared.ground.fits(wanted)) return std::nullopt;
  cleared.ground.add(wanted);
  put_hardest_first(blocking);
  Mended settled = settle(plan, cleared.ground, blocking, now, {.in_time = true});
  if (!settled.broken.empty()) return std::nullopt;
  cleared.ground.release(wanted);
  cleared.moves = std::move(settled.moves);
  std::erase_if(cleared.moves, [&](const Move& move) {
    const Booking& before = *plan.find(move.job);
    return moved(before, move) == before;
  });
  return cleared;
}

}  // namespace

std::variant<Extension, Refusal> extension(const Plan& plan, JobId job, const domain::Bid& bid,
                                           Time finish, Time now) {
  const Booking* booking = plan.find(job);
  CHECK(booking != nullptr, "only what is booked can be extended");
  const Time start = booking->later.empty() ? booking->start : booking->later.back().start;
  const auto& nodes = booking->later.empty() ? booking->nodes : booking->later.back().nodes;
  if (finish <= end_of(*booking)) return Extension{};
  if (finish > plan.horizon_end()) return Refusal{RefusalReason::beyond_horizon};
  const domain::Duration slot = plan.settings().slot;
  const std::int64_t held_until = touched(start, end_of(*booking), slot).end;
  const Hold more{booking->per_rank,
                  nodes,
                  {std::max(held_until, plan.ground().begin()), touched(start, finish, slot).end}};
  if (more.slots.first >= more.slots.end) return Extension{};
  const Gang gang = gang_of(booking->per_rank, std::ssize(nodes));
  const auto price_on = [&](const Ground& ground) -> std::optional<domain::Money> {
    const auto cost = cost_over(*ground.lane_of(nodes.front()), gang, more.slots);
    if (!cost) return std::nullopt;
    return price_of(*cost, slot, class_permille(plan.prices(), bid));
  };
  if (plan.ground().fits(more)) {
    if (const auto price = price_on(plan.ground())) return Extension{*price, {}};
  }
  const auto blocking = in_the_way(plan, job, more);
  if (finish > booking->deadline) return refused(blocking);
  if (auto cleared = clear(plan, more, blocking, now)) {
    if (const auto price = price_on(cleared->ground)) {
      return Extension{*price, std::move(cleared->moves)};
    }
  }
  return refused(blocking);
}

}  // namespace era
