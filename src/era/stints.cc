#include "era/stints.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/check.h"

namespace era {

using domain::Duration;
using domain::Time;

namespace {

/// How many prices of work are tried at most; a few are enough.
constexpr int kMostPrices = 64;
constexpr double kNoRoom = std::numeric_limits<double>::infinity();

/// A stretch in which every slot costs the same.
struct Stage {
  std::int64_t start = 0;  ///< Milliseconds, like all times here.
  std::int64_t finish = 0;
  double rate = 0;  ///< Cost a millisecond; kNoRoom where the gang has none.

  double length() const { return static_cast<double>(finish - start); }
};

bool is_closed(const std::vector<SlotRange>& closed, std::int64_t slot) {
  return std::ranges::any_of(
      closed, [&](const SlotRange& range) { return range.first <= slot && slot < range.end; });
}

/// The first slot after `slot` at which something closes or opens.
std::int64_t next_closing(const std::vector<SlotRange>& closed, std::int64_t slot) {
  std::int64_t next = kEndOfTime;
  for (const SlotRange& range : closed) {
    if (range.first > slot) next = std::min(next, range.first);
    if (range.end > slot) next = std::min(next, range.end);
  }
  return next;
}

/// The stages of the window, in order and without gaps.
std::vector<Stage> stages_of(const Lane& lane, const StintsAsk& ask, Duration slot,
                             const std::vector<SlotRange>& closed) {
  const SlotRange window = touched(ask.first, ask.finish_by, slot);
  std::vector<Stage> stages;
  for (Stages stage(lane, window.first); stage.from() < window.end; stage.next()) {
    const std::int64_t cost = lane.slot_cost(stage.run(), stage.lead(), ask.gang);
    const std::int64_t end = std::min(stage.end(), window.end);
    for (std::int64_t from = stage.from(); from < end;) {
      const std::int64_t until = std::min(end, next_closing(closed, from));
      const bool has_room = cost != Lane::kInfeasible && !is_closed(closed, from);
      stages.push_back(
          {std::max(from * slot.ms, ask.first.ms), std::min(until * slot.ms, ask.finish_by.ms),
           has_room ? static_cast<double>(cost) / static_cast<double>(slot.ms) : kNoRoom});
      from = until;
    }
  }
  return stages;
}

/// Which stages run, what they cost, and the work they do without what restarts take.
struct Choice {
  std::vector<bool> runs;
  double work = 0;
  double cost = 0;
};

/// What is weighed: `work_price` a millisecond of work against `cost_weight` x what it costs.
struct Weights {
  double work_price = 0;
  double cost_weight = 1;
};

/// Chooses stages, for whatever weights: a walk through the window in three states.
class Chooser {
 public:
  Chooser(const std::vector<Stage>& stages, const StintsAsk& ask)
      : stages_(stages), ask_(ask), came_from_(stages.size()) {}

  /// The choice with the highest weighed sum. O(stages).
  Choice best(const Weights& weights) {
    const double restart = weights.work_price * static_cast<double>(ask_.restart.ms);
    Values value{kImpossible, kImpossible, kImpossible};
    value[first_state(ask_.before)] = 0;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      const Stage& stage = stages_[i];
      State& before = came_from_[i].running;
      before = value[kRunning] >= value[kFresh] ? kRunning : kFresh;
      double run = value[before];
      if (value[kPaused] - restart > run) {
        run = value[kPaused] - restart;
        before = kPaused;
      }
      came_from_[i].paused = value[kRunning] > value[kPaused] ? kRunning : kPaused;
      value[kPaused] = std::max(value[kPaused], value[kRunning]);
      const double gain = weights.work_price - weights.cost_weight * stage.rate;
      value[kRunning] = stage.rate == kNoRoom ? kImpossible : run + gain * stage.length();
    }
    return trace_back(value);
  }

 private:
  enum State : std::uint8_t { kFresh, kRunning, kPaused };
  using Values = std::array<double, 3>;
  static State first_state(Before before) {
    if (before == Before::nothing) return kFresh;
    return before == Before::runs ? kRunning : kPaused;
  }
  static constexpr double kImpossible = -std::numeric_limits<double>::infinity();
  /// The state before a stage, for each state after it.
  struct CameFrom {
    State running = kFresh;
    State paused = kPaused;
  };

  Choice trace_back(const Values& value) const {
    Choice choice;
    choice.runs.resize(stages_.size());
    auto state = static_cast<State>(std::ranges::max_element(value) - value.begin());
    for (std::size_t i = stages_.size(); i-- > 0;) {
      if (state == kPaused) {
        state = came_from_[i].paused;
      } else if (state == kRunning) {
        choice.runs[i] = true;
        choice.work += stages_[i].length();
        choice.cost += stages_[i].length() * stages_[i].rate;
        state = came_from_[i].running;
        if (state == kPaused) choice.work -= static_cast<double>(ask_.restart.ms);
      }
    }
    return choice;
  }

