#include "era/elastic.h"

#include <cmath>

#include "base/check.h"
#include "era/elastic_draft.h"

namespace era {
namespace {

using domain::Duration;
using domain::JobId;
using domain::Time;

/// The jobs of a plan from the first slot at or after its `now` on.
struct Round {
  Time begin;
  std::vector<ElasticDraft> drafts;
};

ElasticDraft draft_of(const ElasticGround& ground, const ElasticBid& bid, Time begin) {
  return {.id = bid.id,
          .speed_up = &bid.speed_up,
          .progress = {.at = begin, .left = bid.iterations, .works_from = begin},
          .round_off = kElasticRoundOff * bid.iterations,
          .until = slot_before(bid.finish_by, ground.slot)};
}

Round round_of(const ElasticGround& ground, const ElasticPlan& plan) {
  Round round{.begin = slot_after(plan.now, ground.slot)};
  round.drafts.reserve(plan.jobs.size() + 1);
  for (const auto& [id, job] : plan.jobs) {
    ElasticDraft draft = draft_of(ground, job.bid, round.begin);
    draft.progress = job.progress;
    run_until(round.begin, job.bid.speed_up, ground.restart, job.pieces, draft.progress);
    draft.pieces = clipped(job.pieces, round.begin, domain::kNever);
    round.drafts.push_back(std::move(draft));
  }
  return round;
}

bool by_deadline(const ElasticDraft& a, const ElasticDraft& b) {
  return a.until != b.until ? a.until < b.until : a.id < b.id;
}

bool by_latest_start(const ElasticDraft& a, const ElasticDraft& b) {
  return a.latest_start != b.latest_start ? a.latest_start < b.latest_start : a.id < b.id;
}

/// Lays all drafts in the given order; none if one of them finds no room.
std::optional<FreeGpus> lay_in_order(const ElasticGround& ground, Round& round,
                                     bool (*order)(const ElasticDraft&, const ElasticDraft&)) {
  FreeGpus free(round.begin.ms, ground.gpus);
  std::sort(round.drafts.begin(), round.drafts.end(), order);
  for (ElasticDraft& draft : round.drafts) {
    if (draft.progress.left <= draft.round_off) {
      draft.pieces.clear();
      continue;
    }
    if (!lay(ground, free, draft)) return std::nullopt;
    hold(free, draft.pieces);
  }
  return free;
}

/// The earliest deadline first leaves the others the most choice; where one then finds no room, it
/// is mostly a long job that needs to run wide all the time, and laying such jobs first helps.
std::optional<FreeGpus> lay_all(const ElasticGround& ground, Round& round) {
  std::optional<FreeGpus> free = lay_in_order(ground, round, by_deadline);
  if (free) return free;
  for (ElasticDraft& draft : round.drafts) {
    const double fastest = draft.speed_up->fastest(ground.gpus);
    draft.latest_start = static_cast<double>(draft.until.ms) - draft.progress.left / fastest * 1e3;
  }
  return lay_in_order(ground, round, by_latest_start);
}

/// What the pieces of the plan leave free.
FreeGpus keep_all(const ElasticGround& ground, Round& round) {
  FreeGpus free(round.begin.ms, ground.gpus);
  for (ElasticDraft& draft : round.drafts) {
    hold(free, draft.pieces);
    const auto steps = draft.speed_up->steps(SpeedUp::level_of(ground.gpus));
    draft.gain = steps.empty() ? 1 : steps[0].gain;
  }
  return free;
}

/// The drafts' pieces behind what runs until the round begins, where that differs from the plan.
ElasticChanges changes_of(const ElasticPlan& plan, const Round& round) {
  ElasticChanges changes;
  for (const ElasticDraft& draft : round.drafts) {
    const auto known = plan.jobs.find(draft.id);
    ElasticPieces pieces;
    if (known != plan.jobs.end()) pieces = clipped(known->second.pieces, plan.now, round.begin);
    for (const ElasticPiece& piece : draft.pieces) append(pieces, piece);
    if (known != plan.jobs.end() && known->second.pieces == pieces) continue;
    changes.emplace(draft.id, std::move(pieces));
  }
  return changes;
}

bool too_long(const ElasticGround& ground, const ElasticDraft& draft) {
  const auto ms = static_cast<double>((draft.until - draft.progress.at).ms);
  const double most = draft.speed_up->fastest(ground.gpus) * ms / 1e3;
  return ms <= 0 || draft.progress.left > most + draft.round_off;
}

}  // namespace

base::Result<> check(const ElasticGround& ground) {
  if (ground.gpus <= 0) return base::invalid("gpus", "there must be at least one GPU");
  if (ground.slot.ms <= 0) return base::invalid("slot", "a slot lasts at least 1 ms");
  if (ground.restart.ms < 0) return base::invalid("restart", "a restart cannot take less than 0");
  return {};
}

base::Result<> check(const ElasticBid& bid) {
  if (bid.speed_up.speeds().empty()) {
    return base::invalid("speed_up", "a speed-up curve needs at least one width");
  }
  if (!std::isfinite(bid.iterations) || bid.iterations <= 0) {
    return base::invalid("iterations", "the work must be a positive number");
  }
  if (bid.finish_by >= domain::kNever) {
    return base::invalid("finish_by", "an elastic job needs a deadline");
  }
  return {};
}

ElasticAnswer admit(const ElasticGround& ground, const ElasticPlan& plan, const ElasticBid& bid) {
  CHECK(!plan.jobs.contains(bid.id), "an elastic job is admitted once");
  if (plan.jobs.size() >= ground.most_jobs) return {.refusal = ElasticRefusal::too_many};
  Round round = round_of(ground, plan);
  const ElasticDraft newcomer = draft_of(ground, bid, round.begin);
  if (too_long(ground, newcomer)) return {.refusal = ElasticRefusal::too_long};
  round.drafts.push_back(newcomer);
  std::optional<FreeGpus> free = lay_all(ground, round);
  if (!free) {
    round = round_of(ground, plan);
    free = keep_all(ground, round);
    round.drafts.push_back(newcomer);
    if (!lay(ground, *free, round.drafts.back())) return {.refusal = ElasticRefusal::no_room};
    hold(*free, round.drafts.back().pieces);
  }
  use_idle(ground, *free, round.drafts);
  return {.refusal = {}, .changes = changes_of(plan, round)};
}

ElasticChanges replan(const ElasticGround& ground, const ElasticPlan& plan) {
  Round round = round_of(ground, plan);
  std::optional<FreeGpus> free = lay_all(ground, round);
  if (!free) {
    round = round_of(ground, plan);
    free = keep_all(ground, round);
  }
  use_idle(ground, *free, round.drafts);
  return changes_of(plan, round);
}

std::optional<Time> next_change(const ElasticPlan& plan) {
  Time next = domain::kNever;
  for (const auto& [id, job] : plan.jobs) {
    if (job.pieces.empty()) continue;
    const ElasticPiece& first = job.pieces.front();
    next = std::min(next, first.from > plan.now ? first.from : first.until);
  }
  if (next == domain::kNever) return std::nullopt;
  return next;
}

std::vector<JobId> advance(const ElasticGround& ground, ElasticPlan& plan, Time now) {
  std::vector<JobId> done;
  if (now <= plan.now) return done;
  for (auto& [id, job] : plan.jobs) {
    run_until(now, job.bid.speed_up, ground.restart, job.pieces, job.progress);
    job.pieces = clipped(job.pieces, now, domain::kNever);
    if (job.progress.left <= kElasticRoundOff * job.bid.iterations) done.push_back(id);
  }
  for (const JobId id : done) plan.jobs.erase(id);
  plan.now = now;
  return done;
}

void accept(ElasticPlan& plan, const ElasticBid& bid, const ElasticChanges& changes) {
  ElasticJob job{.bid = bid, .progress = {.at = plan.now, .left = bid.iterations}};
  job.progress.works_from = plan.now;
  plan.jobs.emplace(bid.id, std::move(job));
  accept(plan, changes);
}

void accept(ElasticPlan& plan, const ElasticChanges& changes) {
  for (const auto& [id, pieces] : changes) {
    const auto job = plan.jobs.find(id);
    CHECK(job != plan.jobs.end(), "the pieces of an elastic job that is not in the plan");
    job->second.pieces = pieces;
  }
}

}  // namespace era
