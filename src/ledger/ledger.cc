#include "ledger/ledger.h"

#include <algorithm>

#include "base/json.h"
#include "ledger/jobs/closing.h"

namespace ledger {
namespace {

using base::ErrorCode;
using base::Result;
using domain::TeamId;
using domain::Time;
using domain::UserId;
using Events = std::vector<Event>;

constexpr std::size_t kKeptAnswers = 100'000;
constexpr std::size_t kLongestId = 200;

/// Facts of one area as facts of the ledger.
template <class AreaEvent>
void take(std::vector<AreaEvent>&& from, Events& into) {
  for (auto& event : from) {
    std::visit([&](auto& fact) { into.emplace_back(std::move(fact)); }, event);
  }
}

template <class AreaEvent>
Result<Events> taken(Result<std::vector<AreaEvent>> answer) {
  if (!answer) return base::pass(answer);
  Events events;
  take(std::move(*answer), events);
  return events;
}

Result<Events> decide_one(const State& state, const Command&, Time, const CreateCluster& wish) {
  if (!state.cluster.empty()) return base::fail(ErrorCode::conflict, "the cluster exists already");
  if (auto ok = access::check_name("team", wish.team.value); !ok) return base::pass(ok);
  if (auto ok = access::check_name("user", wish.admin.value); !ok) return base::pass(ok);
  access::User admin{wish.admin, wish.team, access::Role::admin, {}, true};
  Events events{ClusterCreated{wish.cluster, wish.time_scale}, access::TeamCreated{wish.team},
                access::UserCreated{admin}, accounts::PricesSet{era::default_prices()}};
  if (wish.credits > domain::Money{}) {
    events.push_back(accounts::MoneyMoved{
        accounts::grants_account(), accounts::team_account(wish.team), wish.credits, "grant", {}});
  }
  return events;
}

Result<Events> decide_one(const State&, const Command&, Time, const Tick&) { return Events{}; }

Result<Events> decide_one(const State& state, const Command&, Time now,
                          const access::Command& wish) {
  return taken(access::decide(state.access, wish, now));
}

Result<Events> decide_one(const State& state, const Command&, Time, const accounts::Command& wish) {
  const auto* grant = std::get_if<accounts::Grant>(&wish);
  if (grant != nullptr && !state.access.teams.contains(grant->team)) {
    return base::fail(ErrorCode::not_found, "there is no team {}", grant->team.value);
  }
  return taken(accounts::decide(state.accounts, wish));
}

/// A machine that booted again has lost what ran on it.
bool has_rebooted(const State& state, const nodes::ReportNode& wish) {
  const auto known = state.nodes.nodes.find(wish.node);
  return known != state.nodes.nodes.end() && !known->second.inventory.boot_id.empty() &&
         known->second.inventory.boot_id != wish.inventory.boot_id;
}

Result<Events> decide_one(const State& state, const Command&, Time now,
                          const nodes::Command& wish) {
  if (const auto* join = std::get_if<nodes::JoinNode>(&wish)) {
    if (auto ok = access::check_name("node", join->node.value); !ok) return base::pass(ok);
  }
  const auto* removal = std::get_if<nodes::RemoveNode>(&wish);
  if (removal != nullptr && state.jobs.held.contains(removal->node)) {
    return base::fail(ErrorCode::conflict, "jobs run on node {}; drain it and wait, or cancel them",
                      removal->node.value);
  }
  auto answer = taken(nodes::decide(state.nodes, wish, now));
  if (!answer) return answer;
  const auto* report = std::get_if<nodes::ReportNode>(&wish);
  if (report != nullptr && has_rebooted(state, *report)) {
    take(jobs::lose_ranks(jobs_view(state, now), report->node, "its node booted again"), *answer);
  }
  if (const auto* closing = std::get_if<nodes::CloseNodes>(&wish)) {
    const auto& closure = std::get<nodes::NodesClosed>(answer->front()).closure;
    auto moved = jobs::make_room(jobs_view(state, now), closure, closing->anyway);
    if (!moved) return base::pass(moved);
    take(*std::move(moved), *answer);
  }
  return answer;
}

Result<Events> decide_one(const State& state, const Command& command, Time now,
                          const jobs::Command& wish) {
  return taken(jobs::decide(jobs_view(state, now), command.id, wish));
}

/// Whether whom a limit or a share is for exists.
Result<> check_owner(const State& state, const limits::Command& wish) {
  TeamId team;
  UserId user;
  if (const auto* share = std::get_if<limits::SetShare>(&wish)) team = share->team;
  if (const auto* quota = std::get_if<limits::SetQuota>(&wish)) {
    team = quota->quota.team;
    user = quota->quota.user;
  }
  if (!team.value.empty() && !state.access.teams.contains(team))
    return base::fail(ErrorCode::not_found, "there is no team {}", team.value);
  if (!user.value.empty() && !state.access.users.contains(user))
    return base::fail(ErrorCode::not_found, "there is no user {}", user.value);
  return {};
}

Result<Events> decide_one(const State& state, const Command&, Time, const limits::Command& wish) {
  if (auto good = check_owner(state, wish); !good) return base::pass(good);
  return taken(limits::decide(state.limits, wish));
}

void remember(State& state, const domain::CommandId& id) {
  if (id.value.empty() || !state.answered.insert(id).second) return;
  state.answered_order.push_back(id);
  if (state.answered_order.size() < 2 * kKeptAnswers) return;
  const auto kept = state.answered_order.begin() + static_cast<std::ptrdiff_t>(kKeptAnswers);
  for (auto old = state.answered_order.begin(); old != kept; ++old) state.answered.erase(*old);
  state.answered_order.erase(state.answered_order.begin(), kept);
}

void follow_nodes(State& state, const std::vector<domain::NodeId>& ids) {
  for (const auto& id : ids) {
    if (!state.nodes.nodes.contains(id)) state.plan.remove_node(id);
  }
  state.plan.put_nodes(nodes::plan_nodes(state.nodes, ids));
  ++state.jobs.closed;
}

/// `bid` with an offer that its team could pay: to offer more costs nothing, and would tell nothing
/// but raise everybody's prices.
domain::Bid backed(const State& state, const domain::TeamId& team, domain::Bid bid) {
  const auto balance = accounts::balance(state.accounts, accounts::team_account(team));
  if (bid.max_price) bid.max_price = std::min(*bid.max_price, balance);
  return bid;
}

/// Whether its user was refused the same program before and the time for that has not passed: to
/// ask again, or for less, is no more demand. Looks at the newest jobs of the team.
template <class FactType>
bool asks_again(const State& state, const FactType& fact, Time at) {
  constexpr std::ptrdiff_t kLookedAt = 64;
  const auto team = state.jobs.by_team.find(fact.team);
  if (team == state.jobs.by_team.end()) return false;
  const auto& jobs = team->second;
  const auto end = std::ranges::next(jobs.rbegin(), kLookedAt, jobs.rend());
  const auto same = std::find_if(jobs.rbegin(), end, [&](domain::JobId id) {
    const jobs::Job& job = state.jobs.jobs.at(id);
    // What comes in one submission is wanted all of it.
    return job.submitted < at && job.user == fact.user && job.spec.program == fact.spec.program;
  });
  if (same == end) return false;
  const jobs::Job& before = state.jobs.jobs.at(*same);
  return before.state == domain::JobState::refused && before.spec.bid.deadline > at;
}

bool is_priced(const State& state) { return state.accounts.prices.pricing == era::Pricing::on; }

/// What an attempt that starts or ends makes its team have used.
void count_use(State& state, const jobs::AttemptStarted& fact, Time at) {
  const jobs::Job& job = state.jobs.jobs.at(fact.job);
  const auto& shape = job.spec.bid.shape;
  const auto rate = limits::rate_of(shape.per_rank * shape.ranks, state.accounts.prices);
  limits::begin_use(state.limits, job.team, job.id, rate, at);
}

void count_use(State& state, const jobs::AttemptEnded& fact, Time at) {
  const jobs::Job& job = state.jobs.jobs.at(fact.job);
  if (fact.cause == domain::ExitCause::node_lost) {
    const Time started = job.attempts.back().started;
    limits::end_lost_use(state.limits, job.team, job.id, started, at);
  } else {
    limits::end_use(state.limits, job.team, job.id, at);
  }
}

/// When a node last had something to do.
void note_used(State& state, const jobs::RankEnded& fact, Time at) {
  const jobs::Attempt& attempt = state.jobs.jobs.at(fact.job).attempts.back();
  const auto node =
      state.nodes.nodes.find(attempt.ranks.at(static_cast<std::size_t>(fact.rank)).node);
  if (node != state.nodes.nodes.end()) node->second.used = at;
}

template <class FactType>
void apply_one(State& state, const FactType& fact, Time at) {
  if constexpr (std::is_same_v<FactType, ClusterCreated>) state.cluster = fact.cluster;
  if constexpr (std::is_constructible_v<access::Event, FactType>) access::apply(state.access, fact);
  if constexpr (std::is_constructible_v<accounts::Event, FactType>)
    accounts::apply(state.accounts, fact, at);
  if constexpr (std::is_constructible_v<nodes::Event, FactType>) {
    const auto changed = nodes::changed_by(state.nodes, fact);
    nodes::apply(state.nodes, fact, at);
    follow_nodes(state, changed);
  }
  if constexpr (std::is_same_v<FactType, jobs::BidRefused> ||
                std::is_same_v<FactType, jobs::JobAccepted>) {
    if (is_priced(state) && !asks_again(state, fact, at))
      demand::see(state.demand, state.plan, backed(state, fact.team, fact.spec.bid), at);
  }
  if constexpr (std::is_same_v<FactType, demand::ForecastMade>)
    demand::apply(state.demand, state.plan, fact, at);
  if constexpr (std::is_constructible_v<jobs::Event, FactType>)
    jobs::apply(state.jobs, state.plan, fact, at);
  if constexpr (std::is_same_v<FactType, jobs::RankEnded>) note_used(state, fact, at);
  if constexpr (std::is_same_v<FactType, jobs::AttemptStarted> ||
                std::is_same_v<FactType, jobs::AttemptEnded>)
    count_use(state, fact, at);
  if constexpr (std::is_constructible_v<limits::Event, FactType>) {
    limits::apply(state.limits, fact, at);
    ++state.jobs.queued;  // Who is next, and who may start, follows from the limits too.
  }
  if constexpr (std::is_same_v<FactType, accounts::PricesSet>) state.plan.set_prices(fact.prices);
}

}  // namespace

jobs::View jobs_view(const State& state, Time now) {
  return {state.jobs, state.accounts, state.nodes, state.limits, state.plan, now};
}

Result<Events> decide(const State& state, const Command& command, Time now) {
  if (command.id.value.size() > kLongestId || !base::is_utf8(command.id.value)) {
    return base::invalid("command", "an id is at most {} bytes of UTF-8 text", kLongestId);
  }
  if (state.answered.contains(command.id)) return Events{};
  return std::visit([&](const auto& wish) { return decide_one(state, command, now, wish); },
                    command.wish);
}

Events next(const State& state, jobs::Memo& memo, Time now) {
  if (is_priced(state)) {
    if (auto forecast = demand::next(state.demand, now)) return {*std::move(forecast)};
  }
  Events events;
  take(jobs::next(jobs_view(state, now), memo), events);
  return events;
}

Time next_wake(const State& state, Time now) {
  Time wake = jobs::next_wake(state.jobs, now);
  if (is_priced(state)) wake = std::min(wake, demand::next_wake(state.demand));
  const bool may_switch = std::ranges::any_of(
      state.nodes.nodes, [](const auto& node) { return node.second.power.has_value(); });
  // What is idle is looked at every minute.
  const Time minute{(now.ms / domain::kMinute.ms + 1) * domain::kMinute.ms};
  return may_switch ? std::min(wake, minute) : wake;
}

void pass(State& state, Time now) { state.plan.advance(now); }

void apply(State& state, const Fact& fact) {
  state.at = std::max(state.at, fact.at);
  pass(state, state.at);
  remember(state, fact.command);
  std::visit([&](const auto& event) { apply_one(state, event, fact.at); }, fact.event);
}

}  // namespace ledger
