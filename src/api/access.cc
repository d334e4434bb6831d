#include <algorithm>

#include "api/routes.h"
#include "api/service.h"

namespace api {
namespace {

using base::ErrorCode;
using domain::UserId;
using namespace ledger::access;

constexpr std::size_t kShortestPassword = 8;
constexpr std::size_t kLongestPassword = 1'024;
constexpr std::int64_t kMostDays = 3'650;

struct Me {
  UserId user;
  domain::TeamId team;
  Role role = Role::member;
};
BOOST_DESCRIBE_STRUCT(Me, (), (user, team, role))

struct UserView {
  UserId user;
  domain::TeamId team;
  Role role = Role::member;
  bool enabled = true;
};
BOOST_DESCRIBE_STRUCT(UserView, (), (user, team, role, enabled))
struct Users {
  std::vector<UserView> users;
};
BOOST_DESCRIBE_STRUCT(Users, (), (users))

struct UserBody {
  UserId user;
  domain::TeamId team;
  Role role = Role::member;
  std::optional<std::string> password;
};
BOOST_DESCRIBE_STRUCT(UserBody, (), (user, team, role, password))
struct ChangeBody {
  std::optional<domain::TeamId> team;
  std::optional<Role> role;
  std::optional<std::string> password;
  std::optional<bool> enabled;
};
BOOST_DESCRIBE_STRUCT(ChangeBody, (), (team, role, password, enabled))

struct TokenBody {
  std::string name;
  std::int64_t days = 365;
  std::optional<UserId> user;
};
BOOST_DESCRIBE_STRUCT(TokenBody, (), (name, days, user))
struct TokenView {
  std::string id;
  std::string name;
  UserId user;
  domain::Time issued;
  domain::Time expires;
  std::optional<std::string> token;  ///< The secret, once: in the answer that made it.
};
BOOST_DESCRIBE_STRUCT(TokenView, (), (id, name, user, issued, expires, token))
struct Tokens {
  std::vector<TokenView> tokens;
};
BOOST_DESCRIBE_STRUCT(Tokens, (), (tokens))
struct Nothing {};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())

UserView view_of(const User& user) { return {user.name, user.team, user.role, user.enabled}; }
TokenView view_of(const Token& token) {
  return {token.id, token.name, token.user, token.issued, token.expires, std::nullopt};
}

void get_me(Service& service, const CallPtr& call) {
  service.look(call, [](const Call& asked, const Reading&) -> Answer {
    return ok(Me{asked.asker.user, asked.asker.team, asked.asker.role});
  });
}

void get_users(Service& service, const CallPtr& call) {
  service.look(call, [](const Call&, const Reading& reading) -> Answer {
    Users all;
    for (const auto& [name, user] : reading.state.access.users) all.users.push_back(view_of(user));
    return ok(all);
  });
}

Answer show_user(const Reading& reading, const UserId& name, int status) {
  const auto& users = reading.state.access.users;
  const auto user = users.find(name);
  if (user == users.end())
    return base::fail(ErrorCode::not_found, "there is no user {}", name.value);
  return ok(view_of(user->second), status);
}

base::Result<> check_password(const std::optional<std::string>& password) {
  if (!password) return {};
  if (password->size() >= kShortestPassword && password->size() <= kLongestPassword) return {};
  return base::invalid("password", "a password has {} to {} bytes", kShortestPassword,
                       kLongestPassword);
}

/// Goes on with the hash of `password`, made where it may block; at once if there is none.
void with_hash(Service& service, const CallPtr& call, const std::optional<std::string>& password,
               std::function<void(std::optional<std::string>)> then) {
  if (!password) return then(std::nullopt);
  service.options().run_blocking([&service, call, password = *password, then = std::move(then)] {
    auto hash = service.options().password_hash(password);
    if (!hash) return finish(*call, base::pass(hash));
    then(*std::move(hash));
  });
}

void create_user(Service& service, const CallPtr& call, const UserBody& body,
                 const std::optional<std::string>& hash) {
  service.change(
      call,
      [body, hash](const Call&, const Reading&) -> base::Result<ledger::Wish> {
        return Command(CreateUser{{body.user, body.team, body.role, hash.value_or(""), true}});
      },
      [body](const Call&, const Reading& after) { return show_user(after, body.user, 201); });
}

void post_user(Service& service, const CallPtr& call) {
  // The rights are looked at before the costly hash, so that a stranger cannot burn our time.
  service.enter(call, [&service, call, body = body_of<UserBody>(*call)](const Reading&) {
    if (!body) return finish(*call, std::unexpected(body.error()));
    if (auto good = check_password(body->password); !good) return finish(*call, base::pass(good));
    with_hash(service, call, body->password, [&service, call, body = *body](const auto& hash) {
      create_user(service, call, body, hash);
    });
  });
}

/// Admins change everybody; others their own password and nothing else.
base::Result<> check_change(const Call& call, const ChangeBody& body) {
  const bool is_self = call.asker.user.value == call.arguments[0];
  const bool is_password_only = !body.team && !body.role && !body.enabled;
  if (is_self && is_password_only) return {};
  return check_role(call, Role::admin);
}

void change_user(Service& service, const CallPtr& call, const ChangeBody& body,
                 const std::optional<std::string>& hash) {
  service.change(
      call,
      [body, hash](const Call& asked, const Reading&) -> base::Result<ledger::Wish> {
        if (auto good = check_change(asked, body); !good) return base::pass(good);
        return Command(ChangeUser{{asked.arguments[0]}, body.team, body.role, hash, body.enabled});
      },
      [](const Call& asked, const Reading& after) {
        return show_user(after, {asked.arguments[0]}, 200);
      });
}

void patch_user(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call, body = body_of<ChangeBody>(*call)](const Reading&) {
    if (!body) return finish(*call, std::unexpected(body.error()));
    if (auto good = check_change(*call, *body); !good) return finish(*call, base::pass(good));
    if (auto good = check_password(body->password); !good) return finish(*call, base::pass(good));
    with_hash(service, call, body->password, [&service, call, body = *body](const auto& hash) {
      change_user(service, call, body, hash);
    });
  });
}

