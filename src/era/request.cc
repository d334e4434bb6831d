#include "era/request.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "era/width_pieces.h"

namespace era {

using domain::Bid;
using domain::Duration;
using domain::JobClass;
using domain::Shape;
using domain::Time;

namespace {

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

bool matches(const Lane& lane, const Shape& shape) {
  if (!shape.pool.empty() && lower_case(lane.key().pool.value) != lower_case(shape.pool))
    return false;
  if (!shape.gpu_model.empty() && lane.key().gpu_model != lower_case(shape.gpu_model)) return false;
  return std::any_of(lane.nodes().begin(), lane.nodes().end(),
                     [](const NodeLine& line) { return line.present; });
}

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
  const Time soonest_finish = window.first + shortest(bid);
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

namespace {

using Place = std::variant<FoundPieces, RefusalReason>;

/// A bid in one of its lanes.
struct Wanted {
  const Plan& plan;
  const Bid& bid;
  const Lane& lane;
  std::optional<Ask> ask;  ///< As it says; none if the lane only holds it on other widths.
  const Window& window;
};

/// Without breaks, as wide as it says.
std::variant<Found, RefusalReason> whole_in(const Wanted& in, const Goal& goal) {
  if (!in.ask) return RefusalReason::larger_than_pool;
  return find_place(in.lane, *in.ask, in.window, in.plan.settings().slot, goal);
}

/// The cheapest pieces, on whatever widths the bid allows.
Place pieces_in(const Wanted& in) {
  const Duration slot = in.plan.settings().slot;
  const Window& window = in.window;
  if (!in.bid.widths.empty()) {
    const auto asks = width_asks(in.lane, in.bid.shape, in.bid.widths);
    if (!asks) return RefusalReason::larger_than_pool;
    const std::int64_t work = work_of(in.bid);
    auto place = find_width_pieces(
        in.lane, {*asks, window.first, window.finish_by, work, in.bid.restart}, slot);
    if (std::holds_alternative<FoundPieces>(place) || !in.ask) return place;
  }
  return find_pieces(in.lane, {*in.ask, window, in.bid.restart}, slot);
}

Offer offer_of(const Wanted& in, FoundPieces found) {
  const Duration slot = in.plan.settings().slot;
  Piece& first = found.pieces.front();
  Offer offer{in.lane.key().pool,
              first.start,
              first.finish,
              price_of(found.cost, slot, class_permille(in.plan.prices(), in.bid)),
              std::move(first.nodes),
              {},
              {}};
  offer.later.assign(std::make_move_iterator(found.pieces.begin() + 1),
                     std::make_move_iterator(found.pieces.end()));
  return offer;
}

/// The best offer in one lane, or why there is none.
std::variant<Offer, RefusalReason> offer_in(const Wanted& in, const Goal& goal) {
  const auto whole = whole_in(in, goal);
  const Found* found = std::get_if<Found>(&whole);
  if (in.bid.preemptible && !goal.soonest) {
    const std::int64_t limit = found == nullptr ? goal.limit : found->cost - 1;
    Place place = pieces_in(in);
    auto* pieces = std::get_if<FoundPieces>(&place);
    if (pieces != nullptr && pieces->cost <= limit) return offer_of(in, std::move(*pieces));
  }
  if (found != nullptr) return offer_of(in.plan, in.bid, in.lane, *found);
  return std::get<RefusalReason>(whole);
}

}  // namespace

Answer find_offer(const Plan& plan, const Bid& bid, Time now, const Goal& goal) {
  auto lanes = lanes_for(plan.ground(), narrowest(bid.shape, bid.widths));
  if (const auto* reason = std::get_if<RefusalReason>(&lanes)) return Refusal{*reason};
  const auto window = window_of(plan, bid, now);
  if (const auto* reason = std::get_if<RefusalReason>(&window)) return Refusal{*reason};

  std::optional<Offer> best;
  auto reason = RefusalReason::no_free_window;
  for (Candidate& candidate : std::get<std::vector<Candidate>>(lanes)) {
    Wanted wanted{plan, bid, *candidate.lane, std::move(candidate.ask), std::get<Window>(window)};
    if (!bid.widths.empty()) wanted.ask = ask_of(*candidate.lane, bid.shape);
    auto answer = offer_in(wanted, goal);
    if (Offer* offer = std::get_if<Offer>(&answer)) {
      keep_better(best, std::move(*offer), goal.soonest);
    } else {
      reason = std::max(reason, std::get<RefusalReason>(answer));
    }
  }
  if (best) return *best;
  return Refusal{bid.job_class == JobClass::eager ? RefusalReason::not_free_now : reason};
}

}  // namespace era
