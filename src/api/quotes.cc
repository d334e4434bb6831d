#include "api/quotes.h"

#include <algorithm>

#include "api/routes.h"
#include "ledger/jobs/answer.h"
#include "ledger/jobs/jobs.h"

namespace api {
namespace {

using base::ErrorCode;
using domain::JobClass;
using domain::Money;

struct QuoteBody {
  domain::JobSpec spec;
};
BOOST_DESCRIBE_STRUCT(QuoteBody, (), (spec))

struct QuoteView {
  std::string quote_id;
  domain::Time expires;
  std::optional<OfferView> offer;
  std::optional<RefusalView> refusal;
  std::optional<domain::Time> promised_finish;
  std::optional<domain::Time> firm_start;
  std::optional<OfferView> cheaper;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(QuoteView, (),
                      (quote_id, expires, offer, refusal, promised_finish, firm_start, cheaper,
                       text))

era::Refusal too_dear(era::RefusalReason reason, Money price) {
  era::Refusal refusal;
  refusal.reason = reason;
  refusal.price = price;
  return refusal;
}

/// The bid as the ledger would take it: from now, until the end of the horizon.
domain::Bid completed(domain::Bid bid, const Reading& reading) {
  bid.earliest = std::max(bid.earliest, reading.now);
  if (bid.job_class == JobClass::eager) bid.earliest = reading.now;
  if (bid.job_class != JobClass::flex) {
    bid.deadline = std::min(bid.deadline, reading.state.plan.horizon_end());
  }
  return bid;
}

era::Answer flex_answer(const era::Plan& plan, const domain::Bid& bid) {
  auto price = era::flex_price(plan, bid);
  if (auto* refusal = std::get_if<era::Refusal>(&price)) return std::move(*refusal);
  const Money amount = std::get<Money>(price);
  if (bid.max_price && amount > *bid.max_price) {
    return too_dear(era::RefusalReason::too_expensive, amount);
  }
  era::Offer offer;
  offer.price = amount;
  return offer;
}

/// What the ledger would answer to `bid`.
era::Answer answer_to(const Call& call, const Reading& reading, const domain::Bid& bid) {
  const era::Plan& plan = reading.state.plan;
  const auto& state = reading.state;
  const ledger::jobs::View looked{state.jobs,   state.accounts, state.nodes,
                                  state.limits, state.plan,     reading.now};
  const ledger::jobs::Owner owner{call.asker.user, call.asker.team};
  const bool is_flex = bid.job_class == JobClass::flex;
  if (is_flex) {
    if (auto refusal = ledger::jobs::never_fits(looked, owner, bid)) return *std::move(refusal);
  }
  era::Answer answer = is_flex ? flex_answer(plan, bid) : ledger::jobs::reserve(looked, owner, bid);
  if (auto* refusal = std::get_if<era::Refusal>(&answer)) {
    if (is_flex || refusal->quota) return answer;
    return era::explain(plan, bid, reading.now, std::move(*refusal));
  }
  const Money price = std::get<era::Offer>(answer).price;
  const auto account = ledger::accounts::team_account(call.asker.team);
  if (price > ledger::accounts::balance(reading.state.accounts, account)) {
    return too_dear(era::RefusalReason::insufficient_funds, price);
  }
  return answer;
}

void describe(const words::Reader& reader, const Reading& reading, const domain::Bid& bid,
              QuoteView& shown, const era::Offer& offer) {
  shown.offer = view(offer);
  shown.text = words::offer(reader, offer, {bid.job_class, bid.deadline, bid.firm});
  if (bid.job_class == JobClass::flex) return;
  shown.promised_finish = bid.deadline;
  if (bid.firm) shown.firm_start = offer.start;
  const auto cheaper = era::cheaper(reading.state.plan, bid, reading.now, offer);
  if (cheaper) shown.cheaper = view(*cheaper);
}

Answer quote(const Service& service, const Call& call, const Reading& reading,
             const domain::JobSpec& spec) {
  if (auto good = ledger::jobs::check(spec, reading.now); !good) return base::pass(good);
  const domain::Bid bid = completed(spec.bid, reading);
  const words::Reader reader = reader_of(call, reading);
  const era::Answer answer = answer_to(call, reading, bid);
  QuoteView shown;
  if (const auto* refusal = std::get_if<era::Refusal>(&answer)) {
    shown.refusal = view(reader, *refusal);
    shown.text = words::refusal(reader, *refusal);
    return ok(shown);
  }
  const auto& offer = std::get<era::Offer>(answer);
  describe(reader, reading, bid, shown, offer);
  shown.quote_id = service.options().random_id();
  shown.expires = reading.now + controller::QuoteBook::kValid;
  reading.quotes.keep({{shown.quote_id}, call.asker.user, spec, offer, shown.expires}, reading.now);
  return ok(shown);
}

/// The member of `object` called `name`, if that is an object.
const boost::json::object* inside(const boost::json::object* object, std::string_view name) {
  if (object == nullptr) return nullptr;
  const auto* member = object->if_contains(boost::json::string_view(name.data(), name.size()));
  return member == nullptr ? nullptr : member->if_object();
}

base::Result<domain::JobSpec> quoted_spec(const Call& call) {
  auto parsed = parse_body(call);
  if (!parsed) return base::pass(parsed);
  auto body = base::from_json<QuoteBody>(*parsed, base::Mode::strict);
  if (!body) return std::unexpected(without_spec(std::move(body).error()));
  fill_in(*parsed, body->spec);
  return std::move(body->spec);
}

void post_quote(Service& service, const CallPtr& call) {
  service.look(
      call, [&service, spec = quoted_spec(*call)](const Call& asked, const Reading& reading) {
        return spec ? quote(service, asked, reading, *spec) : Answer(std::unexpected(spec.error()));
      });
}

}  // namespace

void fill_in(const boost::json::value& body, domain::JobSpec& spec) {
  constexpr std::int64_t kOneCore = 1'000;
  const auto* bid = inside(inside(body.if_object(), "spec"), "bid");
  const auto* per_rank = inside(inside(bid, "shape"), "per_rank");
  const bool says_cores = per_rank != nullptr && per_rank->contains("cpu_millis");
  if (!says_cores) spec.bid.shape.per_rank.cpu_millis = kOneCore;
}

base::Error without_spec(base::Error error) {
  constexpr std::string_view kSpec = "spec.";
  if (error.field.starts_with(kSpec)) error.field.erase(0, kSpec.size());
  if (error.message.starts_with(kSpec)) error.message.erase(0, kSpec.size());
  return error;
}

/// True but for the window: "in two hours" is another moment when it is said again, and the quote
/// has fixed it.
bool asks_for_the_same(domain::JobSpec spec, const domain::JobSpec& quoted) {
  spec.bid.earliest = quoted.bid.earliest;
  spec.bid.deadline = quoted.bid.deadline;
  return spec == quoted;
}

base::Result<ledger::jobs::MakeBid> quoted_bid(const Call& call, const Reading& reading,
                                               const std::string& quote_id,
                                               const std::optional<domain::JobSpec>& spec) {
  const auto quote = reading.quotes.find({quote_id}, call.asker.user, reading.now);
  if (!quote) {
    return std::unexpected(base::Error{
        ErrorCode::gone, "the quote is gone or was given to somebody else; ask for a new one",
        "quote_id"});
  }
  if (spec && !asks_for_the_same(*spec, quote->spec)) {
    return base::invalid("quote_id", "the quote was given for another spec");
  }
  ledger::jobs::MakeBid bid{call.asker.user, call.asker.team, quote->spec, std::nullopt};
  if (bid.spec.bid.job_class == JobClass::flex) {
    bid.spec.bid.max_price = quote->offer.price;  // Nothing is booked; only the price was told.
  } else {
    bid.quoted = quote->offer;
  }
  return bid;
}

std::vector<Route> quote_routes() { return {{"POST", "/v1/quotes", Role::member, post_quote}}; }

}  // namespace api
