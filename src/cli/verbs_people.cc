#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/amounts.h"
#include "cli/secret_input.h"
#include "cli/verbs.h"

namespace cli {
namespace {

/// Hours with one digit after the point.
std::string gpu_hours(std::int64_t gpu_ms) {
  const std::int64_t tenths = gpu_ms / (domain::kHour.ms / 10);
  return fmt::format("{}.{}", tenths / 10, tenths % 10);
}

/// "3/8, 2/4 a100 soft": in use of what may be, for each quota.
std::string quota_text(const Context& context, const std::vector<Quota>& quotas) {
  std::vector<std::string> parts;
  for (const Quota& quota : quotas) {
    std::string part = fmt::format("{}/{}", quota.used, quota.gpus);
    if (!quota.gpu_model.empty()) part += " " + printable(quota.gpu_model);
    if (quota.soft) part += " " + context.say("quota.soft");
    parts.push_back(std::move(part));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

base::Result<int> list_teams(Context& context) {
  return answer<Teams>(context, {"GET", "/v1/teams"}, [&](const Teams& all) {
    const bool is_priced = all.pricing == "on";
    Table table{{{context.say("column.team")}}, {}};
    if (is_priced) {
      table.columns.push_back({context.say("column.balance"), true, false});
      table.columns.push_back({context.say("column.held"), true, false});
    }
    table.columns.push_back({context.say("column.share"), true, false});
    table.columns.push_back({context.say("column.used_hours"), true, false});
    table.columns.push_back({context.say("column.quota")});
    table.columns.push_back({context.say("column.members")});
    for (const Team& team : all.teams) {
      auto& row = table.rows.emplace_back();
      row.push_back(printable(team.team));
      if (is_priced) {
        row.push_back(show_credits({team.balance}));
        row.push_back(show_credits({team.held}));
      }
      row.push_back(std::to_string(team.weight));
      row.push_back(gpu_hours(team.used));
      row.push_back(quota_text(context, team.quotas));
      row.push_back(printable(fmt::format("{}", fmt::join(team.members, ", "))));
    }
    context.output.table(table);
  });
}

base::Result<int> add_team(Context& context, const std::string& name) {
  boost::json::object body;
  body["team"] = name;
  return answer<Team>(context, {"POST", "/v1/teams", {}, std::move(body)},
                      [&](const Team&) { context.output.line(context.say("team.added", {name})); });
}

base::Result<int> list_users(Context& context) {
  return answer<Users>(context, {"GET", "/v1/users"}, [&](const Users& all) {
    Table table{{{context.say("column.user")},
                 {context.say("column.team")},
                 {context.say("column.role"), false, false},
                 {context.say("column.enabled"), false, false}},
                {}};
    for (const User& user : all.users) {
      table.rows.push_back({printable(user.user), printable(user.team), printable(user.role),
                            context.say(user.enabled ? "word.yes" : "word.no")});
    }
    context.output.table(table);
  });
}

struct NewUser {
  std::string name;
  std::string team;
  std::string role = "member";
  bool from_input = false;
  bool no_password = false;
};

base::Result<int> add_user(Context& context, const NewUser& wish) {
  boost::json::object body;
  body["user"] = wish.name;
  body["team"] = wish.team;
  body["role"] = wish.role;
  if (!wish.no_password) {
    auto password = read_password(context, wish.from_input, true);
    if (!password) return base::pass(password);
    body["password"] = *password;
  }
  return answer<User>(context, {"POST", "/v1/users", {}, std::move(body)}, [&](const User&) {
    context.output.line(context.say("user.added", {wish.name, wish.team}));
  });
}

base::Result<int> set_password(Context& context, std::string name, bool from_input) {
  if (name.empty()) {
    auto server = Server::open(context);
    if (!server) return base::pass(server);
    auto me = server->get<User>("/v1/me");
    if (!me) return base::pass(me);
    name = me->user;
  }
  auto path = path_to({"users", name});
  if (!path) return base::pass(path);
  auto password = read_password(context, from_input, true);
  if (!password) return base::pass(password);
  boost::json::object body;
  body["password"] = *password;
  return answer<User>(context, {"PATCH", *path, {}, std::move(body)}, [&](const User&) {
    context.output.line(context.say("user.password_set", {name}));
  });
}

base::Result<int> list_tokens(Context& context) {
  return answer<Tokens>(context, {"GET", "/v1/tokens"}, [&](const Tokens& all) {
    Table table{{{context.say("column.id"), false, false},
                 {context.say("column.name")},
                 {context.say("column.user")},
                 {context.say("column.issued"), false, false},
                 {context.say("column.expires"), false, false}},
                {}};
    for (const Token& token : all.tokens) {
      table.rows.push_back({printable(token.id), printable(token.name), printable(token.user),
                            context.moment(token.issued), context.moment(token.expires)});
    }
    context.output.table(table);
  });
}

struct NewToken {
  std::string name;
  std::string user;
  int days = 0;
};

base::Result<int> create_token(Context& context, const NewToken& wish) {
  boost::json::object body;
  body["name"] = wish.name;
  if (wish.days > 0) body["days"] = wish.days;
  if (!wish.user.empty()) body["user"] = wish.user;
  return answer<Token>(context, {"POST", "/v1/tokens", {}, std::move(body)},
                       [&](const Token& made) {
                         context.output.note(context.say("token.once", {printable(made.id)}));
                         context.output.line(printable(made.token));
                       });
}

base::Result<int> revoke_token(Context& context, const std::string& id) {
  auto path = path_to({"tokens", id});
  if (!path) return base::pass(path);
  auto yes = confirmed(context, context.say("ask.revoke", {id}));
  if (!yes) return base::pass(yes);
  if (!*yes) return static_cast<int>(ExitStatus::interrupted);
  return answer<Token>(context, {"DELETE", *path}, [&](const Token&) {
    context.output.line(context.say("token.revoked", {id}));
  });
}

void add_user_verbs(Verbs& verbs, CLI::App& app) {
  Context& context = verbs.context;
  CLI::App& users = add_verb(verbs, app, "users", [&context] { return list_users(context); });
  add_verb(verbs, users, "users list", [&context] { return list_users(context); });
  const auto wish = std::make_shared<NewUser>();
  CLI::App& add =
      add_verb(verbs, users, "users add", [&context, wish] { return add_user(context, *wish); });
  add.add_option("user", wish->name, context.say("option.new_user"))->required()->type_name("USER");
  add.add_option("--team", wish->team, context.say("option.team"))->required()->type_name("TEAM");
  add.add_option("--role", wish->role, context.say("option.role"))
      ->type_name("member|operator|admin")
      ->check(CLI::IsMember({"member", "operator", "admin"}));
  add.add_flag("--password-stdin", wish->from_input, context.say("option.password-stdin"));
  add.add_flag("--no-password", wish->no_password, context.say("option.no-password"));
  const auto name = std::make_shared<std::string>();
  const auto from_input = std::make_shared<bool>(false);
  CLI::App& passwd = add_verb(verbs, users, "users passwd", [&context, name, from_input] {
    return set_password(context, *name, *from_input);
  });
  passwd.add_option("user", *name, context.say("option.passwd_user"))->type_name("USER");
  passwd.add_flag("--password-stdin", *from_input, context.say("option.password-stdin"));
}

void add_token_verbs(Verbs& verbs, CLI::App& app) {
  Context& context = verbs.context;
  CLI::App& tokens = add_verb(verbs, app, "tokens", [&context] { return list_tokens(context); });
  add_verb(verbs, tokens, "tokens list", [&context] { return list_tokens(context); });
  const auto wish = std::make_shared<NewToken>();
  CLI::App& create = add_verb(verbs, tokens, "tokens create",
                              [&context, wish] { return create_token(context, *wish); });
  create.add_option("name", wish->name, context.say("option.token_name"))
      ->required()
      ->type_name("NAME");
  create.add_option("--days", wish->days, context.say("option.days"))->type_name("N");
  create.add_option("--user", wish->user, context.say("option.token_user"))->type_name("USER");
  const auto id = std::make_shared<std::string>();
  add_verb(verbs, tokens, "tokens revoke", [&context, id] { return revoke_token(context, *id); })
      .add_option("id", *id, context.say("option.token_id"))
      ->required()
      ->type_name("ID");
}

}  // namespace

void add_people_verbs(Verbs& verbs, CLI::App& app) {
  Context& context = verbs.context;
  add_verb(verbs, app, "teams", [&context] { return list_teams(context); });
  CLI::App& team = add_verb(verbs, app, "team", nullptr);
  const auto name = std::make_shared<std::string>();
  add_verb(verbs, team, "team add", [&context, name] { return add_team(context, *name); })
      .add_option("team", *name, context.say("option.new_team"))
      ->required()
      ->type_name("TEAM");
  add_share_verb(verbs, team);
  add_user_verbs(verbs, app);
  add_token_verbs(verbs, app);
}

}  // namespace cli
