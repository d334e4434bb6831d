#include "era/elastic_draft.h"

#include <array>
#include <cmath>
#include <limits>
#include <queue>

#include "base/check.h"

namespace era {
namespace {

using domain::Duration;
using domain::Time;
using Levels = std::array<std::size_t, SpeedUp::kLevels>;

/// How often a draft may ask for more work to make up for its restarts.
constexpr int kAttempts = 5;

double seconds(std::int64_t ms) { return static_cast<double>(ms) / 1e3; }

/// For each level of free GPUs, how many steps of its hull a job climbs: everywhere those with a
/// gain above some gain, and until `missing` iterations are done also those with just that gain.
struct Climb {
  Levels everywhere{};
  Levels at_first{};
  double gain = 0;
  double missing = 0;
};

/// The climb that does `work` with the highest gain, that is with the fewest GPU-seconds; none if
/// climbing everything is not enough. `times` holds the milliseconds at each level.
std::optional<Climb> climb_for(const ElasticDraft& draft, double work,
                               const std::array<std::int64_t, SpeedUp::kLevels>& times) {
  Climb climb;
  double done = 0;
  int top = SpeedUp::kLevels - 1;
  while (top >= 0 && times[static_cast<std::size_t>(top)] == 0) --top;
  for (const double gain : draft.speed_up->gains()) {
    climb.everywhere = climb.at_first;
    climb.gain = gain;
    climb.missing = work - done;
    for (int level = 0; level <= top; ++level) {
      const auto i = static_cast<std::size_t>(level);
      if (times[i] == 0) continue;
      const auto steps = draft.speed_up->steps(level);
      std::size_t& climbed = climb.at_first[i];
      for (; climbed < steps.size() && steps[climbed].gain >= gain; ++climbed) {
        const double before = climbed > 0 ? steps[climbed - 1].per_second : 0;
        done += (steps[climbed].per_second - before) * seconds(times[i]);
      }
    }
    if (done >= work - draft.round_off) return climb;
  }
  return std::nullopt;
}

/// The stretch of one step of `free` that a draft may use.
struct Stretch {
  std::int64_t from = 0;
  std::int64_t until = 0;
  int level = -1;
};

/// Calls `use` for each step of `free` that the draft may use and in which something is free.
template <class Use>
void for_each_stretch(const FreeGpus& free, const ElasticDraft& draft, const Use& use) {
  const auto steps = free.all();
  const std::int64_t from = draft.progress.at.ms;
  const std::int64_t until = draft.until.ms;
  for (std::size_t i = free.at(from); steps[i].from < until; ++i) {
    const Stretch stretch{.from = std::max(from, steps[i].from),
                          .until = std::min(until, steps[i + 1].from),
                          .level = draft.speed_up->level_with(steps[i].value)};
    if (stretch.level >= 0) use(stretch);
  }
}

/// Lays the climb over what is free: at first as far as `at_first`, then `everywhere`.
ElasticPieces pieces_of(const ElasticGround& ground, const FreeGpus& free,
                        const ElasticDraft& draft, Climb climb) {
  ElasticPieces pieces;
  for_each_stretch(free, draft, [&](const Stretch& stretch) {
    const auto steps = draft.speed_up->steps(stretch.level);
    const auto at = [&](std::size_t climbed) {
      return climbed > 0 ? steps[climbed - 1] : SpeedUp::Step{};
    };
    const auto level = static_cast<std::size_t>(stretch.level);
    const SpeedUp::Step wide = at(climb.at_first[level]);
    const SpeedUp::Step narrow = at(climb.everywhere[level]);
    std::int64_t change = stretch.from;
    if (climb.missing > draft.round_off && wide.gpus > narrow.gpus) {
      const double rate = wide.per_second - narrow.per_second;
      const double needed = std::ceil((climb.missing - draft.round_off / 2) / rate * 1e3);
      const double length = static_cast<double>(stretch.until - stretch.from);
      change = needed >= length
                   ? stretch.until
                   : slot_after({stretch.from + static_cast<std::int64_t>(needed)}, ground.slot).ms;
      change = std::min(change, stretch.until);
      climb.missing -= rate * seconds(change - stretch.from);
    }
    append(pieces, {.from = {stretch.from}, .until = {change}, .gpus = wide.gpus});
    append(pieces, {.from = {change}, .until = {stretch.until}, .gpus = narrow.gpus});
  });
  return pieces;
}

/// A draft's next wider width, and how much it saves there of what it would cost later.
struct Raise {
  double worth = 0;
  std::size_t draft = 0;
  std::int32_t from_gpus = 0;
  std::int32_t to_gpus = 0;
  Time until;

