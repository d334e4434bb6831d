#include "era/request.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "era/pieces.h"

namespace era {

using domain::Bid;
using domain::Duration;
using domain::JobClass;
using domain::Shape;
using domain::Time;

namespace {

bool matches(const Lane& lane, const Shape& shape) {
  if (!shape.pool.empty() && lower_case(lane.key().pool.value) != lower_case(shape.pool))
    return false;
  if (!shape.gpu_model.empty() && lane.key().gpu_model != lower_case(shape.gpu_model)) return false;
  return std::any_of(lane.nodes().begin(), lane.nodes().end(),
                     [](const NodeLine& line) { return line.present; });
}

bool holds_a_rank(const Lane& lane, const Shape& shape) {
  return std::any_of(lane.nodes().begin(), lane.nodes().end(), [&](const NodeLine& line) {
    return line.present && shape.per_rank.fits_in(line.node.capacity);
  });
}

bool better(const Offer& a, const Offer& b, bool soonest) {
  if (soonest) return std::tie(a.start, a.price) < std::tie(b.start, b.price);
  return std::tie(a.price, a.start) < std::tie(b.price, b.start);
}

void keep_better(std::optional<Offer>& best, Offer offer, bool soonest) {
  if (!best || better(offer, *best, soonest)) best = std::move(offer);
}

}  // namespace

std::variant<std::vector<Candidate>, RefusalReason> lanes_for(const Ground& ground,
                                                              const Shape& shape) {
  CHECK(shape.ranks > 0 && shape.per_rank.gpus >= 0 && shape.per_rank.cpu_millis >= 0 &&
            shape.per_rank.memory_bytes >= 0,
        "a shape is checked before it is quoted");
  auto reason = RefusalReason::no_such_pool;
  std::vector<Candidate> found;
  for (const auto& [key, lane] : ground.lanes()) {
    if (!matches(lane, shape)) continue;
    const bool rank_fits = holds_a_rank(lane, shape);
    reason = std::max(
        reason, rank_fits ? RefusalReason::larger_than_pool : RefusalReason::rank_larger_than_node);
    if (!rank_fits) continue;
    if (auto ask = ask_of(lane, shape)) found.push_back({&lane, std::move(*ask)});
  }
  if (found.empty()) return reason;
  const auto has_gpus = [](const Candidate& candidate) { return candidate.lane->has_gpus(); };
  const bool choosy = shape.per_rank.gpus == 0 && shape.pool.empty() && shape.gpu_model.empty();
  if (choosy && !std::all_of(found.begin(), found.end(), has_gpus)) std::erase_if(found, has_gpus);
  return found;
}

std::variant<Window, RefusalReason> window_of(const Plan& plan, const Bid& bid, Time now) {
  CHECK(bid.duration.ms > 0, "a bid is checked before it is quoted");
  if (bid.duration.ms > domain::kNever.ms || bid.earliest > domain::kNever) {
    return RefusalReason::beyond_horizon;
  }
  Window window{std::max(now, plan.begin()), std::min(bid.deadline, plan.horizon_end()),
                bid.duration};
  if (bid.job_class == JobClass::eager) {
    window.only_first = true;
  } else {
    window.first = std::max(window.first, bid.earliest);
  }
  const Time soonest_finish = window.first + window.duration;
  if (soonest_finish > bid.deadline) return RefusalReason::window_too_short;
  if (soonest_finish > window.finish_by) return RefusalReason::beyond_horizon;
  return window;
}

std::int32_t class_permille(const PriceList& prices, const Bid& bid) {
  if (bid.job_class == JobClass::eager) return prices.eager_permille;
  return bid.firm ? prices.firm_permille : 1000;
}

Offer offer_of(const Plan& plan, const Bid& bid, const Lane& lane, const Found& found) {
  const domain::Money price =
      price_of(found.cost, plan.settings().slot, class_permille(plan.prices(), bid));
  return {lane.key().pool, found.start, found.start + bid.duration, price, found.nodes, {}, {}};
}

/// The cheapest pieces in `lane`, if they are cheaper than `limit` in slot costs.
std::optional<Offer> pieces_in(const Plan& plan, const Bid& bid, const Candidate& candidate,
                               const Window& window, std::int64_t limit) {
  const domain::Duration slot = plan.settings().slot;
  auto place = find_pieces(*candidate.lane, {candidate.ask, window, bid.restart}, slot);
  FoundPieces* found = std::get_if<FoundPieces>(&place);
  if (found == nullptr || found->cost > limit) return std::nullopt;
  Piece& first = found->pieces.front();
  Offer offer{candidate.lane->key().pool,
              first.start,
              first.finish,
              price_of(found->cost, slot, class_permille(plan.prices(), bid)),
              std::move(first.nodes),
              {},
              {}};
  offer.later.assign(std::make_move_iterator(found->pieces.begin() + 1),
                     std::make_move_iterator(found->pieces.end()));
  return offer;
}

Answer find_offer(const Plan& plan, const Bid& bid, Time now, const Goal& goal) {
  const auto lanes = lanes_for(plan.ground(), bid.shape);
  if (const auto* reason = std::get_if<RefusalReason>(&lanes)) return Refusal{*reason};
  const auto window = window_of(plan, bid, now);
  if (const auto* reason = std::get_if<RefusalReason>(&window)) return Refusal{*reason};

  std::optional<Offer> best;
  auto reason = RefusalReason::no_free_window;
  for (const Candidate& candidate : std::get<std::vector<Candidate>>(lanes)) {
    const auto& [lane, ask] = candidate;
    const auto place = find_place(*lane, ask, std::get<Window>(window), plan.settings().slot, goal);
    if (bid.preemptible && !goal.soonest) {
      const Found* whole = std::get_if<Found>(&place);
      const std::int64_t limit = whole == nullptr ? goal.limit : whole->cost - 1;
      if (auto offer = pieces_in(plan, bid, candidate, std::get<Window>(window), limit)) {
        keep_better(best, *std::move(offer), false);
        continue;
      }
    }
    if (const Found* found = std::get_if<Found>(&place)) {
      keep_better(best, offer_of(plan, bid, *lane, *found), goal.soonest);
    } else {
      reason = std::max(reason, std::get<RefusalReason>(place));
    }
  }
  if (best) return *best;
  return Refusal{bid.job_class == JobClass::eager ? RefusalReason::not_free_now : reason};
}

}  // namespace era
