#include "ledger/jobs/answer.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "era/price_table.h"
#include "era/request.h"
#include "ledger/jobs/widths.h"

namespace ledger::jobs {
namespace {

using domain::Bid;
using domain::Quota;
using domain::QuotaReached;
using era::Offer;
using era::Refusal;
using era::RefusalReason;

/// Stretches of a window that are quoted.
constexpr std::size_t kMostSpans = 8;

Refusal reached_limit(QuotaReached reached) {
  Refusal refusal;
  refusal.reason = RefusalReason::limit_reached;
  refusal.blocked_until = reached.room_from;
  refusal.quota = std::move(reached);
  return refusal;
}

/// The cheapest place; where making it would move others over their quotas, one that moves nobody.
era::Answer place(const View& view, const Bid& bid) {
  era::Answer answer = era::quote(view.plan, bid, view.now);
  const auto* offer = std::get_if<Offer>(&answer);
  if (offer == nullptr || moves_keep_quotas(view, offer->moves)) return answer;
  answer = era::find_offer(view.plan, bid, view.now);
  offer = std::get_if<Offer>(&answer);
  if (offer == nullptr || !bid.max_price || offer->price <= *bid.max_price) return answer;
  Refusal refusal;
  refusal.reason = RefusalReason::too_expensive;
  refusal.price = offer->price;
  return refusal;
}

std::optional<QuotaReached> over(const View& view, const Owner& owner, const Bid& bid,
                                 const Offer& offer) {
  const std::string model = model_of(view, offer.nodes.front());
  const auto over_in = [&](const auto& piece) {
    const Span span{piece.start, piece.finish};
    return promise_over(view, owner, {model, gpus_on(bid, piece.nodes), span});
  };
  auto reached = over_in(offer);
  for (const auto& piece : offer.later) {
    if (!reached) reached = over_in(piece);
  }
  return reached;
}

bool is_better(const Offer& offer, const std::optional<Offer>& best) {
  return !best || std::tie(offer.price, offer.start) < std::tie(best->price, best->start);
}

/// The cheapest of the places in the stretches of `bid`'s window in which its quotas leave room for
/// its widest width.
struct InSpans {
  std::optional<Offer> best;
  bool whole_window = false;  ///< There is always room.
};
InSpans place_in_spans(const View& view, const Owner& owner, const Bid& bid) {
  InSpans found;
  Bid narrow = bid;
  for (const Span& span : open_spans(view, owner, bid.shape.gpu_model, bid, kMostSpans)) {
    found.whole_window = span.from <= bid.earliest && span.until >= bid.deadline;
    if (bid.job_class == domain::JobClass::eager && span.from > view.now) continue;
    narrow.earliest = span.from;
    narrow.deadline = span.until;
    era::Answer answer = place(view, narrow);
    auto* offer = std::get_if<Offer>(&answer);
    if (offer != nullptr && is_better(*offer, found.best)) found.best = std::move(*offer);
  }
  return found;
}

/// The same work on at most the `count` narrowest widths, said for the widest of them.
Bid up_to(Bid bid, std::size_t count) {
  if (bid.widths.empty()) return bid;
  const auto asked = domain::speed_on(bid.widths, bid.shape.ranks);
  bid.widths.resize(count);
  bid.shape.ranks = bid.widths.back().ranks;
  bid.duration = domain::at_speed(bid.duration, asked, bid.widths.back().speed);
  return bid;
}

}  // namespace

BookingsMoved moved(const View& view, const std::vector<era::Move>& moves, std::string why) {
  BookingsMoved fact{{}, std::move(why)};
  for (const auto& move : moves) {
    const auto& pool = view.nodes.nodes.at(move.nodes.front()).pool;
    fact.moves.push_back({move.job, move.start, move.finish, pool, move.nodes, move.later});
  }
  return fact;
}

std::vector<std::string> models_for(const View& view, const Owner& owner, const Bid& bid) {
  if (!bid.shape.gpu_model.empty()) return {era::lower_case(bid.shape.gpu_model)};
  const bool by_model = std::ranges::any_of(view.limits.quotas, [&](const Quota& quota) {
    return !quota.gpu_model.empty() && (quota.team == owner.team || quota.user == owner.user);
  });
  if (!by_model || gpus_of(bid) == 0) return {{}};
  std::set<std::string> models;
  for (const auto& [id, node] : view.nodes.nodes) {
    if (!node.gpu_model.empty()) models.insert(era::lower_case(node.gpu_model));
  }
  return {models.begin(), models.end()};
}

era::Answer reserve(const View& view, const Owner& owner, const Bid& bid) {
  if (view.limits.quotas.empty()) return era::quote(view.plan, bid, view.now);
  const auto models = models_for(view, owner, bid);
  const bool is_bound = std::ranges::any_of(
      models, [&](const auto& model) { return !quotas_of(view, owner, model).empty(); });
  if (!is_bound) return place(view, bid);
  std::optional<Offer> best;
  for (const std::string& model : models) {
    Bid asked = bid;
    asked.shape.gpu_model = model;
    for (std::size_t count = std::max<std::size_t>(1, bid.widths.size()); count > 0; --count) {
      InSpans found = place_in_spans(view, owner, up_to(asked, count));
      if (found.best && is_better(*found.best, best)) best = std::move(found.best);
      if (found.whole_window) break;
    }
  }
  if (best) return *std::move(best);
  era::Answer answer = place(view, bid);
  const auto* offer = std::get_if<Offer>(&answer);
  if (offer == nullptr) return answer;
  if (auto reached = over(view, owner, bid, *offer)) return reached_limit(*std::move(reached));
  return answer;
}

std::optional<Refusal> never_fits(const View& view, const Owner& owner, const Bid& bid) {
  const std::int32_t gpus = gpus_of(bid);
  std::optional<Refusal> refusal;
  for (const std::string& model : models_for(view, owner, bid)) {
    const Quota* in_the_way = nullptr;
    for (const Quota* quota : quotas_of(view, owner, model)) {
      if (!quota->soft && gpus > quota->gpus) in_the_way = quota;
    }
    if (in_the_way == nullptr) return std::nullopt;
    const Use use = use_of(view, *in_the_way, {view.now, view.now});
    refusal = reached_limit({*in_the_way, use.held, std::nullopt});
  }
  return refusal;
}

bool breaks_a_quota(const View& view, const Owner& owner, const Bid& bid, const Offer& offer) {
  if (view.limits.quotas.empty() || offer.nodes.empty()) return false;
  return !moves_keep_quotas(view, offer.moves) || over(view, owner, bid, offer);
}

std::variant<era::Extension, era::Refusal> more_time(const View& view, const Job& job,
                                                     domain::Time finish) {
  const auto& booking = *job.booking;
  auto answer = era::extension(view.plan, job.id, job.spec.bid, finish, view.now);
  const auto* given = std::get_if<era::Extension>(&answer);
  if (given == nullptr) return answer;
  const auto model = model_of(view, booking.nodes.front());
  const auto& nodes = booking.later.empty() ? booking.nodes : booking.later.back().nodes;
  const Wanted more{model, gpus_on(job.spec.bid, nodes), {end_of(booking), finish}};
  if (auto reached = promise_over(view, {job.user, job.team}, more, job.id, given->moves)) {
    era::Refusal refusal{era::RefusalReason::limit_reached};
    refusal.quota = std::move(reached);
    return refusal;
  }
  if (!moves_keep_quotas(view, given->moves))
    return era::Refusal{era::RefusalReason::no_free_window};
  return answer;
}

std::vector<Event> make_way(const View& view, const Job& job, const std::vector<era::Move>& moves) {
  if (moves.empty()) return {};
  return {moved(view, moves, fmt::format("makes room for job {}", job.id.value))};
}

std::string said(const QuotaReached& reached) {
  const Quota& quota = reached.quota;
  const bool of_team = quota.user.value.empty();
  return fmt::format("the quota of {} {} is {} GPUs, of which {} are promised or in use",
                     of_team ? "team" : "user", of_team ? quota.team.value : quota.user.value,
                     quota.gpus, reached.used);
}

}  // namespace ledger::jobs
