#include "ledger/accounts/accounts.h"

#include "base/check.h"

namespace ledger::accounts {
namespace {

using base::Result;
using domain::Money;
using Events = std::vector<Event>;

constexpr std::size_t kKeptLines = 1'000;
/// A thousand million credits: far from overflow, whatever is added up.
constexpr Money kLargestGrant = domain::credits(1'000'000'000);
constexpr Money kMostGranted = domain::credits(1'000'000'000'000);

void note(State& state, const AccountId& account, const MoneyMoved& fact, domain::Time at) {
  if (!account.value.starts_with("team:")) return;
  auto& lines = state.lines[account];
  if (lines.size() >= 2 * kKeptLines) {
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(kKeptLines));
  }
  lines.push_back({at, fact, state.balances.at(account)});
}

void apply_one(State& state, const MoneyMoved& fact, domain::Time at) {
  CHECK(fact.amount >= Money{}, "money moves forward");
  state.balances[fact.from] -= fact.amount;
  state.balances[fact.to] += fact.amount;
  note(state, fact.from, fact, at);
  note(state, fact.to, fact, at);
  if (fact.from.value.starts_with("hold:") && state.balances.at(fact.from) == Money{}) {
    state.balances.erase(fact.from);  // Settled or released; nothing is left to hold.
  }
}

void apply_one(State& state, const PricesSet& fact, domain::Time) { state.prices = fact.prices; }

Result<Events> decide_one(const State& state, const Grant& wish) {
  if (wish.amount <= Money{})
    return base::invalid("credits", "a grant must be more than 0 credits");
  if (wish.amount > kLargestGrant)
    return base::invalid("credits", "more than 1,000,000,000 credits at once");
  if (wish.amount - balance(state, grants_account()) > kMostGranted) {
    return base::fail(base::ErrorCode::resource_exhausted,
                      "1,000,000,000,000 credits have been granted, the most there may be");
  }
  return Events{MoneyMoved{grants_account(), team_account(wish.team), wish.amount, "grant", {}}};
}

Result<Events> decide_one(const State&, const SetPrices& wish) {
  if (auto ok = era::check(wish.prices); !ok) return base::pass(ok);
  return Events{PricesSet{wish.prices}};
}

}  // namespace

AccountId team_account(const domain::TeamId& team) { return {"team:" + team.value}; }
AccountId hold_account(domain::JobId job) { return {fmt::format("hold:{}", job.value)}; }
AccountId house_account() { return {"berth"}; }
AccountId grants_account() { return {"grants"}; }

Result<Events> decide(const State& state, const Command& command) {
  return std::visit([&](const auto& wish) { return decide_one(state, wish); }, command);
}

void apply(State& state, const Event& event, domain::Time at) {
  std::visit([&](const auto& fact) { apply_one(state, fact, at); }, event);
}

Money balance(const State& state, const AccountId& account) {
  const auto found = state.balances.find(account);
  return found == state.balances.end() ? Money{} : found->second;
}

Money sum(const State& state) {
  Money total;
  for (const auto& [account, amount] : state.balances) total += amount;
  return total;
}

}  // namespace ledger::accounts
