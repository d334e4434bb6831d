#pragma once
#include "ledger/jobs/quota.h"

namespace ledger::jobs {

/// What a bid of `owner` that wants a promise would get: the cheapest place inside the stretches of
/// its window in which its quotas leave room, or why there is none. Looks at no balance. `bid` has
/// its window filled in. As much work as a few quotes where a quota binds, else one.
era::Answer reserve(const View& view, const Owner& owner, const domain::Bid& bid);

/// The hard quota that a flex bid could never start under, if there is one.
std::optional<era::Refusal> never_fits(const View& view, const Owner& owner,
                                       const domain::Bid& bid);

/// The fact that the `moves` of a plan are made.
BookingsMoved moved(const View& view, const std::vector<era::Move>& moves, std::string why);

/// The quota that would not bear `offer`, or what it moves, if that is so.
bool breaks_a_quota(const View& view, const Owner& owner, const domain::Bid& bid,
                    const era::Offer& offer);
/// More time for a job where it is, until `finish`, or why not: as era::extension, inside the
/// quotas of its owner and of those who make way for it.
std::variant<era::Extension, era::Refusal> more_time(const View& view, const Job& job,
                                                     domain::Time finish);
/// The fact that others make way for more time of `job`; none if there are no `moves`.
std::vector<Event> make_way(const View& view, const Job& job, const std::vector<era::Move>& moves);
/// A sentence that names the quota.
std::string said(const domain::QuotaReached& reached);

/// The GPU models that quotas of `owner` tell apart for `bid`: its own, or all there are; one that
/// is empty where none need be told apart.
std::vector<std::string> models_for(const View& view, const Owner& owner, const domain::Bid& bid);

}  // namespace ledger::jobs
