#pragma once
#include <variant>
#include <vector>

#include "ledger/event.h"
#include "ledger/jobs/jobs.h"

namespace ledger {

/// Starts a new cluster's log: its id, a first team with credits, and an admin without a password.
struct CreateCluster {
  std::string cluster;
  domain::TeamId team;
  domain::UserId admin;
  domain::Money credits;
  std::int32_t time_scale = 1;  ///< Above 1: a trial whose clock runs so many times as fast.
};
/// Time has passed.
struct Tick {};

using Wish = std::variant<CreateCluster, Tick, access::Command, accounts::Command, nodes::Command,
                          limits::Command, jobs::Command>;

/// A wish with its id and who has it. Ids and times come from outside, so that deciding needs
/// neither a clock nor a random number.
struct Command {
  domain::CommandId id;
  domain::UserId by;
  Wish wish;
};

/// Everything the controller knows: the fold of the facts.
struct State {
  std::int32_t layout = kStateLayout;
  std::string cluster;
  domain::Time at;  ///< Of the newest fact.
  access::State access;
  accounts::State accounts;
  nodes::State nodes;
  jobs::State jobs;
  demand::State demand;
  limits::State limits;
  std::set<domain::CommandId>
      answered;  ///< The newest 100,000 commands or more that changed something.
  std::vector<domain::CommandId> answered_order;
  era::Plan plan = era::Plan();  ///< Derived: what the jobs are promised on the nodes there are.
};
BOOST_DESCRIBE_STRUCT(State, (),
                      (layout, cluster, at, access, accounts, nodes, jobs, demand, limits,
                       answered_order))

/// What decisions about jobs look at. Valid as long as `state`.
jobs::View jobs_view(const State& state, domain::Time now);

/// Answers a wish with facts, or says no. Changes nothing. The facts of a repeated command are
/// none.
base::Result<std::vector<Event>> decide(const State& state, const Command& command,
                                        domain::Time now);

/// The facts that follow from the state alone; see demand::next and jobs::next.
std::vector<Event> next(const State& state, jobs::Memo& memo, domain::Time now);
/// When `next` has something to do if nothing else happens before.
domain::Time next_wake(const State& state, domain::Time now);

/// It is `now`: what is derived from the state follows, as it would with a fact of that time. To be
/// called before decide() and next(): what was free when the last fact came may have passed.
void pass(State& state, domain::Time now);

/// Takes a fact into the state. Cannot fail: a fact is already true.
void apply(State& state, const Fact& fact);

/// The state without what is derived, as text; and back. Fails with `data_loss` for text of another
/// layout: fold the facts instead.
std::string encode(const State& state);
base::Result<State> decode_state(std::string_view text);
/// Of the encoded state. The same facts give the same hash on every machine. O(size of the state).
std::uint64_t hash(const State& state);

}  // namespace ledger
