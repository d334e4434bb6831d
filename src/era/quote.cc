#include "era/quote.h"

#include <utility>

#include "era/repack.h"
#include "era/request.h"

namespace era {

using domain::Bid;
using domain::JobClass;
using domain::Time;

namespace {

bool may_repack(RefusalReason reason) {
  return reason == RefusalReason::no_free_window || reason == RefusalReason::fragmented ||
         reason == RefusalReason::not_free_now;
}

Answer judge(const Bid& bid, Offer offer) {
  if (!bid.max_price || offer.price <= *bid.max_price) return offer;
  Refusal refusal{RefusalReason::too_expensive};
  refusal.price = offer.price;
  return refusal;
}

}  // namespace

Answer quote(const Plan& plan, const Bid& bid, Time now) {
  Answer answer = find_offer(plan, bid, now);
  if (Offer* offer = std::get_if<Offer>(&answer)) return judge(bid, std::move(*offer));
  if (!may_repack(std::get<Refusal>(answer).reason)) return answer;
  if (auto offer = repack(plan, bid, now)) return judge(bid, std::move(*offer));
  return answer;
}

bool fits(const Plan& plan, const Bid& bid, const Offer& offer) {
  if (offer.finish > plan.horizon_end() || offer.finish - offer.start != bid.duration) return false;
  if (offer.nodes.size() != static_cast<std::size_t>(bid.shape.ranks)) return false;
  const SlotRange slots = touched(offer.start, offer.finish, plan.settings().slot);
  return plan.ground().fits({bid.shape.per_rank, offer.nodes, slots});
}

std::optional<Offer> cheaper(const Plan& plan, const Bid& bid, Time now, const Offer& offer) {
  Bid later = bid;
  later.deadline = domain::kNever;
  later.earliest = offer.start + domain::Duration{1};
  if (later.job_class == JobClass::eager) later.job_class = JobClass::reserved;
  Goal goal{true, affordable(offer.price - domain::Money{1}, plan.settings().slot,
                             class_permille(plan.prices(), later))};
  const Answer first = find_offer(plan, later, now, goal);
  const Offer* soonest = std::get_if<Offer>(&first);
  if (soonest == nullptr) return std::nullopt;

  // A price falls minute by minute while a full time is left behind: go on to where it stops.
  later.earliest = soonest->start;
  later.deadline = soonest->finish + bid.duration;
  goal.soonest = false;
  Answer lowest = find_offer(plan, later, now, goal);
  if (Offer* found = std::get_if<Offer>(&lowest)) return std::move(*found);
  return *soonest;
}

}  // namespace era
