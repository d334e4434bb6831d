#include "api/event_view.h"

#include "ledger/jobs/jobs.h"

namespace api {
namespace {

using namespace ledger;

struct Sight {
  const Call& call;
  const Reading& reading;
  const domain::UserId& by;
};

/// What an event is about, and whether it is shown.
struct About {
  bool is_shown = false;
  domain::JobId job;
  domain::NodeId node;
  domain::TeamId team;
};

bool is_admin(const Sight& sight) { return sight.call.asker.role == Role::admin; }
bool is_operator(const Sight& sight) { return sight.call.asker.role >= Role::operator_; }

About about_job(const Sight& sight, domain::JobId id) {
  const jobs::Job* job = jobs::find(sight.reading.state.jobs, id);
  About about{.is_shown = is_operator(sight), .job = id};
  if (job == nullptr) return about;  // Forgotten: whose it was is not known any more.
  about.is_shown = sees(sight.call, *job);
  about.team = job->team;
  return about;
}

About about_node(const domain::NodeId& node) { return {.is_shown = true, .node = node}; }

About about_user(const Sight& sight, const domain::UserId& user, const domain::TeamId& team) {
  return {.is_shown = is_admin(sight) || user == sight.call.asker.user, .team = team};
}

/// A limit is shown to whom it is for, to their team, and to operators.
About about_limit(const Sight& sight, const domain::Quota& quota) {
  About shown{.is_shown = is_operator(sight) || sees_quota(sight.call, sight.reading, quota)};
  shown.team = quota.team;
  return shown;
}

// One line for each kind of fact.
About about(const Sight&, const ClusterCreated&) { return {.is_shown = true}; }
About about(const Sight& sight, const StateHashed&) { return {.is_shown = is_operator(sight)}; }
About about(const Sight&, const access::TeamCreated& fact) {
  return {.is_shown = true, .team = fact.team};
}
About about(const Sight& sight, const access::UserCreated& fact) {
  return about_user(sight, fact.user.name, fact.user.team);
}
About about(const Sight& sight, const access::UserChanged& fact) {
  return about_user(sight, fact.user.name, fact.user.team);
}
About about(const Sight& sight, const access::TokenIssued& fact) {
  return about_user(sight, fact.token.user, {});
}
About about(const Sight& sight, const access::TokenRevoked&) {
  return about_user(sight, sight.by, {});
}
About about(const Sight& sight, const access::JoinTokenIssued&) {
  return {.is_shown = is_operator(sight)};
}
About about(const Sight& sight, const access::JoinTokenRevoked&) {
  return {.is_shown = is_operator(sight)};
}
About about(const Sight& sight, const accounts::MoneyMoved& fact) {
  if (fact.job.value != 0) return about_job(sight, fact.job);
  const auto own = accounts::team_account(sight.call.asker.team);
  About shown{.is_shown = is_admin(sight) || fact.from == own || fact.to == own};
  constexpr std::string_view kTeam = "team:";
  if (fact.to.value.starts_with(kTeam)) shown.team.value = fact.to.value.substr(kTeam.size());
  return shown;
}
About about(const Sight&, const accounts::PricesSet&) { return {.is_shown = true}; }
About about(const Sight& sight, const demand::ForecastMade&) {
  return {.is_shown = is_operator(sight)};
}
About about(const Sight&, const limits::FairnessSet&) { return {.is_shown = true}; }
About about(const Sight& sight, const limits::ShareSet& fact) {
  return about_limit(sight, {.team = fact.team});
}
About about(const Sight& sight, const limits::QuotaSet& fact) {
  return about_limit(sight, fact.quota);
}
About about(const Sight& sight, const limits::QuotaRemoved& fact) {
  return about_limit(sight, fact.quota);
}
About about(const Sight&, const nodes::NodeJoined& fact) { return about_node(fact.node); }
About about(const Sight&, const nodes::NodeReported& fact) { return about_node(fact.node); }
About about(const Sight&, const nodes::NodeStateSet& fact) { return about_node(fact.node); }
About about(const Sight&, const nodes::NodeRemoved& fact) { return about_node(fact.node); }
About about(const Sight&, const nodes::NodePowerSet& fact) { return about_node(fact.node); }
About about(const Sight&, const nodes::NodesClosed&) { return {.is_shown = true}; }
About about(const Sight&, const nodes::NodesOpened&) { return {.is_shown = true}; }
About about(const Sight& sight, const jobs::BookingsMoved& fact) {
  About shown;
  for (const auto& move : fact.moves) {
    const About one = about_job(sight, move.job);
    if (!one.is_shown) continue;
    shown = shown.is_shown ? About{.is_shown = true} : one;  // Several jobs: none is named above.
  }
  return shown;
}
template <class JobFact>
About about(const Sight& sight, const JobFact& fact) {
  return about_job(sight, fact.job);
}

boost::json::object& inside(boost::json::object& body, std::string_view name) {
  return body.at(boost::json::string_view(name.data(), name.size())).as_object();
}

void put(boost::json::object& body, std::string_view name, boost::json::value value) {
  body.insert_or_assign(boost::json::string_view(name.data(), name.size()), std::move(value));
}

/// Puts a text that may name other teams' jobs as the reader may have it.
void put_cause(boost::json::object& body, std::string_view name, const words::Reader& reader) {
  auto* text = body.if_contains(boost::json::string_view(name.data(), name.size()));
  if (text == nullptr || !text->is_string()) return;
  *text = base::to_json(words::cause(reader, std::string(text->get_string())));
}

// Takes out what nobody may see, or not this reader.
void scrub(boost::json::object& body, const access::UserCreated&, const words::Reader&) {
  inside(body, "user").erase("password_hash");
}
void scrub(boost::json::object& body, const access::UserChanged&, const words::Reader&) {
  inside(body, "user").erase("password_hash");
}
void scrub(boost::json::object& body, const access::TokenIssued&, const words::Reader&) {
  inside(body, "token").erase("hash");
}
void scrub(boost::json::object& body, const access::JoinTokenIssued&, const words::Reader&) {
  inside(body, "token").erase("hash");
}
void scrub(boost::json::object& body, const jobs::BidRefused& fact, const words::Reader& reader) {
  put(body, "refusal", base::to_json(view(reader, fact.refusal)));
}
void scrub(boost::json::object& body, const jobs::JobAccepted& fact, const words::Reader&) {
  if (fact.offer) put(body, "offer", base::to_json(view(*fact.offer)));
}
void scrub(boost::json::object& body, const jobs::BookingsMoved& fact,
           const words::Reader& reader) {
  boost::json::array moves;
  for (const auto& move : fact.moves) {
    if (reader.sees(move.job)) moves.push_back(base::to_json(move));
  }
  put(body, "moves", std::move(moves));
}
template <class Fact>
void scrub(boost::json::object&, const Fact&, const words::Reader&) {}

}  // namespace

std::optional<boost::json::value> event_view(const Call& call, const Reading& reading,
                                             const controller::PlacedFact& placed) {
  const Fact& fact = placed.fact;
  const Sight sight{call, reading, fact.by};
  const About shown = std::visit([&](const auto& each) { return about(sight, each); }, fact.event);
  if (!shown.is_shown) return std::nullopt;
  boost::json::value encoded = base::variant_to_json(fact.event);
  boost::json::object& body = encoded.as_object();
  body.erase("type");
  const words::Reader reader = reader_of(call, reading);
  std::visit([&](const auto& each) { scrub(body, each, reader); }, fact.event);
  for (const std::string_view name : {"why", "reason", "cause", "detail"}) {
    put_cause(body, name, reader);
  }
  const std::string_view type = type_of(fact.event);
  boost::json::object event{{"position", placed.position},
                            {"at", fact.at.ms},
                            {"by", base::to_json(fact.by)},
                            {"type", boost::json::string_view(type.data(), type.size())}};
  if (shown.job.value != 0) event.emplace("job", shown.job.value);
  if (!shown.node.value.empty()) event.emplace("node", base::to_json(shown.node));
  if (!shown.team.value.empty()) event.emplace("team", base::to_json(shown.team));
  event.emplace("body", std::move(encoded));
  return event;
}

}  // namespace api
