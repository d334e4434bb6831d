#include "api/quotes.h"

#include <algorithm>

#include "api/routes.h"
#include "ledger/jobs/offers.h"

namespace api {
namespace {

using base::ErrorCode;
using domain::JobClass;

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
  std::optional<ledger::jobs::Choice> choice;
};
BOOST_DESCRIBE_STRUCT(QuoteView, (),
                      (quote_id, expires, offer, refusal, promised_finish, firm_start, cheaper,
                       text, choice))

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
  if (spec.repeat) return base::invalid("repeat", "a quote is for one job; ask for the first");
  if (auto good = check_parents(call, reading, spec); !good) return base::pass(good);
  auto answered = ledger::jobs::answer(ledger::jobs_view(reading.state, reading.now),
                                       {call.asker.user, call.asker.team}, spec);
  if (!answered) return base::pass(answered);
  const domain::Bid& bid = answered->spec.bid;
  const words::Reader reader = reader_of(call, reading);
  const era::Answer& answer = answered->answer;
  QuoteView shown;
  shown.choice = answered->choice;
  if (const auto* refusal = std::get_if<era::Refusal>(&answer)) {
    shown.refusal = view(reader, *refusal);
    shown.text = words::refusal(reader, *refusal);
    return ok(shown);
  }
  const auto& offer = std::get<era::Offer>(answer);
  describe(reader, reading, bid, shown, offer);
  shown.quote_id = service.options().random_id();
  shown.expires = reading.now + controller::QuoteBook::kValid;
  reading.quotes.keep(
      {{shown.quote_id}, call.asker.user, spec, offer, shown.expires, answered->choice},
      reading.now);
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
  for (std::size_t i = 0; i < spec.alternatives.size(); ++i) {
    const auto& other = body.at("spec").at("alternatives").at(i);
    const auto* amounts = inside(inside(other.if_object(), "shape"), "per_rank");
    const bool says = amounts != nullptr && amounts->contains("cpu_millis");
    if (spec.alternatives[i].shape && !says)
      spec.alternatives[i].shape->per_rank.cpu_millis = kOneCore;
  }
}

base::Result<> check_parents(const Call& call, const Reading& reading,
                             const domain::JobSpec& spec) {
  for (std::size_t i = 0; i < spec.after.size(); ++i) {
    if (!spec.after[i].name.empty()) continue;
    const auto id = spec.after[i].job;
    const auto* parent = ledger::jobs::find(reading.state.jobs, id);
    if (parent == nullptr || !sees(call, *parent))
      return base::invalid(fmt::format("after[{}].job", i), "there is no job {}", id.value);
  }
  return {};
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
  for (std::size_t i = 0; i < spec.alternatives.size() && i < quoted.alternatives.size(); ++i) {
    spec.alternatives[i].earliest = quoted.alternatives[i].earliest;
    spec.alternatives[i].deadline = quoted.alternatives[i].deadline;
  }
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
  if (quote->choice) {
    const auto taken = static_cast<std::size_t>(quote->choice->taken);
    bid.spec.bid = quote->choice->options.at(taken).bid;
    bid.spec.alternatives.clear();
    bid.choice = quote->choice;
  }
  if (bid.spec.bid.job_class == JobClass::flex) {
    bid.spec.bid.max_price = quote->offer.price;  // Nothing is booked; only the price was told.
  } else {
    bid.quoted = quote->offer;
  }
  return bid;
}

std::vector<Route> quote_routes() { return {{"POST", "/v1/quotes", Role::member, post_quote}}; }

}  // namespace api
