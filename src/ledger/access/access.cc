#include "ledger/access/access.h"

#include <algorithm>

#include "base/check.h"

namespace ledger::access {
namespace {

using base::ErrorCode;
using base::Result;
using Events = std::vector<Event>;

constexpr std::size_t kMostTeams = 1'000;
constexpr std::size_t kMostUsers = 10'000;
constexpr std::size_t kMostTokensOfUser = 100;
constexpr std::size_t kMostJoinTokens = 1'000;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Result<Events> decide_one(const State& state, const CreateTeam& wish, domain::Time) {
  if (auto ok = check_name("team", wish.team.value); !ok) return base::pass(ok);
  if (state.teams.contains(wish.team)) {
    return base::fail(ErrorCode::conflict, "team {} exists already", wish.team.value);
  }
  if (state.teams.size() >= kMostTeams) {
    return base::fail(ErrorCode::resource_exhausted, "there are {} teams, the most there may be",
                      kMostTeams);
  }
  return Events{TeamCreated{wish.team}};
}

Result<> check_team(const State& state, const domain::TeamId& team) {
  if (state.teams.contains(team)) return {};
  return base::invalid("team", "there is no team {}", team.value);
}

Result<Events> decide_one(const State& state, const CreateUser& wish, domain::Time) {
  if (auto ok = check_name("user", wish.user.name.value); !ok) return base::pass(ok);
  if (auto ok = check_team(state, wish.user.team); !ok) return base::pass(ok);
  if (state.users.contains(wish.user.name)) {
    return base::fail(ErrorCode::conflict, "user {} exists already", wish.user.name.value);
  }
  if (state.users.size() >= kMostUsers) {
    return base::fail(ErrorCode::resource_exhausted, "there are {} users, the most there may be",
                      kMostUsers);
  }
  return Events{UserCreated{wish.user}};
}

bool is_last_admin(const State& state, const User& user) {
  const auto is_other_admin = [&](const auto& entry) {
    return entry.first != user.name && entry.second.enabled && entry.second.role == Role::admin;
  };
  return user.enabled && user.role == Role::admin &&
         std::ranges::none_of(state.users, is_other_admin);
}

Result<Events> decide_one(const State& state, const ChangeUser& wish, domain::Time) {
  const auto found = state.users.find(wish.user);
  if (found == state.users.end()) {
    return base::fail(ErrorCode::not_found, "there is no user {}", wish.user.value);
  }
  User changed = found->second;
  if (wish.team) {
    if (auto ok = check_team(state, *wish.team); !ok) return base::pass(ok);
    changed.team = *wish.team;
  }
  if (wish.role) changed.role = *wish.role;
  if (wish.password_hash) changed.password_hash = *wish.password_hash;
  if (wish.enabled) changed.enabled = *wish.enabled;
  const bool stays_admin = changed.enabled && changed.role == Role::admin;
  if (is_last_admin(state, found->second) && !stays_admin) {
    return base::fail(ErrorCode::conflict, "{} is the last admin and must stay one",
                      wish.user.value);
  }
  return Events{UserChanged{changed}};
}

Result<Events> decide_one(const State& state, const IssueToken& wish, domain::Time now) {
  if (!state.users.contains(wish.token.user)) {
    return base::invalid("user", "there is no user {}", wish.token.user.value);
  }
  if (wish.token.expires <= now)
    return base::invalid("expires", "the token would have expired already");
  if (wish.token.name.size() > 200) return base::invalid("name", "longer than 200 bytes");
  if (state.tokens.contains(wish.token.id))
    return base::fail(ErrorCode::conflict, "token id in use");
  const auto theirs = std::ranges::count_if(
      state.tokens, [&](const auto& entry) { return entry.second.user == wish.token.user; });
  if (static_cast<std::size_t>(theirs) >= kMostTokensOfUser) {
    return base::fail(ErrorCode::resource_exhausted,
                      "{} has {} tokens, the most a user may have; revoke one",
                      wish.token.user.value, theirs);
  }
  return Events{TokenIssued{wish.token}};
}

Result<Events> decide_one(const State& state, const RevokeToken& wish, domain::Time) {
  if (!state.tokens.contains(wish.id))
    return base::fail(ErrorCode::not_found, "there is no token {}", wish.id);
  return Events{TokenRevoked{wish.id}};
}

Result<Events> decide_one(const State& state, const IssueJoinToken& wish, domain::Time now) {
  if (wish.token.expires <= now)
    return base::invalid("expires", "the token would have expired already");
  const auto live = std::ranges::count_if(
      state.join_tokens, [&](const auto& entry) { return entry.second.expires > now; });
  if (static_cast<std::size_t>(live) >= kMostJoinTokens) {
    return base::fail(ErrorCode::resource_exhausted, "there are {} join tokens; revoke some", live);
  }
  Events events;
  for (const auto& [id, token] : state.join_tokens) {
    if (token.expires <= now) events.push_back(JoinTokenRevoked{id});
  }
  events.push_back(JoinTokenIssued{wish.token});
  return events;
}

Result<Events> decide_one(const State& state, const RevokeJoinToken& wish, domain::Time) {
  if (!state.join_tokens.contains(wish.id)) {
    return base::fail(ErrorCode::not_found, "there is no join token {}", wish.id);
  }
  return Events{JoinTokenRevoked{wish.id}};
}

void apply_one(State& state, const TeamCreated& fact) { state.teams.emplace(fact.team, fact); }
void apply_one(State& state, const UserCreated& fact) {
  state.users.emplace(fact.user.name, fact.user);
}
void apply_one(State& state, const UserChanged& fact) {
  const auto found = state.users.find(fact.user.name);
  CHECK(found != state.users.end(), "only a user who exists is changed");
  found->second = fact.user;
}
void apply_one(State& state, const TokenIssued& fact) {
  state.tokens.insert_or_assign(fact.token.id, fact.token);
  state.token_ids.insert_or_assign(fact.token.hash, fact.token.id);
}
void apply_one(State& state, const TokenRevoked& fact) {
  const auto found = state.tokens.find(fact.id);
  CHECK(found != state.tokens.end(), "only a token that was issued is revoked");
  state.token_ids.erase(found->second.hash);
  state.tokens.erase(found);
}
void apply_one(State& state, const JoinTokenIssued& fact) {
  state.join_tokens.insert_or_assign(fact.token.id, fact.token);
}
void apply_one(State& state, const JoinTokenRevoked& fact) { state.join_tokens.erase(fact.id); }

}  // namespace

