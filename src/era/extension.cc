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
    const SlotRange held = plan.slots_of(other);
    if (job == booking.job || held.first >= slots.end || held.end <= slots.first) continue;
    const bool shares = std::any_of(other.nodes.begin(), other.nodes.end(), [&](const auto& node) {
      return std::find(booking.nodes.begin(), booking.nodes.end(), node) != booking.nodes.end();
    });
    if (shares) blocking.push_back(&other);
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
