#include <algorithm>

#include "api/routes.h"
#include "api/views.h"
#include "ledger/nodes/nodes.h"

namespace api {
namespace {

using base::ErrorCode;
using ledger::nodes::Node;

constexpr std::int64_t kMostHours = 31 * 24;
constexpr std::int64_t kMostTokenHours = 30 * 24;
constexpr std::size_t kLongestCause = 500;

struct SampleView {
  domain::Time at;
  std::int32_t cpu_permille = 0;
  std::int64_t memory_used_bytes = 0;
  std::int64_t disk_read_bytes = 0;
  std::int64_t disk_write_bytes = 0;
  std::int64_t net_receive_bytes = 0;
  std::int64_t net_send_bytes = 0;
  std::int64_t disk_free_bytes = 0;
  std::vector<std::int32_t> gpu_permille;
  std::vector<std::int64_t> gpu_memory_bytes;
};
BOOST_DESCRIBE_STRUCT(SampleView, (),
                      (at, cpu_permille, memory_used_bytes, disk_read_bytes, disk_write_bytes,
                       net_receive_bytes, net_send_bytes, disk_free_bytes, gpu_permille,
                       gpu_memory_bytes))

/// The closure that closes a node next, or has it closed, and when the node opens.
struct ClosingView {
  std::string id;
  domain::Time from;
  std::optional<domain::Time> until;
  std::string cause;
  bool closed_now = false;
};
BOOST_DESCRIBE_STRUCT(ClosingView, (), (id, from, until, cause, closed_now))

struct PowerBody {
  domain::Duration idle_ms;
  domain::Duration resume_ms;
};
BOOST_DESCRIBE_STRUCT(PowerBody, (), (idle_ms, resume_ms))
struct PowerView : PowerBody {
  std::optional<std::string> failure;  ///< Why the provider could not do what was last asked of it.
};
BOOST_DESCRIBE_STRUCT(PowerView, (PowerBody), (failure))

struct NodeView {
  domain::NodeId name;
  domain::PoolId pool;
  std::string gpu_model;
  domain::NodeState state = domain::NodeState::joining;
  std::string cause;
  domain::Time since;
  std::string address;
  std::string version;
  bool simulated = false;
  std::vector<domain::Gpu> gpus;
  domain::Resources capacity;
  domain::Resources in_use;
  std::optional<SampleView> sample;
  std::optional<ClosingView> closing;
  std::optional<PowerView> power;  ///< When it is switched off and on; absent: always on.
};
BOOST_DESCRIBE_STRUCT(NodeView, (),
                      (name, pool, gpu_model, state, cause, since, address, version, simulated,
                       gpus, capacity, in_use, sample, closing, power))

struct Nodes {
  std::vector<NodeView> nodes;
};
BOOST_DESCRIBE_STRUCT(Nodes, (), (nodes))

struct DrainBody {
  std::string cause;
};
BOOST_DESCRIBE_STRUCT(DrainBody, (), (cause))
struct JoinBody {
  std::int64_t hours = 24;
};
BOOST_DESCRIBE_STRUCT(JoinBody, (), (hours))
struct Nothing {};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())

struct JoinTokenView {
  std::string id;
  std::optional<std::string> token;  ///< Left out in the answer to a repeated request.
  domain::Time expires;
  std::optional<std::string> command;
  std::optional<std::string> note;  ///< Why the command does not work everywhere.
};
BOOST_DESCRIBE_STRUCT(JoinTokenView, (), (id, token, expires, command, note))

struct JoinTokenEntry {
  std::string id;
  domain::Time expires;
};
BOOST_DESCRIBE_STRUCT(JoinTokenEntry, (), (id, expires))
struct JoinTokens {
  std::vector<JoinTokenEntry> join_tokens;
};
BOOST_DESCRIBE_STRUCT(JoinTokens, (), (join_tokens))

struct Calendar {
  std::vector<era::CalendarHour> hours;
};
BOOST_DESCRIBE_STRUCT(Calendar, (), (hours))

std::optional<SampleView> sample_of(const Reading& reading, const domain::NodeId& node) {
  const auto known = reading.presence.find(node);
  if (known == reading.presence.end() || known->second.sample.at == domain::Time{}) {
    return std::nullopt;
  }
  const ports::NodeSample& from = known->second.sample;
  return SampleView{from.at,
                    from.cpu_permille,
                    from.memory_used_bytes,
                    from.disk_read_bytes,
                    from.disk_write_bytes,
                    from.net_receive_bytes,
                    from.net_send_bytes,
                    from.disk_free_bytes,
                    from.gpu_permille,
                    from.gpu_memory_bytes};
}

domain::Resources in_use(const Reading& reading, const domain::NodeId& node) {
  domain::Resources sum;
  const auto held = reading.state.jobs.held.find(node);
  if (held == reading.state.jobs.held.end()) return sum;
  for (const auto& place : held->second) sum = sum + place.amount;
  return sum;
}

std::optional<ClosingView> closing_of(const Reading& reading, const Node& node) {
  const auto next = ledger::nodes::next_closing(reading.state.nodes, node, reading.now);
  if (!next) return std::nullopt;
  const domain::Time from = next->when.from;
  return ClosingView{.id = next->closure->id,
                     .from = from,
                     .until = opening_of(reading, node, std::max(from, reading.now)),
                     .cause = next->closure->cause,
                     .closed_now = from <= reading.now};
}

std::optional<PowerView> power_of(const Call& call, const Reading& reading, const Node& node) {
  if (!node.power) return std::nullopt;
  PowerView power{{node.power->idle, node.power->resume}, {}};
  const auto failed = reading.power_failures.find(node.name);
  if (failed != reading.power_failures.end())
    power.failure = words::translate(call.language, failed->second);
  return power;
}

NodeView view_of(const Call& call, const Reading& reading, const Node& node) {
  const auto& inventory = node.inventory;
  return {.name = node.name,
          .pool = node.pool,
          .gpu_model = node.gpu_model,
          .state = node.state,
          .cause = words::translate(call.language, node.cause),
          .since = node.since,
          .address = inventory.address,
          .version = inventory.version,
          .simulated = inventory.simulated,
          .gpus = inventory.gpus,
          .capacity = ledger::nodes::capacity(node),
          .in_use = in_use(reading, node.name),
          .sample = sample_of(reading, node.name),
          .closing = closing_of(reading, node),
          .power = power_of(call, reading, node)};
}

void get_nodes(Service& service, const CallPtr& call) {
  service.look(call, [](const Call& asked, const Reading& reading) -> Answer {
    Nodes all;
    for (const auto& [name, node] : reading.state.nodes.nodes) {
      all.nodes.push_back(view_of(asked, reading, node));
    }
    return ok(all);
  });
}

Answer show_node(const Call& call, const Reading& reading) {
  const domain::NodeId name{call.arguments[0]};
  const auto& nodes = reading.state.nodes.nodes;
  const auto node = nodes.find(name);
  if (node != nodes.end()) return ok(view_of(call, reading, node->second));
  return base::fail(ErrorCode::not_found, "there is no node {}",
                    base::valid_utf8(name.value.substr(0, 80)));
}

void get_node(Service& service, const CallPtr& call) { service.look(call, show_node); }

void drain_node(Service& service, const CallPtr& call) {
  const auto wish = [body = body_of<DrainBody>(*call)](
                        const Call& asked, const Reading&) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    if (body->cause.size() > kLongestCause) {
      return base::invalid("cause", "longer than {} bytes", kLongestCause);
    }
    std::string cause = body->cause;
    if (cause.empty()) cause = fmt::format("drained by {}", asked.asker.user.value);
    return ledger::nodes::Command(ledger::nodes::DrainNode{{asked.arguments[0]}, std::move(cause)});
  };
  service.change(call, wish, show_node);
}

