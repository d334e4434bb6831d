#include "era/width_stints.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace era {

using domain::Duration;
using domain::Time;

namespace {

/// How many prices of work are tried at most; a few are enough.
constexpr int kMostPrices = 64;
constexpr double kNoRoom = std::numeric_limits<double>::infinity();
constexpr double kImpossible = -std::numeric_limits<double>::infinity();
/// Where nothing else tells two choices apart, a change of width weighs this part of a slot's work.
constexpr double kChangeWeight = 1e-3;

/// The window in stretches in each of which nothing changes, in order and without gaps.
struct Course {
  std::vector<std::int64_t> from;  ///< Milliseconds; and the window's end.
  std::vector<double> rates;       ///< Cost a millisecond, by stretch and then by width.
  std::size_t widths = 0;

  std::size_t size() const { return from.size() - 1; }
  double length(std::size_t i) const { return static_cast<double>(from[i + 1] - from[i]); }
  double rate(std::size_t i, std::size_t width) const { return rates[i * widths + width]; }
};

/// Whether `width` is closed at `slot`.
bool is_closed(const std::vector<ClosedWidths>& closed, std::int64_t slot, std::size_t width) {
  return std::ranges::any_of(closed, [&](const ClosedWidths& each) {
    return each.slots.first <= slot && slot < each.slots.end && each.narrowest <= width;
  });
}

/// The first slot after `slot` at which something closes or opens.
std::int64_t next_closing(const std::vector<ClosedWidths>& closed, std::int64_t slot) {
  std::int64_t next = kEndOfTime;
  for (const ClosedWidths& each : closed) {
    if (each.slots.first > slot) next = std::min(next, each.slots.first);
    if (each.slots.end > slot) next = std::min(next, each.slots.end);
  }
  return next;
}

Course course_of(const Lane& lane, const WidthStintsAsk& ask, Duration slot,
                 const std::vector<ClosedWidths>& closed) {
  const SlotRange window = touched(ask.first, ask.finish_by, slot);
  const std::int64_t changes_from = window.first + (ask.before == Before::runs ? 1 : 0);
  Course course;
  course.widths = ask.widths.size();
  for (Stages stage(lane, window.first); stage.from() < window.end; stage.next()) {
    const std::int64_t end = std::min(stage.end(), window.end);
    for (std::int64_t from = stage.from(); from < end;) {
      course.from.push_back(std::max(from * slot.ms, ask.first.ms));
      for (std::size_t width = 0; width < course.widths; ++width) {
        const auto cost = lane.slot_cost(stage.run(), stage.lead(), ask.widths[width].gang);
        const bool has_room = cost != Lane::kInfeasible && !is_closed(closed, from, width) &&
                              (from >= changes_from || width == ask.runs_on);
        course.rates.push_back(has_room ? static_cast<double>(cost) / static_cast<double>(slot.ms)
                                        : kNoRoom);
      }
      std::int64_t until = std::min(end, next_closing(closed, from));
      if (from < changes_from) until = std::min(until, changes_from);
      from = until;
    }
  }
  course.from.push_back(ask.finish_by.ms);
  return course;
}

/// Stints in order, and what they come to.
struct Choice {
  std::vector<WidthStint> stints;
  std::int64_t work = 0;
  double cost = 0;
};

/// What is weighed: `work_price` for each unit of work against `cost_weight` x what it costs.
struct Weights {
  double work_price = 0;
  double cost_weight = 1;
};

/// Whether `stints[i]` begins with a restart.
bool restarts(const WidthStintsAsk& ask, const std::vector<WidthStint>& stints, std::size_t i) {
  if (i > 0) return true;
  if (ask.before == Before::nothing) return false;
  return ask.before == Before::pauses || stints[0].start != ask.first ||
         stints[0].width != ask.runs_on;
}

std::int64_t work_of(const WidthStintsAsk& ask, const std::vector<WidthStint>& stints,
                     std::size_t i) {
  const Duration idle = restarts(ask, stints, i) ? ask.restart : Duration{};
  return ((stints[i].finish - stints[i].start) - idle).ms * ask.widths[stints[i].width].speed;
}

double cost_of(const Course& course, const std::vector<WidthStint>& stints) {
  double sum = 0;
  std::size_t i = 0;
  for (const WidthStint& stint : stints) {
    while (course.from[i + 1] <= stint.start.ms) ++i;
    for (std::size_t j = i; j < course.size() && course.from[j] < stint.finish.ms; ++j) {
      const std::int64_t from = std::max(course.from[j], stint.start.ms);
      const std::int64_t until = std::min(course.from[j + 1], stint.finish.ms);
      sum += static_cast<double>(until - from) * course.rate(j, stint.width);
    }
  }
  return sum;
}

/// Adds what runs next; it may go on without a break.
void append(std::vector<WidthStint>& stints, const WidthStint& next) {
  const bool goes_on =
      !stints.empty() && stints.back().finish == next.start && stints.back().width == next.width;
  if (goes_on) {
    stints.back().finish = next.finish;
  } else {
    stints.push_back(next);
  }
}

/// Chooses widths, for whatever weights: a walk through the course in a state for each width, one
/// for a pause, and one for a job that is new.
class Chooser {
 public:
  Chooser(const Course& course, const WidthStintsAsk& ask, Duration slot)
      : course_(course),
        ask_(ask),
        widths_(ask.widths.size()),
        change_(std::max(static_cast<double>(ask.restart.ms),
                         kChangeWeight * static_cast<double>(slot.ms))),
        came_from_(course.size() * (widths_ + 1)) {}