  /// For a priority queue: the most worth first, then the draft that comes first.
  friend bool operator<(const Raise& a, const Raise& b) {
    return a.worth != b.worth ? a.worth < b.worth : a.draft > b.draft;
  }
};

/// Uses the GPUs that idle at one moment.
class Idle {
 public:
  Idle(const ElasticGround& ground, FreeGpus& free, std::span<ElasticDraft> drafts)
      : ground_(ground), free_(free), drafts_(drafts), tried_(drafts.size(), 0) {}

  void use() {
    for (std::size_t i = 0; i < drafts_.size(); ++i) queue(i);
    while (!raises_.empty()) {
      const Raise raise = raises_.top();
      raises_.pop();
      if (raise.to_gpus - raise.from_gpus <= free_now()) take(raise);
      if (free_now() > 0) queue(raise.draft);
    }
  }

 private:
  std::int32_t free_now() const {
    return drafts_.empty() ? 0 : free_.all()[free_.at(drafts_[0].progress.at.ms)].value;
  }

  /// The first moment at which fewer than `gpus` are free, but not far behind `most`.
  Time free_until(Time from, std::int32_t gpus) const {
    const auto steps = free_.all();
    std::size_t i = free_.at(from.ms);
    const std::int64_t enough = from.ms + kRestarts * ground_.restart.ms;
    do {
      ++i;
    } while (steps[i].from < enough && steps[i].value >= gpus);
    return {steps[i].from};
  }

  /// Iterations on [progress.at, until) at `gpus`.
  double done_by(const ElasticDraft& draft, Time until, std::int32_t gpus) const {
    ElasticProgress progress = draft.progress;
    run_piece(*draft.speed_up, ground_.restart, {.from = progress.at, .until = until, .gpus = gpus},
              progress);
    return draft.progress.left - progress.left;
  }

  void queue(std::size_t index) {
    const ElasticDraft& draft = drafts_[index];
    const Time now = draft.progress.at;
    if (draft.pieces.empty()) return;
    const std::int32_t idle = free_now();
    const bool runs = draft.pieces[0].from == now;
    const std::int32_t gpus = runs ? draft.pieces[0].gpus : 0;
    const Time same_until = runs ? draft.pieces[0].until : draft.pieces[0].from;
    Raise best{.draft = index, .from_gpus = gpus};
    for (const Speed& speed : draft.speed_up->speeds()) {
      const std::int32_t more = speed.gpus - gpus;
      if (more <= 0 || speed.gpus <= tried_[index]) continue;
      if (more > idle) break;
      const Time until = std::min(same_until, free_until(now, more));
      const double saved =
          done_by(draft, until, speed.gpus) - (gpus > 0 ? done_by(draft, until, gpus) : 0);
      const double worth = saved / (more * seconds((until - now).ms)) / draft.gain;
      if (worth <= best.worth) continue;
      best.worth = worth;
      best.to_gpus = speed.gpus;
      best.until = until;
    }
    if (best.worth > 0) raises_.push(best);
  }