void resume_node(Service& service, const CallPtr& call) {
  const auto wish = [body = body_of<Nothing>(*call)](const Call& asked,
                                                     const Reading&) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    return ledger::nodes::Command(ledger::nodes::ResumeNode{{asked.arguments[0]}});
  };
  service.change(call, wish, show_node);
}

void put_power(Service& service, const CallPtr& call) {
  const auto wish = [body = body_of<PowerBody>(*call),
                     has_provider = service.options().has_node_provider](
                        const Call& asked, const Reading&) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    if (!has_provider) {
      return base::fail(ErrorCode::conflict,
                        "nodes cannot be switched: the controller has no --node-provider");
    }
    return ledger::nodes::Command(ledger::nodes::SetNodePower{
        {asked.arguments[0]}, domain::PowerPolicy{body->idle_ms, body->resume_ms}});
  };
  service.change(call, wish, show_node);
}

void delete_power(Service& service, const CallPtr& call) {
  service.change(
      call,
      [](const Call& asked, const Reading&) -> base::Result<ledger::Wish> {
        return ledger::nodes::Command(ledger::nodes::SetNodePower{{asked.arguments[0]}, {}});
      },
      show_node);
}

void delete_node(Service& service, const CallPtr& call) {
  service.change(
      call,
      [](const Call& asked, const Reading&) -> base::Result<ledger::Wish> {
        return ledger::nodes::Command(ledger::nodes::RemoveNode{{asked.arguments[0]}});
      },
      [](const Call&, const Reading&) -> Answer { return ok(Nothing{}); });
}