  /// The choice with the highest weighed sum. O(stretches x widths).
  Choice best(const Weights& weights) {
    std::vector<double> value(widths_ + 2, kImpossible);
    value[first_state()] = 0;
    for (std::size_t i = 0; i < course_.size(); ++i) advance(weights, i, value);
    const auto last = std::ranges::max_element(value) - value.begin();
    Choice choice;
    choice.stints = trace_back(static_cast<std::size_t>(last));
    choice.work = era::work_of(ask_, choice.stints);
    choice.cost = cost_of(course_, choice.stints);
    return choice;
  }

 private:
  std::size_t paused() const { return widths_; }
  std::size_t fresh() const { return widths_ + 1; }
  std::size_t first_state() const {
    if (ask_.before == Before::nothing) return fresh();
    return ask_.before == Before::runs ? ask_.runs_on : paused();
  }

  /// From what each state is worth before stretch `i` to what it is worth after it.
  void advance(const Weights& weights, std::size_t i, std::vector<double>& value) {
    std::uint8_t* came_from = &came_from_[i * (widths_ + 1)];
    std::size_t best = paused();
    for (std::size_t width = 0; width < widths_; ++width) {
      if (value[width] > value[best]) best = width;
    }
    const double at_best = value[best];
    const double length = course_.length(i);
    for (std::size_t width = 0; width < widths_; ++width) {
      const auto speed = static_cast<double>(ask_.widths[width].speed);
      const double changed = at_best - weights.work_price * change_ * speed;
      std::size_t before = width;
      if (changed > value[before]) before = best;
      const double unchanged_or_changed = std::max(changed, value[width]);
      const bool begins = value[fresh()] > unchanged_or_changed;
      if (begins) before = fresh();
      const double start = begins ? value[fresh()] : unchanged_or_changed;
      const double rate = course_.rate(i, width);
      const double gain = weights.work_price * speed - weights.cost_weight * rate;
      came_from[width] = static_cast<std::uint8_t>(before);
      value[width] = rate == kNoRoom ? kImpossible : start + gain * length;
    }
    came_from[paused()] = static_cast<std::uint8_t>(best);
    value[paused()] = at_best;
  }

  std::vector<WidthStint> trace_back(std::size_t state) const {
    std::vector<WidthStint> reversed;
    for (std::size_t i = course_.size(); i-- > 0 && state != fresh();) {
      const std::size_t before = came_from_[i * (widths_ + 1) + state];
      if (state < widths_) {
        const Time from{course_.from[i]};
        const Time until{course_.from[i + 1]};
        const bool goes_on =
            !reversed.empty() && reversed.back().start == until && reversed.back().width == state;
        if (goes_on) {
          reversed.back().start = from;
        } else {
          reversed.push_back({from, until, state});
        }
      }
      state = before;
    }
    std::ranges::reverse(reversed);
    return reversed;
  }