  const std::vector<Stage>& stages_;
  const StintsAsk& ask_;
  std::vector<CameFrom> came_from_;
};

/// The cheapest choice, of those that some price of work brings out, that does all the work; none
/// if there is no time for it.
std::optional<Choice> enough(const std::vector<Stage>& stages, const StintsAsk& ask) {
  const auto wanted = static_cast<double>(ask.work.ms);
  Chooser chooser(stages, ask);
  Choice more = chooser.best({1, 0});
  if (more.work < wanted) return std::nullopt;
  Choice less;
  for (int i = 0; i < kMostPrices && more.work > wanted; ++i) {
    const double price = (more.cost - less.cost) / (more.work - less.work);
    Choice between = chooser.best({price, 1});
    if (between.work <= less.work || between.work >= more.work) break;
    (between.work < wanted ? less : more) = std::move(between);
  }
  return more;
}

/// Cuts what is too much off the chosen stages, the dearest first.
class Cutter {
 public:
  Cutter(std::vector<Stage> stages, const StintsAsk& ask, Duration slot, double excess)
      : stages_(std::move(stages)),
        ask_(ask),
        slot_(slot),
        excess_(static_cast<std::int64_t>(excess)) {}

  /// What is left, as stints.
  std::vector<Stint> cut() {
    while (excess_ > 0) {
      const std::optional<Cut> best = best_cut();
      if (!best) break;
      make(*best);
    }
    std::vector<Stint> stints;
    for (const Stage& stage : stages_) {
      if (!stints.empty() && stints.back().finish.ms == stage.start) {
        stints.back().finish = {stage.finish};
      } else {
        stints.push_back({{stage.start}, {stage.finish}});
      }
    }
    const Duration spare{std::min(excess_, stints.back().finish.ms - stints.back().start.ms - 1)};
    stints.back().finish = stints.back().finish - spare;
    return stints;
  }

 private:
  struct Cut {
    std::size_t stage = 0;
    bool from_start = false;
    std::int64_t length = 0;
    std::int64_t takes = 0;  ///< Of the excess.
    double saved_each = 0;   ///< Cost saved by millisecond of excess.
  };

  bool goes_on(std::size_t i) const {
    return i + 1 < stages_.size() && stages_[i].finish == stages_[i + 1].start;
  }
  bool has_run(std::size_t i) const {
    if (i == 0) return ask_.before == Before::runs && stages_[0].start == ask_.first.ms;
    return goes_on(i - 1);
  }

  /// The best way to cut stage `i`, with what it does to the number of restarts.
  std::optional<Cut> cut_of(std::size_t i) const {
    const Stage& stage = stages_[i];
    const bool before = has_run(i);
    const bool after = goes_on(i);
    const std::int64_t restart = ask_.restart.ms;
    // All of it: two stints become one fewer, or one is torn in two.
    std::int64_t change = 0;
    if (before && after) change = restart;
    if (!before && !after && (stages_.size() > 1 || ask_.before != Before::nothing))
      change = -restart;
    Cut cut{i, false, stage.finish - stage.start, 0, 0};
    cut.takes = cut.length + change;
    if (cut.takes > excess_ || cut.takes <= 0 || stages_.size() == 1) {
      // A part: off the end, or off the start if only that tears nothing.
      cut.from_start = after && !before;
      const std::int64_t torn = before && after ? restart : 0;
      std::int64_t length = std::min(excess_ - torn, cut.length);
      if (i + 1 < stages_.size()) length = whole_slots(stage, cut.from_start, length);
      if (length <= 0 || length >= cut.length) return std::nullopt;
      cut.length = length;
      cut.takes = length + torn;
    }
    cut.saved_each = static_cast<double>(cut.length) * stage.rate / static_cast<double>(cut.takes);
    return cut;
  }

  /// As much of `length` as leaves the edge of the cut between two slots.
  std::int64_t whole_slots(const Stage& stage, bool from_start, std::int64_t length) const {
    if (from_start) return (stage.start + length) / slot_.ms * slot_.ms - stage.start;
    return stage.finish - (stage.finish - length + slot_.ms - 1) / slot_.ms * slot_.ms;
  }

  std::optional<Cut> best_cut() const {
    std::optional<Cut> best;
    for (std::size_t i = stages_.size(); i-- > 0;) {
      const auto cut = cut_of(i);
      if (cut && (!best || cut->saved_each > best->saved_each)) best = cut;
    }
    return best;
  }

  void make(const Cut& cut) {
    Stage& stage = stages_[cut.stage];
    excess_ -= cut.takes;
    if (cut.length == stage.finish - stage.start) {
      stages_.erase(stages_.begin() + static_cast<std::ptrdiff_t>(cut.stage));
    } else if (cut.from_start) {
      stage.start += cut.length;
    } else {
      stage.finish -= cut.length;
    }
  }

  std::vector<Stage> stages_;  ///< Those that run.
  const StintsAsk& ask_;
  Duration slot_;
  std::int64_t excess_;
};

}  // namespace

std::optional<std::vector<Stint>> cheapest_stints(const Lane& lane, const StintsAsk& ask,
                                                  Duration slot,
                                                  const std::vector<SlotRange>& closed) {
  CHECK(ask.work > Duration{} && ask.first < ask.finish_by, "there is work, and time to do it in");
  std::vector<Stage> stages = stages_of(lane, ask, slot, closed);
  const std::optional<Choice> choice = enough(stages, ask);
  if (!choice) return std::nullopt;
  std::vector<Stage> chosen;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (choice->runs[i]) chosen.push_back(stages[i]);
  }
  const double excess = choice->work - static_cast<double>(ask.work.ms);
  return Cutter(std::move(chosen), ask, slot, excess).cut();
}

}  // namespace era
