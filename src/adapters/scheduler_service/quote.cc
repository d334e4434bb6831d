#include "adapters/scheduler_service/quote.h"

#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "contracts/era.pb.h"
#include "ledger/ledger.h"

namespace adapters::scheduler_service {
namespace {

using domain::JobClass;
using ledger::jobs::BidRefused;
using ledger::jobs::BookingsMoved;
using ledger::jobs::JobAccepted;

/// What a bid would be answered: one of the two.
struct Decided {
  std::optional<JobAccepted> accepted;
  std::optional<BidRefused> refused;
  std::vector<era::Move> moves;  ///< That must be made first.
};

base::Result<Decided> decide(const Asker& asker, const controller::Reading& reading,
                             const domain::Bid& bid) {
  ledger::jobs::MakeBid wish{asker.user, asker.team, {.bid = bid}, std::nullopt};
  wish.spec.program.command = {"any"};  // What runs has no part in the price.
  const ledger::Command command{{"a quote"}, asker.user, ledger::jobs::Command(std::move(wish))};
  auto events = ledger::decide(reading.state, command, reading.now);
  if (!events) return base::pass(events);
  Decided decided;
  for (auto& event : *events) {
    if (auto* refused = std::get_if<BidRefused>(&event)) decided.refused = std::move(*refused);
    if (auto* accepted = std::get_if<JobAccepted>(&event)) decided.accepted = std::move(*accepted);
    const auto* moved = std::get_if<BookingsMoved>(&event);
    if (moved == nullptr) continue;
    for (const auto& move : moved->moves) {
      decided.moves.push_back({move.job, move.start, move.finish, move.nodes, move.later});
    }
  }
  CHECK(decided.accepted.has_value() != decided.refused.has_value(), "a bid has one answer");
  return decided;
}

void describe(const controller::Reading& reading, const domain::Bid& bid, const era::Offer& offer,
              wire::QuoteReply& to) {
  to.set_promised_finish_ms(bid.deadline.ms);
  if (bid.firm) to.set_promised_start_ms(offer.start.ms);
  const auto cheaper = era::cheaper(reading.state.plan, bid, reading.now, offer);
  if (cheaper) encode(*cheaper, *to.mutable_cheaper());
}

}  // namespace

base::Result<> quote(const Asker& asker, const controller::Reading& reading, const domain::Bid& bid,
                     const std::string& quote_id, wire::QuoteReply& to) {
  auto decided = decide(asker, reading, bid);
  if (!decided) return base::pass(decided);
  const words::Reader reader = reader_of(asker, reading);
  if (decided->refused) {
    const era::Refusal& refusal = decided->refused->refusal;
    encode(reader, refusal, *to.mutable_refusal());
    to.set_text(base::valid_utf8(words::refusal(reader, refusal)));
    return {};
  }
  const domain::Bid& completed = decided->accepted->spec.bid;
  era::Offer offer = decided->accepted->offer.value_or(era::Offer{});
  offer.price = decided->accepted->price;
  offer.moves = std::move(decided->moves);
  encode(offer, *to.mutable_offer());
  to.set_text(base::valid_utf8(
      words::offer(reader, offer, {completed.job_class, completed.deadline, completed.firm})));
  if (completed.job_class != JobClass::flex) describe(reading, completed, offer, to);
  const domain::Time expires = reading.now + controller::QuoteBook::kValid;
  to.set_quote_id(quote_id);
  to.set_expires_ms(expires.ms);
  reading.quotes.keep({{quote_id}, asker.user, {.bid = bid}, std::move(offer), expires},
                      reading.now);
  return {};
}

base::Result<ledger::jobs::MakeBid> quoted_bid(const Asker& asker,
                                               const controller::Reading& reading,
                                               const std::string& quote_id) {
  const auto quote = reading.quotes.find({quote_id}, asker.user, reading.now);
  if (!quote) {
    return std::unexpected(base::Error{
        base::ErrorCode::gone, "the quote is gone or was given to somebody else; ask for a new one",
        "quote_id"});
  }
  ledger::jobs::MakeBid wish{asker.user, asker.team, {.bid = quote->spec.bid}, std::nullopt};
  if (wish.spec.bid.job_class == JobClass::flex) {
    wish.spec.bid.max_price = quote->offer.price;  // Nothing is booked; only the price was told.
  } else {
    wish.quoted = quote->offer;
  }
  return wish;
}

}  // namespace adapters::scheduler_service
