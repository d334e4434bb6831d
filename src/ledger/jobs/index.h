#pragma once
#include "ledger/jobs/jobs.h"

namespace ledger::jobs {

/// Takes `job` out of every index that is computed from its members; call before changing it.
void unindex(State& state, const Job& job);
/// Puts it back, by what it is now.
void index(State& state, const Job& job);

/// Notes that a rank holds its place, or no longer does. Not part of index: it changes only twice.
void hold_place(State& state, const Job& job, const Attempt& attempt, std::int32_t rank);
void free_place(State& state, const Job& job, const Attempt& attempt, std::int32_t rank);

/// The time at which what a flex job has paid for is used up.
domain::Time flex_finish(const Job& job, const Attempt& attempt);

/// By how much a job that runs as flex is extended at a time: a bid for a moment must not become a
/// fact a moment.
domain::Duration flex_step(const Job& job);

/// When a queued job's wait is over: a flex bid may say. What overran its promise waits for ever.
domain::Time queue_deadline(const Job& job);

/// When a booking that goes on in a later piece is asked to pause: so that its place is free when
/// its piece is over. What it loses by that is part of the restart it has paid for.
domain::Time pause_time(const Job& job);
/// The fact that it pauses.
JobInterrupted paused(const Job& job, domain::Time now);

/// How long before a start the flex jobs in its way are asked to go: their grace and a margin.
inline constexpr domain::Duration kLead{kMostGraceInTheWay.ms + 5'000};

}  // namespace ledger::jobs