Result<> check_name(std::string_view field, std::string_view name) {
  const bool fits =
      !name.empty() && name.size() <= 63 && std::ranges::all_of(name, is_name_character);
  if (fits && name[0] != '-' && name[0] != '.') return {};
  return base::invalid(field,
                       "'{}' is not a name: 1 to 63 letters, digits, '.', '_' or '-', "
                       "the first no '.' or '-'",
                       name.substr(0, 80));
}

Result<Events> decide(const State& state, const Command& command, domain::Time now) {
  return std::visit([&](const auto& wish) { return decide_one(state, wish, now); }, command);
}

void apply(State& state, const Event& event) {
  std::visit([&](const auto& fact) { apply_one(state, fact); }, event);
}

void rebuild(State& state) {
  state.token_ids.clear();
  for (const auto& [id, token] : state.tokens) state.token_ids.emplace(token.hash, id);
}

const User* find_by_token(const State& state, const std::string& hash, domain::Time now) {
  const auto id = state.token_ids.find(hash);
  if (id == state.token_ids.end()) return nullptr;
  const Token& token = state.tokens.at(id->second);
  if (token.expires <= now) return nullptr;
  const auto user = state.users.find(token.user);
  return user != state.users.end() && user->second.enabled ? &user->second : nullptr;
}

bool may_join(const State& state, const std::string& hash, domain::Time now) {
  return std::ranges::any_of(state.join_tokens, [&](const auto& entry) {
    return entry.second.hash == hash && entry.second.expires > now;
  });
}

}  // namespace ledger::access
