#pragma once
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"
#include "domain/time.h"

namespace ledger::access {

enum class Role {
  member,     ///< Bids, sees and stops the jobs of the own team.
  operator_,  ///< Also nodes, and every team's jobs.
  admin,      ///< Also users, teams, prices and grants.
};
BOOST_DESCRIBE_ENUM(Role, member, operator_, admin)

struct User {
  domain::UserId name;
  domain::TeamId team;
  Role role = Role::member;
  std::string password_hash;  ///< argon2id; empty: no password, tokens only.
  bool enabled = true;
};
BOOST_DESCRIBE_STRUCT(User, (), (name, team, role, password_hash, enabled))

struct Token {
  std::string id;  ///< Public, for listing and revoking.
  domain::UserId user;
  std::string name;  ///< What it is for, in its owner's words.
  std::string hash;  ///< Of the secret; the secret itself is shown once and kept nowhere.
  domain::Time issued;
  domain::Time expires = domain::kNever;
};
BOOST_DESCRIBE_STRUCT(Token, (), (id, user, name, hash, issued, expires))

/// Lets machines join as nodes until it expires.
struct JoinToken {
  std::string id;
  std::string hash;
  domain::Time expires;
};
BOOST_DESCRIBE_STRUCT(JoinToken, (), (id, hash, expires))

// ---- Facts. ----
struct TeamCreated {
  domain::TeamId team;
};
BOOST_DESCRIBE_STRUCT(TeamCreated, (), (team))
struct UserCreated {
  User user;
};
BOOST_DESCRIBE_STRUCT(UserCreated, (), (user))
/// Replaces role, team, password or enabled of an existing user.
struct UserChanged {
  User user;
};
BOOST_DESCRIBE_STRUCT(UserChanged, (), (user))
struct TokenIssued {
  Token token;
};
BOOST_DESCRIBE_STRUCT(TokenIssued, (), (token))
struct TokenRevoked {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(TokenRevoked, (), (id))
struct JoinTokenIssued {
  JoinToken token;
};
BOOST_DESCRIBE_STRUCT(JoinTokenIssued, (), (token))
struct JoinTokenRevoked {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(JoinTokenRevoked, (), (id))

// ---- Wishes. Hashes are computed by the caller, so that deciding needs no secret. ----
struct CreateTeam {
  domain::TeamId team;
};
struct CreateUser {
  User user;
};
struct ChangeUser {
  domain::UserId user;
  std::optional<domain::TeamId> team;
  std::optional<Role> role;
  std::optional<std::string> password_hash;
  std::optional<bool> enabled;
};
struct IssueToken {
  Token token;
};
struct RevokeToken {
  std::string id;
};
struct IssueJoinToken {
  JoinToken token;
};
struct RevokeJoinToken {
  std::string id;
};

/// Who may do what. At most 10,000 users, 1,000 teams, 100 tokens a user, 1,000 join tokens.
struct State {
  std::map<domain::TeamId, TeamCreated> teams;
  std::map<domain::UserId, User> users;
  std::map<std::string, Token> tokens;           ///< By id.
  std::map<std::string, JoinToken> join_tokens;  ///< By id.
  std::map<std::string, std::string> token_ids;  ///< Id by hash; derived.
};
BOOST_DESCRIBE_STRUCT(State, (), (teams, users, tokens, join_tokens))

using Event = std::variant<TeamCreated, UserCreated, UserChanged, TokenIssued, TokenRevoked,
                           JoinTokenIssued, JoinTokenRevoked>;
using Command = std::variant<CreateTeam, CreateUser, ChangeUser, IssueToken, RevokeToken,
                             IssueJoinToken, RevokeJoinToken>;

/// Says no with `conflict` for what exists, `not_found` for what does not, `invalid_argument` for
/// names that are not 1 to 63 letters, digits, '.', '_' or '-', and `resource_exhausted` at a
/// limit. The last enabled admin cannot be disabled or demoted.
base::Result<std::vector<Event>> decide(const State& state, const Command& command,
                                        domain::Time now);
void apply(State& state, const Event& event);
/// Fills what is derived, after the described members were decoded.
void rebuild(State& state);

/// The user whose token has `hash`, if token and user are valid at `now`. O(log tokens).
const User* find_by_token(const State& state, const std::string& hash, domain::Time now);
/// True if a join token with `hash` is valid at `now`.
bool may_join(const State& state, const std::string& hash, domain::Time now);

/// Says what is wrong with a name of a user, team, node or pool.
base::Result<> check_name(std::string_view field, std::string_view name);

}  // namespace ledger::access
