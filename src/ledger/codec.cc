#include "base/json_text.h"
#include "domain/json.h"
#include "ledger/ledger.h"

namespace ledger {
namespace {

using base::Mode;
using base::Result;

/// A fact without its event, which is a variant and coded by its name.
struct Envelope {
  domain::Time at;
  domain::UserId by;
  domain::CommandId command;
};
BOOST_DESCRIBE_STRUCT(Envelope, (), (at, by, command))

/// FNV-1a, 64 bits (Fowler, Noll, Vo).
std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1'099'511'628'211U;
  }
  return hash;
}

void rebuild(State& state) {
  access::rebuild(state.access);
  state.answered.insert(state.answered_order.begin(), state.answered_order.end());
  state.plan.advance(state.at);
  state.plan.set_prices(state.accounts.prices);
  state.plan.put_nodes(nodes::plan_nodes(state.nodes, nodes::all_of(state.nodes)));
  demand::rebuild(state.demand, state.plan);
  jobs::rebuild(state.jobs, state.plan);
}

}  // namespace

std::string encode(const Fact& fact) {
  boost::json::value text = base::to_json(Envelope{fact.at, fact.by, fact.command});
  text.as_object().emplace("event", base::variant_to_json(fact.event));
  return base::to_text(text);
}

Result<Fact> decode(std::string_view text) {
  auto parsed = base::parse_json(text, 64);
  if (!parsed) {
    parsed.error().code = base::ErrorCode::data_loss;
    return base::pass(parsed);
  }
  const boost::json::object* object = parsed->if_object();
  const boost::json::value* event = object == nullptr ? nullptr : object->if_contains("event");
  if (event == nullptr)
    return base::fail(base::ErrorCode::data_loss, "a fact without an event: {}",
                      text.substr(0, 200));
  auto envelope = base::from_json<Envelope>(*parsed, Mode::lenient);
  if (!envelope) return base::pass(envelope);
  auto body = base::variant_from_json<Event>(*event, Mode::lenient);
  if (!body) return base::pass(body);
  return Fact{envelope->at, std::move(envelope->by), std::move(envelope->command),
              std::move(*body)};
}

std::string_view type_of(const Event& event) {
  return std::visit([]<class T>(const T&) { return base::type_name<T>(); }, event);
}

std::string encode(const State& state) { return base::json_text(state); }

Result<State> decode_state(std::string_view text) {
  auto parsed = base::parse_json(text, 64);
  if (!parsed) {
    parsed.error().code = base::ErrorCode::data_loss;
    return base::pass(parsed);
  }
  auto state = base::from_json<State>(*parsed, Mode::lenient);
  if (!state) return base::pass(state);
  if (state->layout != kStateLayout) {
    return base::fail(base::ErrorCode::data_loss, "a state of layout {}, not {}", state->layout,
                      kStateLayout);
  }
  rebuild(*state);
  return state;
}

std::uint64_t hash(const State& state) { return fnv1a(encode(state)); }

}  // namespace ledger
