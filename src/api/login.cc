#include <algorithm>

#include "api/routes.h"
#include "api/service.h"

namespace api {
namespace {

using base::ErrorCode;
using namespace ledger::access;

constexpr std::string_view kTokenName = "login";
constexpr domain::Duration kValid = domain::kDay * 30;
constexpr std::size_t kMostLogins = 20;  ///< Tokens by login that a user keeps; older ones go.
constexpr int kMostAtOnce = 4;           ///< Passwords checked at a time: each takes 64 MiB.
constexpr int kMostFailures = 10;        ///< A minute, by peer and user.
constexpr std::size_t kMostRemembered = 10'000;
constexpr std::size_t kLongestPassword = 1'024;

struct LoginBody {
  domain::UserId user;
  std::string password;
};
BOOST_DESCRIBE_STRUCT(LoginBody, (), (user, password))

struct LoginView {
  std::string token;
  domain::UserId user;
  domain::TeamId team;
  Role role = Role::member;
  domain::Time expires;
};
BOOST_DESCRIBE_STRUCT(LoginView, (), (token, user, team, role, expires))

base::Error wrong() { return {ErrorCode::unauthenticated, "the user or the password is wrong"}; }

std::string failure_key(const Call& call, const domain::UserId& user) {
  return call.request.peer.substr(0, 64) + " " + user.value.substr(0, 64);
}

/// True if too many passwords were wrong of late. Forgets what is older than a minute.
bool is_barred(Service& service, const std::string& key, domain::Time now) {
  if (service.failures.size() >= kMostRemembered) service.failures.clear();
  const auto found = service.failures.find(key);
  if (found == service.failures.end()) return false;
  if (found->second.since + domain::kMinute > now) return found->second.count >= kMostFailures;
  service.failures.erase(found);
  return false;
}

void count_failure(Service& service, const CallPtr& call, const domain::UserId& user) {
  const bool queued = service.desk().read([&service, call, user](const Reading& reading) {
    auto& failures = service.failures[failure_key(*call, user)];
    if (failures.count++ == 0) failures.since = reading.now;
    finish(*call, std::unexpected(wrong()));
  });
  if (!queued) finish(*call, std::unexpected(wrong()));
}

/// Tokens of earlier logins that must go: expired ones, and the oldest where there are too many.
std::vector<std::string> superfluous(const State& access, const domain::UserId& user,
                                     domain::Time now) {
  std::vector<std::string> ids;
  std::vector<std::pair<domain::Time, std::string>> logins;
  for (const auto& [id, token] : access.tokens) {
    if (token.user != user) continue;
    if (token.expires <= now) {
      ids.push_back(id);
    } else if (token.name == kTokenName) {
      logins.emplace_back(token.issued, id);
    }
  }
  std::ranges::sort(logins);
  for (std::size_t i = 0; i + kMostLogins <= logins.size(); ++i) ids.push_back(logins[i].second);
  return ids;
}

/// The password is right: gives out a token. The state is looked at again, for time has passed.
void issue(Service& service, const CallPtr& call, const User& checked) {
  const auto inside = [&service, call, checked](const Reading& reading) {
    const auto& users = reading.state.access.users;
    const auto user = users.find(checked.name);
    const bool is_same = user != users.end() && user->second.enabled &&
                         user->second.password_hash == checked.password_hash;
    if (!is_same) return finish(*call, std::unexpected(wrong()));
    const auto random_id = service.options().random_id;
    for (const auto& id : superfluous(reading.state.access, checked.name, reading.now)) {
      service.submit({{random_id()}, checked.name, Command(RevokeToken{id})},
                     [](const base::Result<>&, const Reading&) {});
    }
    const std::string secret = service.options().random_token();
    const LoginView shown{secret, checked.name, user->second.team, user->second.role,
                          reading.now + kValid};
    Token token{
        random_id(), checked.name, std::string(kTokenName), service.options().token_hash(secret),
        reading.now, shown.expires};
    const auto reply = [call, shown](const base::Result<>& done, const Reading&) {
      finish(*call, done ? Answer(ok(shown)) : Answer(std::unexpected(done.error())));
    };
    ledger::Command wish{{random_id()}, checked.name, Command(IssueToken{std::move(token)})};
    if (!service.desk().submit(std::move(wish), reply)) finish(*call, std::unexpected(busy()));
  };
  if (!service.desk().read(inside)) finish(*call, std::unexpected(busy()));
}

/// Checks the password where it may block. Somebody unknown costs the same time as a wrong
/// password, so that nobody learns who exists.
void verify(Service& service, const CallPtr& call, const LoginBody& body, const User& user) {
  if (service.logins.fetch_add(1) >= kMostAtOnce) {
    --service.logins;
    return finish(*call, base::fail(ErrorCode::resource_exhausted,
                                    "many people log in at this moment; try again"));
  }
  service.options().run_blocking([&service, call, body, user] {
    bool is_right = false;
    if (user.password_hash.empty() || !user.enabled) {
      (void)service.options().password_hash(body.password);
    } else {
      is_right = service.options().password_verify(user.password_hash, body.password);
    }
    --service.logins;
    if (!is_right) return count_failure(service, call, body.user);
    issue(service, call, user);
  });
}

void post_login(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call, body = body_of<LoginBody>(*call)](const Reading& reading) {
    if (!body) return finish(*call, std::unexpected(body.error()));
    if (body->user.value.empty()) return finish(*call, base::invalid("user", "who logs in?"));
    if (body->password.empty() || body->password.size() > kLongestPassword) {
      return finish(*call, std::unexpected(wrong()));
    }
    if (is_barred(service, failure_key(*call, body->user), reading.now)) {
      return finish(*call, base::fail(ErrorCode::resource_exhausted,
                                      "too many wrong passwords; wait a minute"));
    }
    const auto& users = reading.state.access.users;
    const auto user = users.find(body->user);
    verify(service, call, *body, user == users.end() ? User{} : user->second);
  });
}

}  // namespace

std::vector<Route> login_routes() { return {{"POST", "/v1/login", std::nullopt, post_login}}; }

}  // namespace api