  /// What the draft no longer needs later stays held: this round hands out the present only.
  void take(const Raise& raise) {
    tried_[raise.draft] = raise.to_gpus;
    ElasticDraft& draft = drafts_[raise.draft];
    const Time now = draft.progress.at;
    const Time until = std::min(raise.until, free_until(now, raise.to_gpus - raise.from_gpus));
    ElasticDraft raised = draft;
    raised.pieces = {{.from = now, .until = until, .gpus = raise.to_gpus}};
    for (const ElasticPiece& piece : clipped(draft.pieces, until, draft.until)) {
      append(raised.pieces, piece);
    }
    if (trim(ground_, raised) > 0) return;
    draft.pieces = std::move(raised.pieces);
    free_.change({now.ms, until.ms},
                 [&](std::int32_t& gpus) { gpus -= raise.to_gpus - raise.from_gpus; });
  }

  /// Past so many restart times it no longer matters how long a width can be held.
  static constexpr std::int64_t kRestarts = 8;

  const ElasticGround& ground_;
  FreeGpus& free_;
  std::span<ElasticDraft> drafts_;
  std::vector<std::int32_t> tried_;
  std::priority_queue<Raise> raises_;
};

/// Climbs; asks for more work until that makes up for the restarts.
bool lay_climb(const ElasticGround& ground, const FreeGpus& free, ElasticDraft& draft) {
  std::array<std::int64_t, SpeedUp::kLevels> times{};
  for_each_stretch(free, draft, [&](const Stretch& stretch) {
    times[static_cast<std::size_t>(stretch.level)] += stretch.until - stretch.from;
  });
  double work = draft.progress.left;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::optional<Climb> climb = climb_for(draft, work, times);
    if (!climb) return false;
    draft.gain = climb->gain;
    draft.pieces = pieces_of(ground, free, draft, *climb);
    if (ground.restart.ms > 0) smooth(ground, draft);
    const double undone = trim(ground, draft);
    if (undone == 0) return true;
    work += undone;
  }
  return false;
}

/// Runs at one width wherever that is free, which needs the fewest restarts.
void lay_one_width(const ElasticGround& ground, const FreeGpus& free, std::int32_t gpus,
                   ElasticDraft& draft) {
  draft.pieces.clear();
  for_each_stretch(free, draft, [&](const Stretch& stretch) {
    if (stretch.level < SpeedUp::level_of(gpus)) return;
    append(draft.pieces, {.from = {stretch.from}, .until = {stretch.until}, .gpus = gpus});
  });
  smooth(ground, draft);
}

double gpu_seconds(const ElasticPieces& pieces) {
  double sum = 0;
  for (const ElasticPiece& piece : pieces) {
    sum += piece.gpus * seconds((piece.until - piece.from).ms);
  }
  return sum;
}

}  // namespace

void hold(FreeGpus& free, const ElasticPieces& pieces) {
  for (const ElasticPiece& piece : pieces) {
    free.change({piece.from.ms, piece.until.ms}, [&](std::int32_t& gpus) {
      gpus -= piece.gpus;
      CHECK(gpus >= 0, "elastic pieces hold more GPUs than there are");
    });
  }
}

bool lay(const ElasticGround& ground, const FreeGpus& free, ElasticDraft& draft) {
  const bool climbed = lay_climb(ground, free, draft);
  if (ground.restart.ms == 0 || (climbed && draft.pieces.size() == 1)) return climbed;
  ElasticDraft best = draft;
  double least = climbed ? gpu_seconds(draft.pieces) : std::numeric_limits<double>::infinity();
  for (const Speed& speed : draft.speed_up->speeds()) {
    lay_one_width(ground, free, speed.gpus, draft);
    if (trim(ground, draft) > 0 || gpu_seconds(draft.pieces) >= least) continue;
    least = gpu_seconds(draft.pieces);
    best.pieces = draft.pieces;
  }
  draft = std::move(best);
  return std::isfinite(least);
}

void use_idle(const ElasticGround& ground, FreeGpus& free, std::span<ElasticDraft> drafts) {
  Idle(ground, free, drafts).use();
}

}  // namespace era
