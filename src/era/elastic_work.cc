#include "era/elastic_work.h"

#include <cmath>

namespace era {

using domain::Duration;
using domain::Time;

void append(ElasticPieces& pieces, const ElasticPiece& piece) {
  if (piece.gpus == 0 || piece.from >= piece.until) return;
  if (!pieces.empty() && pieces.back().until == piece.from && pieces.back().gpus == piece.gpus) {
    pieces.back().until = piece.until;
  } else {
    pieces.push_back(piece);
  }
}

ElasticPieces clipped(const ElasticPieces& pieces, Time from, Time until) {
  ElasticPieces kept;
  for (ElasticPiece piece : pieces) {
    piece.from = std::max(piece.from, from);
    piece.until = std::min(piece.until, until);
    append(kept, piece);
  }
  return kept;
}

void run_piece(const SpeedUp& speed_up, Duration restart, const ElasticPiece& piece,
               ElasticProgress& progress) {
  if (piece.from > progress.at) progress.gpus = 0;
  if (piece.gpus != progress.gpus) {
    progress.works_from = progress.begun ? piece.from + restart : piece.from;
    progress.gpus = piece.gpus;
    progress.begun = true;
  }
  const Time works_from = std::max(piece.from, progress.works_from);
  if (works_from < piece.until) {
    const auto seconds = static_cast<double>((piece.until - works_from).ms) / 1e3;
    progress.left -= speed_up.at(piece.gpus) * seconds;
  }
  progress.at = piece.until;
}

void run_until(Time until, const SpeedUp& speed_up, Duration restart, const ElasticPieces& pieces,
               ElasticProgress& progress) {
  for (ElasticPiece piece : pieces) {
    if (piece.from >= until) break;
    piece.until = std::min(piece.until, until);
    run_piece(speed_up, restart, piece, progress);
  }
  if (progress.at < until) progress.gpus = 0;
  progress.at = until;
}

double trim(const ElasticGround& ground, ElasticDraft& draft) {
  ElasticProgress progress = draft.progress;
  for (std::size_t i = 0; i < draft.pieces.size(); ++i) {
    ElasticPiece& piece = draft.pieces[i];
    const double before = progress.left;
    run_piece(*draft.speed_up, ground.restart, piece, progress);
    if (progress.left > draft.round_off) continue;
    const double needed = std::max(0.0, before - draft.round_off / 2);
    const double ms = std::ceil(needed / draft.speed_up->at(piece.gpus) * 1e3);
    const Time done =
        std::max(piece.from, progress.works_from) + Duration{static_cast<std::int64_t>(ms)};
    piece.until = std::min(piece.until, slot_after(done, ground.slot));
    draft.pieces.resize(piece.until > piece.from ? i + 1 : i);
    return 0;
  }
  return progress.left > draft.round_off ? progress.left : 0;
}

namespace {

/// Whether going on at `speed` costs less than a restart into the faster `piece` would.
bool not_worth_a_restart(const ElasticGround& ground, const ElasticDraft& draft,
                         const ElasticPiece& piece, std::int32_t gpus) {
  const double slower = draft.speed_up->at(gpus);
  const double faster = draft.speed_up->at(piece.gpus);
  const auto length = static_cast<double>((piece.until - piece.from).ms);
  return (faster - slower) * length <= faster * static_cast<double>(ground.restart.ms);
}

}  // namespace

void smooth(const ElasticGround& ground, ElasticDraft& draft) {
  ElasticPieces& pieces = draft.pieces;
  Time last_end = draft.progress.at;
  std::int32_t last_gpus = draft.progress.begun ? draft.progress.gpus : 0;
  for (ElasticPiece& piece : pieces) {
    if (piece.from == last_end && last_gpus > 0 && last_gpus < piece.gpus &&
        not_worth_a_restart(ground, draft, piece, last_gpus)) {
      piece.gpus = last_gpus;
    }
    last_end = piece.until;
    last_gpus = piece.gpus;
  }
  for (std::size_t i = pieces.size(); i-- > 1;) {
    const ElasticPiece& next = pieces[i];
    ElasticPiece& piece = pieces[i - 1];
    if (piece.until == next.from && piece.gpus > next.gpus &&
        not_worth_a_restart(ground, draft, piece, next.gpus)) {
      piece.gpus = next.gpus;
    }
  }
  ElasticPieces joined;
  for (const ElasticPiece& piece : pieces) {
    const bool too_short = piece.until - piece.from <= ground.restart;
    const bool alone = joined.empty() || joined.back().until < piece.from;
    if (!(too_short && alone && draft.progress.begun)) append(joined, piece);
  }
  pieces = std::move(joined);
}

}  // namespace era
