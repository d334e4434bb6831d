#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/job_file.h"
#include "cli/run.h"
#include "cli/secret_input.h"
#include "cli/verbs.h"

namespace cli {
namespace {

struct LoginWish {
  std::string server;
  std::string user;
  std::string ca_file;
  bool from_input = false;
};

base::Result<std::string> user_name(Context& context, const LoginWish& wish) {
  if (!wish.user.empty()) return wish.user;
  if (!context.environment.in_is_terminal()) {
    return base::invalid("user", "{}", context.say("error.needs_user"));
  }
  context.environment.write_error(context.say("ask.user") + " ");
  auto typed = context.environment.read_line(false).value_or("");
  if (typed.empty()) return base::invalid("user", "{}", context.say("error.needs_user"));
  return typed;
}

/// Who the server says we are: by the token that was given, or by name and password.
base::Result<Login> identify(Context& context, Server& server, const LoginWish& wish) {
  const std::string token = context.token.empty()
                                ? context.environment.variable("BERTH_TOKEN").value_or("")
                                : context.token;
  if (!token.empty() && wish.user.empty()) {
    auto me = server.get<Login>("/v1/me");
    if (me) me->token = token;
    return me;
  }
  auto user = user_name(context, wish);
  if (!user) return base::pass(user);
  auto password = read_password(context, wish.from_input, false);
  if (!password) return base::pass(password);
  boost::json::object body;
  body["user"] = *user;
  body["password"] = *password;
  auto answered = server.ask({"POST", "/v1/login", {}, std::move(body)});
  if (!answered) return base::pass(answered);
  return Server::decode<Login>(*answered);
}

base::Result<int> login(Context& context, const LoginWish& wish) {
  if (!wish.server.empty()) context.server = wish.server;
  if (!wish.ca_file.empty()) {
    const std::string path = path_below(context.environment.current_folder(), wish.ca_file);
    auto pem = context.environment.read_file(path);
    if (!pem) return std::unexpected(std::move(pem).error().while_doing(wish.ca_file));
    context.ca_pem = *std::move(pem);
  }
  auto config = load_config(context.environment);
  if (!config) return base::pass(config);
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  context.output.leave_out_login_hint();
  auto me = identify(context, *server, wish);
  if (!me) return base::pass(me);
  context.output.hide(me->token);
  const bool is_same = server->url() == config->server;
  config->ca = !context.ca_pem.empty() ? context.ca_pem : is_same ? config->ca : "";
  config->server = server->url();
  config->user = me->user;
  config->token = me->token;
  if (auto saved = save_config(context.environment, *config); !saved) return base::pass(saved);
  if (context.output.json()) {
    boost::json::object shown;
    shown["server"] = config->server;
    shown["user"] = me->user;
    shown["team"] = me->team;
    shown["role"] = me->role;
    context.output.data(shown);
  } else {
    context.output.line(context.say("login.done", {me->user, me->team, config->server}));
  }
  return 0;
}

base::Result<int> whoami(Context& context) {
  return answer<User>(context, {"GET", "/v1/me"}, [&](const User& me) {
    context.output.line(
        context.say("whoami.line", {printable(me.user), printable(me.team), printable(me.role)}));
  });
}

base::Result<int> version(Context& context) {
  boost::json::object all;
  all["client"] = boost::json::string(kVersion.data(), kVersion.size());
  if (!context.output.json()) context.output.line(fmt::format("berth {}", kVersion));
  auto server = Server::open(context);
  // Without a controller there is still a version.
  if (server) {
    auto body = server->ask({"GET", "/v1/version"});
    if (!body) return base::pass(body);
    auto there = Server::decode<Version>(*body);
    if (there && !context.output.json()) {
      context.output.line(context.say("version.server", {printable(there->version), server->url(),
                                                         context.moment(there->started)}));
      if (there->time_scale != 1)
        context.output.line(context.say("version.time_scale", {std::to_string(there->time_scale)}));
    }
    all["server"] = *std::move(body);
  }
  if (context.output.json()) context.output.data(all);
  return 0;
}

struct EventWish {
  std::int64_t from = -1;  ///< -1: the newest, or what is still to come.
  int limit = 100;
  bool follow = false;
};

std::string about_text(const Event& event) {
  std::string about;
  if (event.job && *event.job > 0) about += fmt::format(" job={}", *event.job);
  if (event.node && !event.node->empty()) about += fmt::format(" node={}", *event.node);
  if (event.team && !event.team->empty()) about += fmt::format(" team={}", *event.team);
  return about;
}

void show_event(Context& context, const Event& event) {
  context.output.line(
      printable(fmt::format("{:>6}  {}  {:<8}  {}{}", event.position, context.moment(event.at),
                            event.by.empty() ? "-" : event.by, event.type, about_text(event))));
}

/// Shows one message of the stream and moves `from` behind it.
base::Result<> take_event(Context& context, std::string_view text, std::int64_t& from) {
  auto body = base::parse_json(text);
  if (!body) return base::pass(body);
  auto event = Server::decode<Event>(*body);
  if (!event) return base::pass(event);
  if (event->position < from) return {};
  from = event->position + 1;
  if (context.output.json()) {
    context.output.data(*body);
  } else {
    show_event(context, *event);
  }
  return {};
}

base::Result<int> follow_events(Context& context, std::int64_t from) {
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  domain::Duration pause{100};
  while (context.environment.interrupts() == 0) {
    base::Result<> broken;
    Query query;
    if (from >= 0) query["from"] = std::to_string(from);
    auto done = server->stream("/v1/events/stream", std::move(query), [&](std::string_view text) {
      if (text.empty()) return context.environment.interrupts() == 0;
      broken = take_event(context, text, from);
      pause = {100};
      return broken && context.environment.interrupts() == 0;
    });
    if (!broken) return base::pass(broken);
    if (!done && done.error().code != base::ErrorCode::unavailable) return base::pass(done);
    if (context.environment.interrupts() > 0) break;
    if (!done) context.output.note(context.say("note.reconnecting"), Style::faint);
    context.environment.wait(pause);
    pause = std::min(pause * 2, domain::Duration{5'000});
  }
  return static_cast<int>(ExitStatus::interrupted);
}

base::Result<int> events(Context& context, const EventWish& wish) {
  if (wish.follow) return follow_events(context, wish.from);
  Query query{{"limit", std::to_string(wish.limit)}};
  if (wish.from >= 0) query["from"] = std::to_string(wish.from);
  return answer<Events>(context, {"GET", "/v1/events", query}, [&](const Events& all) {
    for (const Event& event : all.events) show_event(context, event);
  });
}

}  // namespace

void add_login_verbs(Verbs& verbs, CLI::App& app) {
  Context& context = verbs.context;
  const auto wish = std::make_shared<LoginWish>();
  CLI::App& logging_in =
      add_verb(verbs, app, "login", [&context, wish] { return login(context, *wish); });
  logging_in.add_option("url", wish->server, context.say("option.login_server"))->type_name("URL");
  logging_in.add_option("--user", wish->user, context.say("option.login_user"))->type_name("USER");
  logging_in.add_option("--ca", wish->ca_file, context.say("option.ca"))->type_name("FILE");
  logging_in.add_flag("--password-stdin", wish->from_input, context.say("option.password-stdin"));

  add_verb(verbs, app, "whoami", [&context] { return whoami(context); });
  add_verb(verbs, app, "version", [&context] { return version(context); });
  const auto what = std::make_shared<EventWish>();
  CLI::App& showing =
      add_verb(verbs, app, "events", [&context, what] { return events(context, *what); });
  showing.add_option("--from", what->from, context.say("option.from_position"))->type_name("N");
  showing.add_option("--limit", what->limit, context.say("option.limit"))->type_name("N");
  showing.add_flag("--follow,-f", what->follow, context.say("option.follow_events"));
}

}  // namespace cli
