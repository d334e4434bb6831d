#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "era/quote.h"
#include "era/request.h"

namespace era {

using domain::JobId;
using domain::Time;

namespace {

/// Why the nodes of `booking` cannot be held in `slots` as well.
Refusal refused(const Plan& plan, const Booking& booking, SlotRange slots) {
  Refusal refusal{RefusalReason::no_free_window};
  std::vector<const Booking*> blocking;
  for (const auto& [job, other] : plan.bookings()) {
    const auto holds = plan.holds_of(other);
    const bool shares = std::ranges::any_of(holds, [&](const Hold& held) {
      if (held.slots.first >= slots.end || held.slots.end <= slots.first) return false;
      return std::ranges::any_of(held.nodes, [&](const domain::NodeId& node) {
        return std::ranges::find(booking.nodes, node) != booking.nodes.end();
      });
    });
    if (shares && job != booking.job) blocking.push_back(&other);
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
  Booking last = *booking;
  if (!booking->later.empty()) {
    last.start = booking->later.back().start;
    last.finish = booking->later.back().finish;
    last.nodes = booking->later.back().nodes;
    booking = &last;
  }
  if (finish <= booking->finish) return domain::Money{};
  if (finish > plan.horizon_end()) return Refusal{RefusalReason::beyond_horizon};
  const domain::Duration slot = plan.settings().slot;
  const SlotRange more{std::max(plan.slots_of(*booking).end, plan.ground().begin()),
                       touched(booking->start, finish, slot).end};
  if (more.first >= more.end) return domain::Money{};
  if (!plan.ground().fits({booking->per_rank, booking->nodes, more})) {
    return refused(plan, *booking, more);
  }
  const domain::Resources all =
      booking->per_rank * static_cast<std::int64_t>(booking->nodes.size());
  const Gang gang{all.gpus, all.cpu_millis,
                  core_units(booking->per_rank) * static_cast<std::int32_t>(booking->nodes.size())};
  const Lane* lane = plan.ground().lane_of(booking->nodes.front());
  const auto cost = cost_over(*lane, gang, more);
  if (!cost) return refused(plan, *booking, more);
  return price_of(*cost, slot, class_permille(plan.prices(), bid));
}

}  // namespace era
