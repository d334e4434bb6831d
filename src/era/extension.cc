#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "era/quote.h"
#include "era/request.h"

namespace era {

using domain::JobId;
using domain::Time;

namespace {

/// What holds `nodes` in `slots`, but for `job`.
Refusal refused(const Plan& plan, JobId job, const Hold& wanted) {
  Refusal refusal{RefusalReason::no_free_window};
  std::vector<const Booking*> blocking;
  for (const auto& [id, other] : plan.bookings()) {
    const auto holds = plan.holds_of(other);
    const bool shares = std::ranges::any_of(holds, [&](const Hold& held) {
      if (held.slots.first >= wanted.slots.end || held.slots.end <= wanted.slots.first)
        return false;
      return std::ranges::any_of(held.nodes, [&](const domain::NodeId& node) {
        return std::ranges::find(wanted.nodes, node) != wanted.nodes.end();
      });
    });
    if (shares && id != job) blocking.push_back(&other);
  }
  std::sort(blocking.begin(), blocking.end(), [](const Booking* a, const Booking* b) {
    return std::tie(a->finish, a->job) < std::tie(b->finish, b->job);
  });
  if (!blocking.empty()) refusal.blocked_until = blocking.front()->finish;
  if (blocking.size() > 8) blocking.resize(8);
  for (const Booking* other : blocking) refusal.blocking.push_back(other->job);
  return refusal;
}

}  // namespace

std::variant<domain::Money, Refusal> extension(const Plan& plan, JobId job, const domain::Bid& bid,
                                               Time finish) {
  const Booking* booking = plan.find(job);
  CHECK(booking != nullptr, "only what is booked can be extended");
  const Time start = booking->later.empty() ? booking->start : booking->later.back().start;
  const auto& nodes = booking->later.empty() ? booking->nodes : booking->later.back().nodes;
  if (finish <= end_of(*booking)) return domain::Money{};
  if (finish > plan.horizon_end()) return Refusal{RefusalReason::beyond_horizon};
  const domain::Duration slot = plan.settings().slot;
  const std::int64_t held_until = touched(start, end_of(*booking), slot).end;
  const Hold more{booking->per_rank,
                  nodes,
                  {std::max(held_until, plan.ground().begin()), touched(start, finish, slot).end}};
  if (more.slots.first >= more.slots.end) return domain::Money{};
  if (!plan.ground().fits(more)) return refused(plan, job, more);
  const Gang gang = gang_of(booking->per_rank, std::ssize(nodes));
  const Lane* lane = plan.ground().lane_of(nodes.front());
  const auto cost = cost_over(*lane, gang, more.slots);
  if (!cost) return refused(plan, job, more);
  return price_of(*cost, slot, class_permille(plan.prices(), bid));
}

}  // namespace era
