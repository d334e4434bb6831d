#pragma once
#include <vector>

#include "base/result.h"
#include "ledger/jobs/facts.h"

namespace ledger::jobs {

/// What decisions about jobs look at. `plan` is derived from jobs and nodes.
struct View {
  const State& jobs;
  const accounts::State& accounts;
  const nodes::State& nodes;
  const limits::State& limits;
  const era::Plan& plan;
  domain::Time now;
};

/// What is remembered between calls of `next` to look only at what has changed. Losing it costs
/// time; bookings that have not started are then looked at anew sooner than after ten minutes.
struct Memo {
  std::uint64_t early = 0;  ///< State versions at which nothing was left to do; see State.
  std::uint64_t displaced = 0;
  std::uint64_t closing = 0;
  std::uint64_t booked_off = 0;
  std::uint64_t power = 0;
  std::uint64_t unplaced = 0;
  std::uint64_t late = 0;
  std::uint64_t flex = 0;
  std::uint64_t waited = 0;
  std::int64_t replanned = 0;  ///< The ten minutes in which bookings were last looked at anew.
  domain::Time looked;         ///< When there was last nothing to do.
};

/// The most that one bid may ask for; past it the answer is a refusal or 400 with the field.
inline constexpr std::int32_t kMostRanks = 4'096;
inline constexpr std::size_t kMostLiveJobs = 200'000;
inline constexpr std::size_t kMostParents = 1'000;  ///< Jobs that one job may wait for.
inline constexpr std::size_t kMostTogether = 256;   ///< Bids of one submission.
inline constexpr std::int32_t kMostOccurrences = 100;
inline constexpr std::size_t kMostAlternatives = 8;
/// Where somebody else was promised the place, a program that is stopped has no more grace than
/// this, whatever it asked for.
inline constexpr domain::Duration kMostGraceInTheWay{30'000};

/// Answers a wish. Changes nothing. A repeated bid (same command id) gives no facts.
base::Result<std::vector<Event>> decide(const View& view, const domain::CommandId& id,
                                        const Command& command);

/// The facts that follow from the state alone at `view.now`: what is over is ended and settled,
/// what is due starts or gives way, what lost its place gets another, what waits uses what is idle.
/// Empty when nothing is left to do. Each call does one step; apply its facts and call again.
std::vector<Event> next(const View& view, Memo& memo);

/// When `next` will have something to do if nothing else happens before; kNever if never.
domain::Time next_wake(const State& state, domain::Time now);

/// The ranks held on `node` have ended with it.
std::vector<Event> lose_ranks(const View& view, const domain::NodeId& node,
                              const std::string& cause);

void apply(State& state, era::Plan& plan, const Event& event, domain::Time at);
/// Fills what is derived (indexes, the plan's bookings) after the described members were decoded.
void rebuild(State& state, era::Plan& plan);

const Job* find(const State& state, domain::JobId id);
/// What flex jobs hold by node: in use, though the planner has promised nothing.
std::map<domain::NodeId, domain::Resources> flex_in_use(const State& state);

/// Checks what can be checked of a spec without a cluster, naming the field at fault.
base::Result<> check(const domain::JobSpec& spec, domain::Time now);

}  // namespace ledger::jobs
