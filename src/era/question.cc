#include "era/question.h"

#include <utility>

#include "era/request.h"

namespace era {

using domain::Bid;

Goal within_max_price(const Question& asked, bool soonest) {
  Goal goal{.soonest = soonest};
  if (asked.bid.max_price) {
    goal.limit = affordable(*asked.bid.max_price, asked.plan.settings().slot,
                            class_permille(asked.plan.prices(), asked.bid));
  }
  return goal;
}

std::optional<Offer> accepted(const Question& asked, const Bid& bid) {
  Answer answer = quote(asked.plan, bid, asked.now);
  if (Offer* offer = std::get_if<Offer>(&answer)) return std::move(*offer);
  return std::nullopt;
}

std::optional<Offer> has_room(const Question& asked, const Bid& bid) {
  Answer answer = find_offer(asked.plan, bid, asked.now, within_max_price(asked, false));
  if (Offer* offer = std::get_if<Offer>(&answer)) return std::move(*offer);
  return std::nullopt;
}

}  // namespace era
