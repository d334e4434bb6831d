#pragma once
#include <algorithm>

#include "era/elastic.h"

namespace era {

/// A job with less left than this share of its iterations is done: sums of doubles differ by it.
inline constexpr double kElasticRoundOff = 1e-9;

/// What one planning round knows of a job, and what it decides.
struct ElasticDraft {
  domain::JobId id;
  const SpeedUp* speed_up = nullptr;
  ElasticProgress progress;  ///< Where the round begins.
  double round_off = 0;      ///< Iterations.
  domain::Time until;        ///< The last moment at which its width may change before its deadline.
  double latest_start = 0;   ///< By when it must run at its fastest, in milliseconds.
  ElasticPieces pieces;
  double gain = 1;  ///< What a GPU-second less would cost it in the plan, in iterations.
};

/// The first multiple of `slot` at or after `time`, and the last one at or before it.
constexpr domain::Time slot_after(domain::Time time, domain::Duration slot) {
  return {(time.ms + slot.ms - 1) / slot.ms * slot.ms};
}
constexpr domain::Time slot_before(domain::Time time, domain::Duration slot) {
  return {time.ms / slot.ms * slot.ms};
}

/// Adds `piece` after all others, joined to the last one if it goes on at the same width.
void append(ElasticPieces& pieces, const ElasticPiece& piece);

/// The parts of `pieces` inside [from, until).
ElasticPieces clipped(const ElasticPieces& pieces, domain::Time from, domain::Time until);

/// Runs `piece`, which begins at `progress.at` or later, to its end.
void run_piece(const SpeedUp& speed_up, domain::Duration restart, const ElasticPiece& piece,
               ElasticProgress& progress);

/// Runs `pieces` up to `until`; none of them begins before `progress.at`.
void run_until(domain::Time until, const SpeedUp& speed_up, domain::Duration restart,
               const ElasticPieces& pieces, ElasticProgress& progress);

/// Cuts the draft's pieces at the slot where the job is done. Returns the iterations that they
/// leave undone, 0 if the job is done.
double trim(const ElasticGround& ground, ElasticDraft& draft);

/// Narrows pieces to the width of a neighbour wherever a restart costs more than that.
void smooth(const ElasticGround& ground, ElasticDraft& draft);

}  // namespace era
