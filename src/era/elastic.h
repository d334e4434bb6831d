#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"
#include "domain/time.h"
#include "era/elastic_curve.h"

namespace era {

/// What all elastic jobs of one lane share, and the rules of their plan.
struct ElasticGround {
  std::int32_t gpus = 0;     ///< Whole nodes of a power of two each; see elastic_places.h.
  domain::Duration slot{1};  ///< Widths change at multiples of it. 1 ms: at any moment.
  domain::Duration restart;  ///< How long a job does nothing when its width changes or it resumes.
  std::size_t most_jobs = 1'024;
};

/// So many iterations, at whatever widths, done by a deadline.
struct ElasticBid {
  domain::JobId id;
  SpeedUp speed_up;
  double iterations = 0;
  domain::Time finish_by;
};

/// So many GPUs on [from, until).
struct ElasticPiece {
  domain::Time from;
  domain::Time until;
  std::int32_t gpus = 0;
  friend bool operator==(const ElasticPiece&, const ElasticPiece&) = default;
};

/// A job's pieces in order of time, without overlaps. Between two pieces it pauses.
using ElasticPieces = std::vector<ElasticPiece>;

/// How far a job is.
struct ElasticProgress {
  domain::Time at;          ///< As of this moment.
  double left = 0;          ///< Iterations.
  std::int32_t gpus = 0;    ///< What it runs on up to this moment; 0 if it waits or pauses.
  bool begun = false;       ///< Its first start is free, every later change costs a restart.
  domain::Time works_from;  ///< The end of its last restart.
};

/// An admitted job with the pieces that are still to come.
struct ElasticJob {
  ElasticBid bid;
  ElasticProgress progress;
  ElasticPieces pieces;
};

/// The elastic jobs of a lane at `now`. At no moment do the pieces hold more GPUs than the ground
/// has, and with its pieces every job is done by its deadline.
struct ElasticPlan {
  domain::Time now;
  std::map<domain::JobId, ElasticJob> jobs;
};

/// Why an elastic bid is refused.
enum class ElasticRefusal {
  too_long,  ///< It could not be done in time even if it were alone.
  no_room,   ///< No way was found that keeps every promise.
  too_many,  ///< As many jobs as the ground may hold are under way.
};

/// The pieces of every job for which they change, from the plan's `now` on.
using ElasticChanges = std::map<domain::JobId, ElasticPieces>;

struct ElasticAnswer {
  std::optional<ElasticRefusal> refusal;
  ElasticChanges changes;  ///< The new job's among them; empty with a refusal.
};

/// What is wrong with `ground` or `bid`, naming the field; nothing if they can be planned.
base::Result<> check(const ElasticGround& ground);
base::Result<> check(const ElasticBid& bid);

/// Decides `bid` at the plan's `now`: admits it if all jobs can be planned anew so that each, and
/// it, is done by its deadline, else if it fits beside the plan as it is. Every job gets the widths
/// that cost the fewest GPU-seconds in what the jobs before it left free, in order of deadlines; if
/// that fails, in order of when each must run at its fastest. Exact for one job without restarts
/// (its speed-up's concave hull makes the greedy choice best), a heuristic for all. What idles at
/// `now` then goes to whoever saves most by it. After the minimum satisfactory share of Gu et al.,
/// "ElasticFlow" (ASPLOS 2023), section 4, without its slots.
/// O(jobs x steps of the plan), and both in turn grow with the jobs: about n^2.
ElasticAnswer admit(const ElasticGround& ground, const ElasticPlan& plan, const ElasticBid& bid);

/// Plans the jobs under way anew, so that GPUs that fell idle are used. Worth calling at each
/// `next_change`; without it every promise is kept too. Where the new plan would break one, the
/// old pieces stay. Costs what `admit` costs.
ElasticChanges replan(const ElasticGround& ground, const ElasticPlan& plan);

/// The next moment after `now` at which a job's width changes; none if there is no such moment.
std::optional<domain::Time> next_change(const ElasticPlan& plan);

/// Moves the plan on to `now`, counts what was done, forgets the pieces that have passed and
/// removes the jobs that are done, which it returns. Never goes back.
std::vector<domain::JobId> advance(const ElasticGround& ground, ElasticPlan& plan,
                                   domain::Time now);

/// Takes what `admit` answered, or `replan`, into the plan at the same `now`. A job that is not in
/// the plan is a bug.
void accept(ElasticPlan& plan, const ElasticBid& bid, const ElasticChanges& changes);
void accept(ElasticPlan& plan, const ElasticChanges& changes);

}  // namespace era
