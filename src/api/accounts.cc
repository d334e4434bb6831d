#include <algorithm>

#include "api/routes.h"
#include "api/service.h"
#include "api/views.h"

namespace api {
namespace {

using base::ErrorCode;
using domain::Money;
using domain::TeamId;
using namespace ledger::accounts;

struct TeamView {
  TeamId team;
  Money balance;
  Money held;
  std::vector<domain::UserId> members;
  std::int32_t weight = 1;
  std::int64_t used = 0;
  std::vector<QuotaView> quotas;
};
BOOST_DESCRIBE_STRUCT(TeamView, (), (team, balance, held, members, weight, used, quotas))
struct Teams {
  std::vector<TeamView> teams;
  era::Pricing pricing = era::Pricing::on;
};
BOOST_DESCRIBE_STRUCT(Teams, (), (teams, pricing))

struct LineView {
  domain::Time at;
  AccountId from;
  AccountId to;
  Money amount;
  std::string why;
  domain::JobId job;
  Money balance;
};
BOOST_DESCRIBE_STRUCT(LineView, (), (at, from, to, amount, why, job, balance))
struct Statement {
  TeamId team;
  Money balance;
  Money held;
  std::vector<LineView> lines;
  era::Pricing pricing = era::Pricing::on;
};
BOOST_DESCRIBE_STRUCT(Statement, (), (team, balance, held, lines, pricing))

struct TeamBody {
  TeamId team;
};
BOOST_DESCRIBE_STRUCT(TeamBody, (), (team))
struct GrantBody {
  Money credits_micros;
};
BOOST_DESCRIBE_STRUCT(GrantBody, (), (credits_micros))

/// What the jobs of each team hold. O(live jobs).
std::map<TeamId, Money> held_by_team(const Reading& reading) {
  std::map<TeamId, Money> held;
  const auto& jobs = reading.state.jobs;
  for (const domain::JobId id : jobs.live) {
    const auto& job = jobs.jobs.at(id);
    held[job.team] += job.held;
  }
  return held;
}

TeamView view_of(const Reading& reading, const TeamId& team, Money held) {
  TeamView shown{team, balance(reading.state.accounts, team_account(team)), held, {}};
  const ShareView due = share(reading, team);
  shown.weight = due.weight;
  shown.used = due.used;
  for (const auto& quota : reading.state.limits.quotas) {
    if (quota.team == team) shown.quotas.push_back(api::view(reading, quota));
  }
  for (const auto& [name, user] : reading.state.access.users) {
    if (user.team == team) shown.members.push_back(name);
  }
  return shown;
}

bool sees_team(const Call& call, const TeamId& team) {
  return call.asker.role == Role::admin || call.asker.team == team;
}

/// The team in the path, if it exists and the caller may see it.
base::Result<TeamId> find_team(const Call& call, const Reading& reading) {
  TeamId team{call.arguments[0]};
  if (sees_team(call, team) && reading.state.access.teams.contains(team)) return team;
  return base::fail(ErrorCode::not_found, "there is no team {}",
                    base::valid_utf8(team.value.substr(0, 80)));
}

Answer show_team(const Call&, const Reading& reading, const TeamId& team, int status) {
  return ok(view_of(reading, team, held_by_team(reading)[team]), status);
}

void get_teams(Service& service, const CallPtr& call) {
  service.look(call, [](const Call& asked, const Reading& reading) -> Answer {
    auto held = held_by_team(reading);
    Teams all;
    all.pricing = reading.state.accounts.prices.pricing;
    for (const auto& [team, created] : reading.state.access.teams) {
      if (sees_team(asked, team)) all.teams.push_back(view_of(reading, team, held[team]));
    }
    return ok(all);
  });
}

void post_team(Service& service, const CallPtr& call) {
  const auto body = body_of<TeamBody>(*call);
  service.change(
      call,
      [body](const Call&, const Reading&) -> base::Result<ledger::Wish> {
        if (!body) return std::unexpected(body.error());
        return ledger::access::Command(ledger::access::CreateTeam{body->team});
      },
      [body](const Call& asked, const Reading& after) {
        return show_team(asked, after, body->team, 201);
      });
}

void post_grant(Service& service, const CallPtr& call) {
  const auto body = body_of<GrantBody>(*call);
  service.change(
      call,
      [body](const Call& asked, const Reading& reading) -> base::Result<ledger::Wish> {
        if (!body) return std::unexpected(body.error());
        auto team = find_team(asked, reading);
        if (!team) return base::pass(team);
        if (body->credits_micros <= Money{}) {
          return base::invalid("credits_micros", "a grant must be more than 0 credits");
        }
        return Command(Grant{*team, body->credits_micros});
      },
      [](const Call& asked, const Reading& after) {
        return show_team(asked, after, {asked.arguments[0]}, 200);
      });
}

void get_statement(Service& service, const CallPtr& call) {
  service.look(call, [](const Call& asked, const Reading& reading) -> Answer {
    auto team = find_team(asked, reading);
    if (!team) return base::pass(team);
    auto limit = number_or(asked, "limit", {1, 1'000}, 100);
    if (!limit) return base::pass(limit);
    const auto& accounts = reading.state.accounts;
    const auto account = team_account(*team);
    Statement shown{*team, balance(accounts, account), held_by_team(reading)[*team], {}};
    shown.pricing = accounts.prices.pricing;
    const auto found = accounts.lines.find(account);
    if (found == accounts.lines.end()) return ok(shown);
    const auto& lines = found->second;
    const auto count = std::min(lines.size(), static_cast<std::size_t>(*limit));
    for (auto line = lines.end() - static_cast<std::ptrdiff_t>(count); line != lines.end();
         ++line) {
      const MoneyMoved& moved = line->moved;
      shown.lines.push_back(
          {line->at, moved.from, moved.to, moved.amount, moved.why, moved.job, line->balance});
    }
    return ok(shown);
  });
}

Answer show_prices(const Call&, const Reading& reading) {
  return ok(reading.state.accounts.prices);
}

void get_prices(Service& service, const CallPtr& call) { service.look(call, show_prices); }

/// Whether prices count is another question than what they are: unsaid, it stays as it is.
void put_prices(Service& service, const CallPtr& call) {
  const auto wish = [body = body_of<era::PriceList>(*call)](
                        const Call& asked, const Reading& reading) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    era::PriceList prices = *body;
    const auto text = parse_body(asked);
    if (!text->as_object().contains("pricing")) {
      prices.pricing = reading.state.accounts.prices.pricing;
    }
    return Command(SetPrices{std::move(prices)});
  };
  service.change(call, wish, show_prices);
}

}  // namespace

std::vector<Route> account_routes() {
  return {
      {"GET", "/v1/prices", Role::member, get_prices},
      {"PUT", "/v1/prices", Role::admin, put_prices},
      {"GET", "/v1/teams", Role::member, get_teams},
      {"POST", "/v1/teams", Role::admin, post_team},
      {"POST", "/v1/teams/{team}/grants", Role::admin, post_grant},
      {"GET", "/v1/teams/{team}/statement", Role::member, get_statement, {"limit"}},
  };
}

}  // namespace api
