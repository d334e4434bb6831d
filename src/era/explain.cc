#include <algorithm>
#include <tuple>
#include <utility>

#include "era/question.h"
#include "era/quote.h"
#include "era/request.h"
#include "era/smaller_ranks.h"
#include "era/width_pieces.h"

namespace era {

using domain::Bid;
using domain::Duration;
using domain::JobClass;
using domain::Time;

namespace {

constexpr std::size_t kMostBlocking = 8;
constexpr std::int32_t kPackedTries = 64;

std::optional<Change> with_price(const Question& asked, const Refusal& refusal) {
  if (refusal.reason != RefusalReason::too_expensive || !refusal.price) return std::nullopt;
  Bid bid = asked.bid;
  bid.max_price = refusal.price;
  auto offer = accepted(asked, bid);
  if (!offer) return std::nullopt;
  Change change;
  change.max_price = bid.max_price;
  change.offer = std::move(*offer);
  return change;
}

std::optional<Change> with_deadline(const Question& asked) {
  if (asked.bid.job_class == JobClass::eager || asked.bid.deadline >= asked.plan.horizon_end()) {
    return std::nullopt;
  }
  Bid bid = asked.bid;
  bid.deadline = domain::kNever;
  Answer soonest = find_offer(asked.plan, bid, asked.now, within_max_price(asked, true));
  const Offer* found = std::get_if<Offer>(&soonest);
  if (found == nullptr || found->finish <= asked.bid.deadline) return std::nullopt;
  bid.deadline = found->finish;
  auto offer = accepted(asked, bid);
  if (!offer) return std::nullopt;
  Change change;
  change.deadline = bid.deadline;
  change.offer = std::move(*offer);
  return change;
}

/// The largest number below `ranks` that has room. Fewer ranks fit wherever more do, except that a
/// packed gang may have to be on fewer nodes: those are tried one by one.
std::int32_t most_ranks(const Question& asked, Bid bid) {
  const std::int32_t asked_for = bid.shape.ranks;
  const auto fits_with = [&](std::int32_t ranks) {
    bid.shape.ranks = ranks;
    return has_room(asked, bid).has_value();
  };
  if (bid.shape.placement == domain::Placement::packed) {
    const std::int32_t fewest = std::max(1, asked_for - kPackedTries);
    for (std::int32_t ranks = asked_for - 1; ranks >= fewest; --ranks) {
      if (fits_with(ranks)) return ranks;
    }
    return 0;
  }
  std::int32_t fits = 0;
  for (std::int32_t fails = std::min(asked_for, kMostRanks + 1); fails - fits > 1;) {
    const std::int32_t ranks = fits + (fails - fits) / 2;
    (fits_with(ranks) ? fits : fails) = ranks;
  }
  return fits;
}

std::optional<Change> with_ranks(const Question& asked) {
  if (!asked.bid.widths.empty()) return std::nullopt;  // It has been tried on fewer.
  Bid bid = asked.bid;
  bid.shape.ranks = most_ranks(asked, bid);
  if (bid.shape.ranks == 0) return std::nullopt;
  auto offer = accepted(asked, bid);
  if (!offer) return std::nullopt;
  Change change;
  change.ranks = bid.shape.ranks;
  change.offer = std::move(*offer);
  return change;
}

/// The longest duration below the bid's, in whole slots, that has room. A shorter one fits wherever
/// a longer one does.
std::optional<Change> with_duration(const Question& asked) {
  const Duration slot = asked.plan.settings().slot;
  Bid bid = asked.bid;
  const std::int64_t longest =
      std::min(bid.duration.ms, asked.plan.settings().horizon_slots * slot.ms);
  std::int64_t fits = 0;
  for (std::int64_t fails = (longest + slot.ms - 1) / slot.ms + 1; fails - fits > 1;) {
    const std::int64_t slots = fits + (fails - fits) / 2;
    bid.duration = slot * slots;
    (slots * slot.ms < asked.bid.duration.ms && has_room(asked, bid) ? fits : fails) = slots;
  }
  if (fits == 0) return std::nullopt;
  bid.duration = slot * fits;
  auto offer = accepted(asked, bid);
  if (!offer) return std::nullopt;
  Change change;
  change.duration = bid.duration;
  change.offer = std::move(*offer);
  return change;
}

/// How far `change` is from what was asked, in thousandths of it.
std::int64_t size_of(const Question& asked, const Change& change) {
  const auto share = [](std::int64_t part, std::int64_t whole) {
    return static_cast<std::int64_t>(1000.0 * static_cast<double>(part) /
                                     static_cast<double>(std::max<std::int64_t>(1, whole)));
  };
  const Bid& bid = asked.bid;
  if (change.max_price)
    return share((*change.max_price - *bid.max_price).micros, bid.max_price->micros);
  if (change.deadline) return share((*change.deadline - bid.deadline).ms, bid.duration.ms);
  if (change.ranks) return share(bid.shape.ranks - *change.ranks, bid.shape.ranks);
  return share((bid.duration - *change.duration).ms, bid.duration.ms);
}

/// Whether `booking` holds something of the candidates' nodes in `wanted`.
bool is_in_the_way(const Plan& plan, const std::vector<Candidate>& candidates, SlotRange wanted,
                   const Booking& booking) {
  const auto is_wanted = [&](const domain::NodeId& node) {
    return std::ranges::any_of(
        candidates, [&](const Candidate& each) { return each.lane->find(node) != nullptr; });
  };
  return std::ranges::any_of(plan.holds_of(booking), [&](const Hold& held) {
    return held.slots.first < wanted.end && wanted.first < held.slots.end &&
           std::ranges::any_of(held.nodes, is_wanted);
  });
}

/// Names who holds what the bid would need at its first chance.
void name_blocking(const Question& asked, Refusal& refusal) {
  const auto lanes = lanes_for(asked.plan.ground(), narrowest(asked.bid.shape, asked.bid.widths));
  const auto window = window_of(asked.plan, asked.bid, asked.now);
  const auto* candidates = std::get_if<std::vector<Candidate>>(&lanes);
  const auto* when = std::get_if<Window>(&window);
  if (candidates == nullptr || when == nullptr) return;
  std::vector<const Booking*> blocking;
  for (const Time until : {when->first + when->duration, when->finish_by}) {
    const SlotRange wanted = touched(when->first, until, asked.plan.settings().slot);
    for (const auto& [job, booking] : asked.plan.bookings()) {
      if (is_in_the_way(asked.plan, *candidates, wanted, booking)) blocking.push_back(&booking);
    }
    if (!blocking.empty()) break;
  }
  if (blocking.empty()) return;
  std::sort(blocking.begin(), blocking.end(), [](const Booking* a, const Booking* b) {
    return std::tie(a->finish, a->job) < std::tie(b->finish, b->job);
  });
  refusal.blocked_until = blocking.front()->finish;
  if (blocking.size() > kMostBlocking) blocking.resize(kMostBlocking);
  for (const Booking* booking : blocking) refusal.blocking.push_back(booking->job);
}

/// The next cheaper place beyond the window; for an eager bid that is not free now, when it would
/// be.
std::optional<Offer> beyond_window(const Question& asked, const Refusal& refusal) {
  Bid bid = asked.bid;
  bid.max_price.reset();
  if (refusal.reason == RefusalReason::too_expensive && refusal.price) {
    Answer dear = find_offer(asked.plan, bid, asked.now);
    const Offer* offer = std::get_if<Offer>(&dear);
    return offer == nullptr ? std::nullopt : cheaper(asked.plan, bid, asked.now, *offer);
  }
  if (refusal.reason != RefusalReason::not_free_now) return std::nullopt;
  bid.job_class = JobClass::reserved;
  bid.earliest = asked.now;
  bid.deadline = domain::kNever;
  Answer soonest = find_offer(asked.plan, bid, asked.now, Goal{.soonest = true});
  const Offer* offer = std::get_if<Offer>(&soonest);
  return offer == nullptr ? std::nullopt : std::optional(*offer);
}

}  // namespace

Refusal explain(const Plan& plan, const Bid& bid, Time now, Refusal refusal) {
  const Question asked{plan, bid, now};
  const RefusalReason reason = refusal.reason;
  if (reason == RefusalReason::no_such_pool || reason >= RefusalReason::insufficient_funds)
    return refusal;
  if (reason == RefusalReason::rank_larger_than_node) {
    refusal.changes = smaller_ranks(asked);
    return refusal;
  }
  const bool taken = reason == RefusalReason::no_free_window ||
                     reason == RefusalReason::fragmented || reason == RefusalReason::not_free_now;
  if (taken) name_blocking(asked, refusal);
  for (auto& change : {with_price(asked, refusal), with_deadline(asked), with_ranks(asked),
                       with_duration(asked)}) {
    if (change) refusal.changes.push_back(*change);
  }
  // Insertion keeps the order of kinds where sizes tie; there are at most four.
  for (std::size_t i = 1; i < refusal.changes.size(); ++i) {
    for (std::size_t k = i; k > 0; --k) {
      Change& before = refusal.changes[k - 1];
      if (size_of(asked, refusal.changes[k]) < size_of(asked, before)) {
        std::swap(refusal.changes[k], before);
      }
    }
  }
  refusal.cheaper = beyond_window(asked, refusal);
  return refusal;
}

}  // namespace era