  const Course& course_;
  const WidthStintsAsk& ask_;
  std::size_t widths_;
  double change_;  ///< What a change of width takes, in milliseconds.
  std::vector<std::uint8_t> came_from_;
};

/// Two choices that some price of work brings out, one with too little work and one with enough,
/// between which no other lies.
struct Around {
  Choice less;
  Choice more;
};

/// None if there is no room for the work.
std::optional<Around> around(const Course& course, const WidthStintsAsk& ask, Duration slot) {
  Chooser chooser(course, ask, slot);
  Around found{{}, chooser.best({1, 0})};
  auto& [less, more] = found;
  if (more.work < ask.work) return std::nullopt;
  for (int i = 0; i < kMostPrices && more.work > ask.work; ++i) {
    const double price = (more.cost - less.cost) / static_cast<double>(more.work - less.work);
    Choice between = chooser.best({price, 1});
    if (between.work <= less.work || between.work >= more.work) break;
    (between.work < ask.work ? less : more) = std::move(between);
  }
  return found;
}

/// What `before` does up to `at`, and `after` from then on.
std::vector<WidthStint> spliced(const std::vector<WidthStint>& before,
                                const std::vector<WidthStint>& after, Time at) {
  std::vector<WidthStint> stints;
  for (WidthStint stint : before) {
    stint.finish = std::min(stint.finish, at);
    if (stint.start < stint.finish) append(stints, stint);
  }
  for (WidthStint stint : after) {
    stint.start = std::max(stint.start, at);
    if (stint.start < stint.finish) append(stints, stint);
  }
  return stints;
}

/// The splice of two choices, the one with too little work and the other with enough, that does no
/// more than it must: bisected, slot by slot.
std::vector<WidthStint> enough(const WidthStintsAsk& ask, const std::vector<WidthStint>& before,
                               const std::vector<WidthStint>& after, Duration slot) {
  const SlotRange window = touched(ask.first, ask.finish_by, slot);
  const auto at = [&](std::int64_t edge) { return spliced(before, after, Time{edge * slot.ms}); };
  std::int64_t fits = window.first;
  std::int64_t fails = window.end;
  if (work_of(ask, at(fits)) < ask.work) std::swap(fits, fails);
  while (std::abs(fits - fails) > 1) {
    const std::int64_t middle = fits + (fails - fits) / 2;
    (work_of(ask, at(middle)) < ask.work ? fails : fits) = middle;
  }
  return at(fits);
}

/// Without what does no work, and without what is too much at the end.
std::vector<WidthStint> trimmed(const WidthStintsAsk& ask, std::vector<WidthStint> stints) {
  for (std::size_t i = stints.size(); i-- > 0;) {
    if (work_of(ask, stints, i) > 0) continue;
    stints.erase(stints.begin() + static_cast<std::ptrdiff_t>(i));
    i = std::min(i + 1, stints.size());
  }
  std::int64_t excess = work_of(ask, stints) - ask.work;
  while (work_of(ask, stints, stints.size() - 1) <= excess) {
    excess -= work_of(ask, stints, stints.size() - 1);
    stints.pop_back();
  }
  WidthStint& last = stints.back();
  last.finish = last.finish - Duration{excess / ask.widths[last.width].speed};
  return stints;
}

}  // namespace

std::int64_t work_of(const WidthStintsAsk& ask, const std::vector<WidthStint>& stints) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < stints.size(); ++i) sum += work_of(ask, stints, i);
  return sum;
}

std::optional<std::vector<WidthStint>> cheapest_width_stints(
    const Lane& lane, const WidthStintsAsk& ask, Duration slot,
    const std::vector<ClosedWidths>& closed) {
  CHECK(ask.work > 0 && ask.first < ask.finish_by, "there is work, and time to do it in");
  CHECK(!ask.widths.empty() && ask.widths.size() <= 32, "the widths are few");
  const Course course = course_of(lane, ask, slot, closed);
  const std::optional<Around> found = around(course, ask, slot);
  if (!found) return std::nullopt;
  const auto& [less, more] = *found;
  std::vector<WidthStint> best;
  auto best_key = std::pair(kNoRoom, domain::kNever);
  for (auto& stints : {more.stints, enough(ask, more.stints, less.stints, slot),
                       enough(ask, less.stints, more.stints, slot)}) {
    std::vector<WidthStint> choice = trimmed(ask, stints);
    const auto key = std::pair(std::round(cost_of(course, choice)), choice.back().finish);
    if (key >= best_key) continue;
    best_key = key;
    best = std::move(choice);
  }
  return best;
}

}  // namespace era
