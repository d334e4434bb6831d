#include "era/quote.h"

#include <utility>

#include "era/repack.h"
#include "era/request.h"
#include "era/width_pieces.h"

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

bool is_width(const Bid& bid, std::int64_t ranks) {
  return bid.widths.empty() ? ranks == bid.shape.ranks : domain::speed_on(bid.widths, ranks) > 0;
}

}  // namespace

Answer quote(const Plan& plan, const Bid& bid, Time now) {
  Answer answer = find_offer(plan, bid, now);
  if (Offer* offer = std::get_if<Offer>(&answer)) return judge(bid, std::move(*offer));
  if (!may_repack(std::get<Refusal>(answer).reason)) return answer;
  if (auto offer = repack(plan, bid, now)) return judge(bid, std::move(*offer));
  return answer;
}

Booking booking_of(domain::JobId job, const Bid& bid, const Offer& offer) {
  return {.job = job,
          .pool = offer.pool,
          .start = offer.start,
          .finish = offer.finish,
          .per_rank = bid.shape.per_rank,
          .nodes = offer.nodes,
          .movable = true,
          .firm = bid.firm,
          .earliest = bid.earliest,
          .deadline = bid.deadline,
          .shape = bid.shape,
          .later = offer.later,
          .preemptible = bid.preemptible,
          .restart = bid.restart,
          .resumes = false,
          .widths = bid.widths};
}

bool fits(const Plan& plan, const Bid& bid, const Offer& offer) {
  if (!offer.later.empty() && !bid.preemptible) return false;
  Pieces pieces{{offer.start, offer.finish, offer.nodes}};
  pieces.insert(pieces.end(), offer.later.begin(), offer.later.end());
  const std::int64_t spare = work_of(pieces, bid.widths, bid.restart, false) - work_of(bid);
  // As far as milliseconds allow.
  const std::int64_t most = bid.widths.empty() ? 0 : 2 * fastest(bid);
  if (spare < 0 || spare > most) return false;
  domain::Time before;
  for (const Piece& piece : pieces) {
    const SlotRange slots = touched(piece.start, piece.finish, plan.settings().slot);
    if (piece.start < before || piece.start >= piece.finish) return false;
    if (piece.finish > plan.horizon_end()) return false;
    if (!is_width(bid, std::ssize(piece.nodes))) return false;
    if (!plan.ground().fits({bid.shape.per_rank, piece.nodes, slots})) return false;
    before = piece.finish;
  }
  return true;
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