void get_tokens(Service& service, const CallPtr& call) {
  service.look(call, [](const Call& asked, const Reading& reading) -> Answer {
    const UserId user{text(asked, "user").value_or(asked.asker.user.value)};
    if (user != asked.asker.user) {
      if (auto good = check_role(asked, Role::admin); !good) return base::pass(good);
    }
    Tokens all;
    for (const auto& [id, token] : reading.state.access.tokens) {
      if (token.user == user) all.tokens.push_back(view_of(token));
    }
    return ok(all);
  });
}

void post_token(Service& service, const CallPtr& call) {
  const std::string secret = service.options().random_token();
  const auto wish = [&service, secret, body = body_of<TokenBody>(*call)](
                        const Call& asked, const Reading& reading) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    if (body->days < 1 || body->days > kMostDays) {
      return base::invalid("days", "must be {} to {}", 1, kMostDays);
    }
    const UserId user = body->user.value_or(asked.asker.user);
    if (user != asked.asker.user) {
      if (auto good = check_role(asked, Role::admin); !good) return base::pass(good);
    }
    return Command(IssueToken{{service.object_id(asked), user, body->name,
                               service.options().token_hash(secret), reading.now,
                               reading.now + domain::kDay * body->days}});
  };
  service.change(call, wish, [&service, secret](const Call& asked, const Reading& after) -> Answer {
    const auto& tokens = after.state.access.tokens;
    const auto token = tokens.find(service.object_id(asked));
    if (token == tokens.end()) return base::fail(ErrorCode::gone, "the token was revoked since");
    TokenView shown = view_of(token->second);
    if (token->second.hash == service.options().token_hash(secret)) shown.token = secret;
    return ok(shown, 201);
  });
}

void delete_token(Service& service, const CallPtr& call) {
  service.change(
      call,
      [](const Call& asked, const Reading& reading) -> base::Result<ledger::Wish> {
        const auto& tokens = reading.state.access.tokens;
        const auto token = tokens.find(asked.arguments[0]);
        const bool is_seen = token != tokens.end() && (asked.asker.role == Role::admin ||
                                                       token->second.user == asked.asker.user);
        if (!is_seen) {
          return base::fail(ErrorCode::not_found, "there is no token {}",
                            base::valid_utf8(asked.arguments[0].substr(0, 80)));
        }
        return Command(RevokeToken{token->first});
      },
      [](const Call&, const Reading&) -> Answer { return ok(Nothing{}); });
}

}  // namespace

std::vector<Route> access_routes() {
  return {
      {"GET", "/v1/me", Role::member, get_me},
      {"GET", "/v1/users", Role::admin, get_users},
      {"POST", "/v1/users", Role::admin, post_user},
      {"PATCH", "/v1/users/{user}", Role::member, patch_user},
      {"GET", "/v1/tokens", Role::member, get_tokens, {"user"}},
      {"POST", "/v1/tokens", Role::member, post_token},
      {"DELETE", "/v1/tokens/{id}", Role::member, delete_token},
  };
}

}  // namespace api
