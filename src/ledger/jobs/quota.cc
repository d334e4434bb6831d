#include "ledger/jobs/quota.h"

#include <algorithm>
#include <set>

#include "era/price_table.h"
#include "ledger/jobs/flex.h"
#include "ledger/jobs/widths.h"

namespace ledger::jobs {
namespace {

using domain::JobId;
using domain::Quota;
using domain::QuotaReached;
using domain::Time;

/// GPUs that are promised for a while.
struct Claim {
  Span span;
  std::int32_t gpus = 0;
};

bool is_of(const Quota& quota, const Owner& owner) {
  return quota.team.value.empty() ? quota.user == owner.user : quota.team == owner.team;
}

bool covers(const Quota& quota, const std::string& gpu_model) {
  return quota.gpu_model.empty() || quota.gpu_model == gpu_model;
}

Owner owner_of(const Job& job) { return {job.user, job.team}; }

const std::set<JobId>& busy_jobs(const View& view, const Quota& quota) {
  static const std::set<JobId> none;
  if (quota.team.value.empty()) {
    const auto found = view.jobs.busy_of_user.find(quota.user);
    return found == view.jobs.busy_of_user.end() ? none : found->second;
  }
  const auto found = view.jobs.busy_of_team.find(quota.team);
  return found == view.jobs.busy_of_team.end() ? none : found->second;
}

/// GPUs of the live attempt that are not verified free.
std::int32_t held_gpus(const Job& job) {
  const Attempt* attempt = live_attempt(job);
  if (attempt == nullptr) return 0;
  const auto alive = std::ranges::count(attempt->ranks, Time{}, &Rank::ended);
  return static_cast<std::int32_t>(alive) * job.spec.bid.shape.per_rank.gpus;
}

std::string model_of(const View& view, const Job& job) {
  if (job.booking) return model_of(view, job.booking->nodes.front());
  const Attempt* attempt = live_attempt(job);
  return attempt == nullptr ? std::string() : model_of(view, attempt->ranks.front().node);
}

/// Calls `visit` with every job that counts against `quota`. O(busy jobs of its team or user).
template <class Visit>
void each_job(const View& view, const Quota& quota, const Visit& visit) {
  for (const JobId id : busy_jobs(view, quota)) {
    const Job& job = view.jobs.jobs.at(id);
    if (quota.gpu_model.empty() || model_of(view, job) == quota.gpu_model) visit(job);
  }
}

/// What one job is promised: the pieces of its booking, or where `move` puts them.
template <class Place>
void add_claims(const Place& place, const domain::Bid& bid, std::vector<Claim>& claims) {
  claims.push_back({{place.start, place.finish}, gpus_on(bid, place.nodes)});
  for (const auto& piece : place.later)
    claims.push_back({{piece.start, piece.finish}, gpus_on(bid, piece.nodes)});
}

using Moves = std::map<JobId, const era::Move*>;

Moves by_job(const std::vector<era::Move>& moves) {
  Moves where;
  for (const auto& move : moves) where.emplace(move.job, &move);
  return where;
}

/// What the jobs of `quota` are promised once `moves` are made, but for `besides`.
std::vector<Claim> claims_on(const View& view, const Quota& quota, JobId besides = {},
                             const Moves& moves = {}) {
  std::vector<Claim> claims;
  each_job(view, quota, [&](const Job& job) {
    if (!job.booking || job.id == besides) return;
    const auto move = moves.find(job.id);
    if (move == moves.end()) {
      add_claims(*job.booking, job.spec.bid, claims);
    } else {
      add_claims(*move->second, job.spec.bid, claims);
    }
  });
  return claims;
}

/// The stretches in which more than `limit` are claimed, in order.
std::vector<Span> over(const std::vector<Claim>& claims, std::int32_t limit) {
  std::map<Time, std::int64_t> steps;
  for (const Claim& claim : claims) {
    steps[claim.span.from] += claim.gpus;
    steps[claim.span.until] -= claim.gpus;
  }
  std::vector<Span> spans;
  std::int64_t sum = 0;
  bool is_over = limit < 0;
  if (is_over) spans.push_back({Time{}, domain::kNever});
  for (const auto& [time, step] : steps) {
    sum += step;
    if (!is_over && sum > limit) spans.push_back({time, domain::kNever});
    if (is_over && sum <= limit && limit >= 0) spans.back().until = time;
    is_over = limit < 0 || sum > limit;
  }
  return spans;
}

std::int32_t peak(const std::vector<Claim>& claims, const Span& span) {
  std::map<Time, std::int64_t> steps;
  for (const Claim& claim : claims) {
    if (claim.span.from >= span.until || claim.span.until <= span.from) continue;
    steps[std::max(claim.span.from, span.from)] += claim.gpus;
    steps[claim.span.until] -= claim.gpus;
  }
  std::int64_t sum = 0;
  std::int64_t most = 0;
  for (const auto& [time, step] : steps) most = std::max(most, sum += step);
  return static_cast<std::int32_t>(most);
}

/// What `full` leaves of `window`, in stretches of at least `length`.
std::vector<Span> between(std::vector<Span> full, const Span& window, domain::Duration length,
                          std::size_t most) {
  std::ranges::sort(full, {}, &Span::from);
  std::vector<Span> open;
  Time from = window.from;
  full.push_back({window.until, domain::kNever});
  for (const Span& each : full) {
    const Time until = std::min(each.from, window.until);
    if (from + length <= until && open.size() < most) open.push_back({from, until});
    from = std::max(from, each.until);
  }
  return open;
}

std::optional<Time> next_room(const View& view, const Quota& quota, std::int32_t gpus,
                              const Span& span) {
  const auto full = over(claims_on(view, quota), quota.gpus - gpus);
  const auto open = between(full, {span.from, view.plan.horizon_end()}, span.until - span.from, 1);
  return open.empty() ? std::nullopt : std::optional(open.front().from);
}

bool is_younger(const Job* a, const Job* b) {
  return std::pair(a->attempts.back().started, a->id) >
         std::pair(b->attempts.back().started, b->id);
}

/// Flex attempts that count against `quota`, the youngest first.
std::vector<const Job*> flex_of(const View& view, const Quota& quota) {
  std::vector<const Job*> jobs;
  each_job(view, quota, [&](const Job& job) {
    if (!job.booking && live_attempt(job) != nullptr) jobs.push_back(&job);
  });
  std::ranges::sort(jobs, is_younger);
  return jobs;
}

/// Past the end of its booking, or being stopped: it is on its way out.
bool is_leaving(const Job& job, Time at) {
  const Attempt* attempt = live_attempt(job);
  if (attempt == nullptr) return false;
  return attempt->state == AttemptState::stopping || (job.booking && end_of(*job.booking) <= at);
}

QuotaWay clear_way_of(const View& view, const Job& job, const Quota& quota) {
  QuotaWay way;
  std::int32_t staying = gpus_on(job.spec.bid, job.booking->nodes);
  std::int32_t leaving = 0;
  each_job(view, quota, [&](const Job& other) {
    // Above a soft quota flex may stay.
    if (other.id == job.id || (quota.soft && !other.booking)) return;
    (is_leaving(other, job.booking->start) ? leaving : staying) += held_gpus(other);
  });
  for (const Job* flex : flex_of(view, quota)) {
    if (staying <= quota.gpus || quota.soft) break;
    if (is_leaving(*flex, view.now)) continue;
    staying -= held_gpus(*flex);
    leaving += held_gpus(*flex);
    way.events.push_back(AttemptStopping{flex->id, flex->attempts.back().number, StopKind::give_way,
                                         fmt::format("gives way to job {}", job.id.value)});
  }
  way.must_wait = leaving > 0 && staying + leaving > quota.gpus;
  return way;
}

}  // namespace

std::vector<const Quota*> quotas_of(const View& view, const Owner& owner,
                                    const std::string& gpu_model) {
  std::vector<const Quota*> found;
  for (const Quota& quota : view.limits.quotas) {
    if (is_of(quota, owner) && covers(quota, gpu_model)) found.push_back(&quota);
  }
  return found;
}

std::string model_of(const View& view, const domain::NodeId& node) {
  const auto found = view.nodes.nodes.find(node);
  return found == view.nodes.nodes.end() ? std::string() : era::lower_case(found->second.gpu_model);
}

std::int32_t gpus_of(const domain::Bid& bid) { return bid.shape.per_rank.gpus * bid.shape.ranks; }

Use use_of(const View& view, const Quota& quota, const Span& span) {
  Use use;
  each_job(view, quota, [&](const Job& job) {
    use.held += held_gpus(job);
    if (!job.booking) use.flex += held_gpus(job);
  });
  use.promised = peak(claims_on(view, quota), span);
  return use;
}

std::optional<QuotaReached> promise_over(const View& view, const Owner& owner, const Wanted& wanted,
                                         JobId besides, const std::vector<era::Move>& moves) {
  if (wanted.gpus == 0) return std::nullopt;
  const Moves where = by_job(moves);
  for (const Quota* quota : quotas_of(view, owner, wanted.gpu_model)) {
    const std::int32_t used = peak(claims_on(view, *quota, besides, where), wanted.span);
    if (used + wanted.gpus > quota->gpus)
      return QuotaReached{*quota, used, next_room(view, *quota, wanted.gpus, wanted.span)};
  }
  return std::nullopt;
}

std::vector<Span> open_spans(const View& view, const Owner& owner, const std::string& gpu_model,
                             const domain::Bid& bid, std::size_t most) {
  std::vector<Span> full;
  const std::int32_t gpus = gpus_of(bid);
  for (const Quota* quota : quotas_of(view, owner, gpu_model)) {
    if (gpus == 0) break;
    const auto more = over(claims_on(view, *quota), quota->gpus - gpus);
    full.insert(full.end(), more.begin(), more.end());
  }
  return between(std::move(full), {bid.earliest, bid.deadline}, bid.duration, most);
}

bool moves_keep_quotas(const View& view, const std::vector<era::Move>& moves) {
  if (view.limits.quotas.empty()) return true;
  const Moves where = by_job(moves);
  for (const auto& move : moves) {
    const Job& job = view.jobs.jobs.at(move.job);
    std::vector<Claim> own;
    add_claims(move, job.spec.bid, own);
    for (const Quota* quota : quotas_of(view, owner_of(job), model_of(view, move.nodes.front()))) {
      const auto claims = claims_on(view, *quota, {}, where);
      const auto is_over = [&](const Claim& claim) {
        return peak(claims, claim.span) > quota->gpus;
      };
      if (std::ranges::any_of(own, is_over)) return false;
    }
  }
  return true;
}

bool may_start_early(const View& view, const Job& job) {
  const std::int32_t gpus = gpus_on(job.spec.bid, job.booking->nodes);
  if (gpus == 0) return true;
  const Span span{view.now, view.now + length_of(*job.booking)};
  for (const Quota* quota : quotas_of(view, owner_of(job), model_of(view, job))) {
    const std::int32_t promised = peak(claims_on(view, *quota, job.id), span);
    const std::int32_t held = use_of(view, *quota, span).held;
    if (std::max(promised, held) + gpus > quota->gpus) return false;
  }
  return true;
}

FlexRoom room_for_flex(const View& view, const Job& job, const std::string& gpu_model) {
  FlexRoom room = FlexRoom::own;
  const std::int32_t gpus = gpus_of(job.spec.bid);
  if (gpus == 0) return room;
  const Span span{view.now, view.now + kWorthStarting};
  for (const Quota* quota : quotas_of(view, owner_of(job), gpu_model)) {
    const Use use = use_of(view, *quota, span);
    if (std::max(use.held, use.promised + use.flex) + gpus <= quota->gpus) continue;
    if (!quota->soft) return FlexRoom::none;
    room = FlexRoom::borrowed;
  }
  return room;
}

std::optional<QuotaReached> flex_over(const View& view, const Job& job) {
  const std::int32_t gpus = gpus_of(job.spec.bid);
  const Span span{view.now, view.now + kWorthStarting};
  const auto model = era::lower_case(job.spec.bid.shape.gpu_model);
  for (const Quota* quota : quotas_of(view, owner_of(job), model)) {
    if (quota->soft || gpus == 0) continue;
    const Use use = use_of(view, *quota, span);
    const std::int32_t used = std::max(use.held, use.promised + use.flex);
    if (used + gpus > quota->gpus) return QuotaReached{*quota, used, std::nullopt};
  }
  return std::nullopt;
}

std::vector<const Job*> borrowed(const View& view) {
  std::vector<const Job*> jobs;
  for (const Quota& quota : view.limits.quotas) {
    if (!quota.soft) continue;
    std::int32_t held = use_of(view, quota, {view.now, view.now}).held;
    for (const Job* flex : flex_of(view, quota)) {
      if (held <= quota.gpus) break;
      held -= held_gpus(*flex);
      jobs.push_back(flex);
    }
  }
  std::ranges::sort(jobs, is_younger);
  jobs.erase(std::ranges::unique(jobs).begin(), jobs.end());
  return jobs;
}

QuotaWay clear_quota_way(const View& view, const Job& job) {
  QuotaWay all;
  if (gpus_of(job.spec.bid) == 0) return all;
  std::set<JobId> asked;
  for (const Quota* quota : quotas_of(view, owner_of(job), model_of(view, job))) {
    QuotaWay way = clear_way_of(view, job, *quota);
    all.must_wait = all.must_wait || way.must_wait;
    for (auto& event : way.events) {
      if (asked.insert(std::get<AttemptStopping>(event).job).second)
        all.events.push_back(std::move(event));
    }
  }
  return all;
}

}  // namespace ledger::jobs
