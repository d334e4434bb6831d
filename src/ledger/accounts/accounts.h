#pragma once
#include <boost/describe/class.hpp>

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"
#include "domain/money.h"
#include "domain/time.h"
#include "era/prices.h"

namespace ledger::accounts {

/// "team:NAME" what a team may spend; "hold:JOB" what a job holds; "berth" what was earned, and
/// where penalties come from; "grants" the source, negative by all that was ever granted. Their sum
/// is always zero.
using AccountId = base::Id<struct AccountIdTag>;

AccountId team_account(const domain::TeamId& team);
AccountId hold_account(domain::JobId job);
AccountId house_account();
AccountId grants_account();

// ---- Facts. ----
/// Money changes hands: the one fact that changes a balance. Never negative.
struct MoneyMoved {
  AccountId from;
  AccountId to;
  domain::Money amount;
  std::string why;    ///< "grant", "hold", "settle", "refund", "penalty", "extend".
  domain::JobId job;  ///< 0: none.
};
BOOST_DESCRIBE_STRUCT(MoneyMoved, (), (from, to, amount, why, job))
struct PricesSet {
  era::PriceList prices;
};
BOOST_DESCRIBE_STRUCT(PricesSet, (), (prices))

// ---- Wishes. ----
struct Grant {
  domain::TeamId team;
  domain::Money amount;
};
struct SetPrices {
  era::PriceList prices;
};

/// A line of a statement.
struct Line {
  domain::Time at;
  MoneyMoved moved;
  domain::Money balance;  ///< Of the team's account, after it.
};
BOOST_DESCRIBE_STRUCT(Line, (), (at, moved, balance))

struct State {
  era::PriceList prices = era::default_prices();
  std::map<AccountId, domain::Money> balances;
  /// The newest 1,000 lines of each team; older ones are in the event log.
  std::map<AccountId, std::vector<Line>> lines;
};
BOOST_DESCRIBE_STRUCT(State, (), (prices, balances, lines))

using Event = std::variant<MoneyMoved, PricesSet>;
using Command = std::variant<Grant, SetPrices>;

base::Result<std::vector<Event>> decide(const State& state, const Command& command);
void apply(State& state, const Event& event, domain::Time at);

domain::Money balance(const State& state, const AccountId& account);
/// The sum over all accounts: zero, or there is a bug (P8).
domain::Money sum(const State& state);

}  // namespace ledger::accounts