void post_join_token(Service& service, const CallPtr& call) {
  auto body = body_of<JoinBody>(*call);
  const std::string secret = service.options().random_token();
  const auto wish = [&service, body, secret](const Call& asked,
                                             const Reading& reading) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    if (body->hours < 1 || body->hours > kMostTokenHours) {
      return base::invalid("hours", "must be {} to {}", 1, kMostTokenHours);
    }
    return ledger::access::Command(ledger::access::IssueJoinToken{
        {service.object_id(asked), service.options().token_hash(secret),
         reading.now + domain::kHour * body->hours}});
  };
  service.change(call, wish, [&service, secret](const Call& asked, const Reading& after) -> Answer {
    const auto& tokens = after.state.access.join_tokens;
    const auto token = tokens.find(service.object_id(asked));
    if (token == tokens.end()) return base::fail(ErrorCode::gone, "the join token has expired");
    JoinTokenView shown{.id = token->first, .expires = token->second.expires};
    if (token->second.hash == service.options().token_hash(secret)) {
      shown.token = service.options().join_token(secret);
      shown.command = service.options().join_command(*shown.token);
      if (service.options().is_loopback_only)
        shown.note = words::say(asked.language, "note.loopback_only");
    }
    return ok(shown, 201);
  });
}

/// Those that still let machines in, the next to expire first.
void get_join_tokens(Service& service, const CallPtr& call) {
  service.look(call, [](const Call&, const Reading& reading) -> Answer {
    JoinTokens all;
    for (const auto& [id, token] : reading.state.access.join_tokens) {
      if (token.expires > reading.now) all.join_tokens.push_back({id, token.expires});
    }
    std::ranges::stable_sort(all.join_tokens, {}, &JoinTokenEntry::expires);
    return ok(all);
  });
}

void delete_join_token(Service& service, const CallPtr& call) {
  service.change(
      call,
      [](const Call& asked, const Reading&) -> base::Result<ledger::Wish> {
        const std::string id = base::valid_utf8(asked.arguments[0].substr(0, 80));
        return ledger::access::Command(ledger::access::RevokeJoinToken{id});
      },
      [](const Call&, const Reading&) -> Answer { return ok(Nothing{}); });
}

void get_calendar(Service& service, const CallPtr& call) {
  service.look(call, [](const Call& asked, const Reading& reading) -> Answer {
    auto from = number_or(asked, "from", {0, domain::kNever.ms}, reading.now.ms);
    if (!from) return base::pass(from);
    auto hours = number_or(asked, "hours", {1, kMostHours}, 7 * 24);
    if (!hours) return base::pass(hours);
    const auto count = static_cast<std::int32_t>(*hours);
    return ok(Calendar{era::calendar(reading.state.plan, {*from}, count)});
  });
}

}  // namespace

std::vector<Route> node_routes() {
  return {
      {"GET", "/v1/nodes", Role::member, get_nodes},
      {"GET", "/v1/nodes/{name}", Role::member, get_node},
      {"POST", "/v1/nodes/{name}/drain", Role::operator_, drain_node},
      {"POST", "/v1/nodes/{name}/resume", Role::operator_, resume_node},
      {"PUT", "/v1/nodes/{name}/power", Role::operator_, put_power},
      {"DELETE", "/v1/nodes/{name}/power", Role::operator_, delete_power},
      {"DELETE", "/v1/nodes/{name}", Role::operator_, delete_node},
      {"GET", "/v1/join-tokens", Role::admin, get_join_tokens},
      {"POST", "/v1/join-tokens", Role::operator_, post_join_token},
      {"DELETE", "/v1/join-tokens/{id}", Role::admin, delete_join_token},
      {"GET", "/v1/calendar", Role::member, get_calendar, {"from", "hours"}},
  };
}

}  // namespace api
