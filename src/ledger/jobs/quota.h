#pragma once
#include <optional>
#include <vector>

#include "ledger/jobs/jobs.h"

// What quotas leave room for. A quota counts the GPUs of every piece of a booking while it lasts,
// and what an attempt without a booking holds as long as it holds it.
namespace ledger::jobs {

/// Whose job it is.
struct Owner {
  domain::UserId user;
  domain::TeamId team;
};

/// A stretch of time.
struct Span {
  domain::Time from;
  domain::Time until;
};

/// The quotas that a job of `owner` must keep on GPUs of `gpu_model` (in lower case). O(quotas).
std::vector<const domain::Quota*> quotas_of(const View& view, const Owner& owner,
                                            const std::string& gpu_model);
/// The model of the GPUs of a node, in lower case.
std::string model_of(const View& view, const domain::NodeId& node);

/// GPUs of `bid`, of all its ranks.
std::int32_t gpus_of(const domain::Bid& bid);

/// What of a quota is used.
struct Use {
  std::int32_t held = 0;      ///< Now, by anything that is not verified gone.
  std::int32_t flex = 0;      ///< Of that, outside bookings.
  std::int32_t promised = 0;  ///< The most that bookings take at one moment of a span.
};
/// O(n log n) for n jobs of its team or user that have a booking or run.
Use use_of(const View& view, const domain::Quota& quota, const Span& span);

/// GPUs for a while.
struct Wanted {
  std::string gpu_model;  ///< In lower case.
  std::int32_t gpus = 0;
  Span span;
};
/// The first quota that a promise of what is `wanted` would exceed; `besides` is not counted.
std::optional<domain::QuotaReached> promise_over(const View& view, const Owner& owner,
                                                 const Wanted& wanted, domain::JobId besides = {},
                                                 const std::vector<era::Move>& moves = {});
/// The stretches of `window` of at least `length` in which no quota would be exceeded by `gpus`
/// more; at most `most` of them, the earliest.
std::vector<Span> open_spans(const View& view, const Owner& owner, const std::string& gpu_model,
                             const domain::Bid& bid, std::size_t most);

/// Whether every booking that moves keeps its owner's quotas where it goes.
bool moves_keep_quotas(const View& view, const std::vector<era::Move>& moves);
/// The same for a job that has not started and would start now, beside what runs as flex.
bool may_start_early(const View& view, const Job& job);

/// Whether a flex job of `owner` may start now on GPUs of `gpu_model`.
enum class FlexRoom {
  own,       ///< Inside its quotas.
  borrowed,  ///< Over a soft quota: what nobody else wants.
  none,      ///< Over a hard quota.
};
FlexRoom room_for_flex(const View& view, const Job& job, const std::string& gpu_model);
/// The hard quota that keeps a queued flex job from starting, if that is what does.
std::optional<domain::QuotaReached> flex_over(const View& view, const Job& job);

/// Flex attempts over soft quotas, those first that are to be given back first: the youngest.
std::vector<const Job*> borrowed(const View& view);

/// What keeps a job whose booking is due from starting: a quota of its owner that is filled by flex
/// of the same owner (a hard one), or by what is past its time. That flex is asked to go; empty and
/// `must_wait` if it has been.
struct QuotaWay {
  std::vector<Event> events;
  bool must_wait = false;
};
QuotaWay clear_quota_way(const View& view, const Job& job);

}  // namespace ledger::jobs
