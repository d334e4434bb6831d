#pragma once
#include <optional>
#include <vector>

#include "ledger/jobs/jobs.h"

// Jobs that start only after others have ended. docs/economy.md has the rules.
namespace ledger::jobs {

/// `spec.after` with numbers in place of names. Says no, with the field, to jobs that are not known
/// and to ends that can no longer come.
base::Result<std::vector<domain::Dependency>> resolve(const View& view, const domain::TeamId& team,
                                                      const domain::JobSpec& spec);

/// What of `after` has not come yet.
std::vector<domain::Dependency> open(const State& state,
                                     const std::vector<domain::Dependency>& after);

/// Whether a job that ended in `state` did so as is waited for.
bool meets(domain::When when, domain::JobState state);

/// From when on a bid that waits for `parents` may be promised a place: the latest of their booked
/// ends. Refused where one of them has no promised end.
std::variant<domain::Time, era::Refusal> ready_at(const View& view,
                                                  const std::vector<domain::Dependency>& parents);

/// When a job without a place may be given one: after its parents, as far as their ends are known
/// and its promise allows, else as late as its promise allows. O(parents)
domain::Time not_before(const View& view, const Job& job, domain::Duration needed);

/// A child whose time has come while a parent runs: it gives up its place for a later one, or its
/// promise is broken if there is no time left.
std::vector<Event> wait_on(const View& view, const Job& job);

/// Children that wait for `job` give up places that they could not use if it ran until `finish`.
std::vector<Event> release_children(const View& view, const Job& job, domain::Time finish);

/// Children whose parents now end after their start get a later place, where there is one.
std::vector<Event> mend_late(const View& view);

/// Ends a job that waits for what can no longer come.
std::vector<Event> end_unreachable(const View& view, const Job& job);

/// True if a job that never started would have been in time, had not one that it waited for taken
/// more time than it had bid for: then no penalty is owed. O(ancestors)
bool is_late_by_own_doing(const State& state, const Job& job);

/// Why the promise of `job` cannot be kept, for a person.
std::string why_broken(const State& state, const Job& job);

/// For `apply`: `id` has ended, and its children no longer wait for what that settles.
void settle_children(State& state, era::Plan& plan, domain::JobId id, domain::Time at);

/// For `apply`: keeps the windows in which `id`, its parents and its children may be moved apart,
/// so that each may be moved without a look at the others. O(parents + children)
void keep_in_order(State& state, era::Plan& plan, domain::JobId id);

}  // namespace ledger::jobs
