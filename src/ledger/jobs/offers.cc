#include "ledger/jobs/offers.h"

#include <algorithm>

#include "ledger/jobs/answer.h"
#include "ledger/jobs/dependencies.h"
#include "ledger/jobs/settle.h"

namespace ledger::jobs {
namespace {

using base::ErrorCode;
using base::Result;
using domain::JobClass;
using domain::Money;

Result<domain::JobSpec> completed(const View& view, const Owner& owner,
                                  const domain::JobSpec& asked) {
  domain::JobSpec spec = as_taken(view, asked);
  auto after = resolve(view, owner.team, spec);
  if (!after) return base::pass(after);
  spec.after = *std::move(after);
  return spec;
}

era::Refusal too_dear(era::RefusalReason reason, Money price) {
  era::Refusal refusal;
  refusal.reason = reason;
  refusal.price = price;
  return refusal;
}

/// What the bid is quoted as: not before its parents have ended. Their ends move, so this is not
/// kept.
std::variant<domain::Bid, era::Refusal> after_parents(const View& view,
                                                      const domain::JobSpec& spec) {
  domain::Bid bid = spec.bid;
  const auto ready = ready_at(view, open(view.jobs, spec.after));
  if (const auto* refusal = std::get_if<era::Refusal>(&ready)) return *refusal;
  bid.earliest = std::max(bid.earliest, std::get<domain::Time>(ready));
  return bid;
}

era::Answer answer_flex(const View& view, const Owner& owner, const domain::Bid& bid) {
  const auto price = era::flex_price(view.plan, bid);
  if (const auto* refusal = std::get_if<era::Refusal>(&price)) return *refusal;
  if (auto refusal = never_fits(view, owner, bid)) return *std::move(refusal);
  era::Offer offer;
  offer.price = std::get<Money>(price);
  if (bid.max_price && offer.price > *bid.max_price)
    return too_dear(era::RefusalReason::too_expensive, offer.price);
  return offer;
}

/// Says no without the rest that a person needs: see `explained`.
era::Answer answer_promised(const View& view, const Owner& owner, const domain::JobSpec& spec) {
  const auto asked = after_parents(view, spec);
  if (const auto* refusal = std::get_if<era::Refusal>(&asked)) return *refusal;
  return reserve(view, owner, std::get<domain::Bid>(asked));
}

/// A refusal with who is in the way and what would be accepted: no job has more than kMostRanks.
era::Answer explained(const View& view, const domain::JobSpec& spec, era::Answer answer) {
  auto* refusal = std::get_if<era::Refusal>(&answer);
  if (refusal == nullptr || spec.bid.job_class == JobClass::flex) return answer;
  const auto asked = after_parents(view, spec);
  const auto* bid = std::get_if<domain::Bid>(&asked);
  if (bid == nullptr) return answer;
  era::Refusal full = era::explain(view.plan, *bid, view.now, std::move(*refusal));
  std::erase_if(full.changes,
                [](const era::Change& change) { return change.ranks.value_or(1) > kMostRanks; });
  return full;
}

/// An offer that the team cannot pay is none.
era::Answer affordable(const View& view, const Owner& owner, era::Answer answer) {
  const auto* offer = std::get_if<era::Offer>(&answer);
  if (offer == nullptr || offer->price <= spendable(view, owner.team)) return answer;
  return too_dear(era::RefusalReason::insufficient_funds, offer->price);
}

/// An offer that needs others to move stands if the same can still be had, at no higher price.
bool still_stands(const View& view, const domain::Bid& bid, const era::Offer& offer) {
  if (offer.start < bid.earliest) return false;
  if (offer.moves.empty())
    return era::end_of(offer) <= bid.deadline && era::fits(view.plan, bid, offer);
  const era::Answer again = era::quote(view.plan, bid, view.now);
  const auto* same = std::get_if<era::Offer>(&again);
  return same != nullptr && same->start == offer.start && same->nodes == offer.nodes &&
         same->moves == offer.moves && same->price <= offer.price;
}

/// The quoted offer, as far as time has not passed it by.
bool is_honoured(const View& view, const domain::JobSpec& spec, era::Offer& offer) {
  const auto asked = after_parents(view, spec);
  const auto* bid = std::get_if<domain::Bid>(&asked);
  if (bid == nullptr) return false;
  if (offer.start < view.now && !offer.later.empty()) {
    // Its pieces are cut anew, at no higher price.
    const era::Answer again = era::quote(view.plan, *bid, view.now);
    const auto* now = std::get_if<era::Offer>(&again);
    if (now != nullptr && now->price <= offer.price) offer = *now;
  }
  if (offer.start < view.now) {
    offer.finish = view.now + (offer.finish - offer.start);
    offer.start = view.now;
  }
  return still_stands(view, *bid, offer);
}

Result<Answered> answer_one(const View& view, const Owner& owner, const domain::JobSpec& asked) {
  auto spec = completed(view, owner, asked);
  if (!spec) return base::pass(spec);
  era::Answer made = spec->bid.job_class == JobClass::flex ? answer_flex(view, owner, spec->bid)
                                                           : answer_promised(view, owner, *spec);
  return Answered{*std::move(spec), affordable(view, owner, std::move(made)), {}};
}

Option option_of(const Answered& answered) {
  Option option{answered.spec.bid, {}, {}, {}, {}};
  if (const auto* offer = std::get_if<era::Offer>(&answered.answer)) {
    option.price = offer->price;
    option.start = offer->start;
    option.finish = era::end_of(*offer);
  } else {
    option.refused = std::get<era::Refusal>(answered.answer).reason;
  }
  return option;
}

bool is_better(const Choice& choice, domain::Choose choose, const Option& other) {
  if (!other.price) return false;
  if (choice.taken < 0) return true;
  const auto& best = choice.options[static_cast<std::size_t>(choice.taken)];
  return choose == domain::Choose::cheapest && *other.price < *best.price;
}

/// Answers the bid and each alternative on the same state, and takes one.
Result<Answered> answer_best(const View& view, const Owner& owner, const domain::JobSpec& asked) {
  domain::JobSpec spec = asked;
  spec.alternatives.clear();
  auto best = answer_one(view, owner, spec);
  if (!best) return best;
  Choice choice{-1, {option_of(*best)}};
  if (choice.options.front().price) choice.taken = 0;
  for (const auto& alternative : asked.alternatives) {
    spec.bid = domain::changed(asked.bid, alternative);
    auto other = answer_one(view, owner, spec);
    if (!other) return other;
    Option option = option_of(*other);
    if (is_better(choice, asked.choose, option)) {
      choice.taken = static_cast<std::int32_t>(choice.options.size());
      best = std::move(other);
    }
    choice.options.push_back(std::move(option));
  }
  best->choice = std::move(choice);
  return best;
}

}  // namespace

domain::JobSpec as_taken(const View& view, domain::JobSpec spec) {
  auto& bid = spec.bid;
  bid.earliest = std::max(bid.earliest, view.now);
  if (bid.job_class == JobClass::eager) bid.earliest = view.now;
  if (bid.job_class != JobClass::flex)
    bid.deadline = std::min(bid.deadline, view.plan.horizon_end());
  if (spec.name.empty()) {
    const auto& program = spec.program.command.front();
    spec.name = program.substr(program.find_last_of('/') + 1).substr(0, 60);
  }
  return spec;
}

Result<Answered> answer(const View& view, const Owner& owner, const domain::JobSpec& asked) {
  auto answered =
      asked.alternatives.empty() ? answer_one(view, owner, asked) : answer_best(view, owner, asked);
  if (answered) answered->answer = explained(view, answered->spec, std::move(answered->answer));
  return answered;
}

Result<Answered> answer_quoted(const View& view, const Owner& owner, const domain::JobSpec& asked,
                               era::Offer quoted) {
  auto spec = completed(view, owner, asked);
  if (!spec) return base::pass(spec);
  if (!is_honoured(view, *spec, quoted)) {
    return base::fail(ErrorCode::gone, "what was quoted has been taken since; ask for a new quote");
  }
  if (breaks_a_quota(view, owner, spec->bid, quoted))
    return base::fail(ErrorCode::gone, "a quota has been used up since; ask for a new quote");
  return Answered{*std::move(spec), affordable(view, owner, std::move(quoted)), {}};
}

}  // namespace ledger::jobs
