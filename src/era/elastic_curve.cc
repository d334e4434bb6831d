#include "era/elastic_curve.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace era {

base::Result<SpeedUp> SpeedUp::of(std::span<const Speed> speeds) {
  if (speeds.empty()) return base::invalid("speeds", "a speed-up curve needs at least one width");
  std::int32_t before = 0;
  for (const Speed& speed : speeds) {
    if (speed.gpus <= before || speed.gpus >= (1 << kLevels) ||
        !std::has_single_bit(static_cast<std::uint32_t>(speed.gpus))) {
      return base::invalid("speeds", "{} gpus: widths are ascending powers of two below {}",
                           speed.gpus, 1 << kLevels);
    }
    if (!std::isfinite(speed.per_second) || speed.per_second <= 0) {
      return base::invalid("speeds", "{} gpus: the speed must be a positive number", speed.gpus);
    }
    before = speed.gpus;
  }
  SpeedUp made;
  made.speeds_.assign(speeds.begin(), speeds.end());
  for (const Speed& speed : speeds) {
    made.at_[static_cast<std::size_t>(level_of(speed.gpus))] = speed.per_second;
  }
  made.top_level_ = level_of(before);
  for (int level = 0; level < kLevels; ++level) made.add_hull(level);
  for (const Step& step : made.steps_) made.gains_.push_back(step.gain);
  std::sort(made.gains_.begin(), made.gains_.end(), std::greater<>());
  made.gains_.erase(std::unique(made.gains_.begin(), made.gains_.end()), made.gains_.end());
  return made;
}

// Andrew's monotone chain, the upper half: a step is dropped while the one after it gains more.
void SpeedUp::add_hull(int level) {
  const std::size_t first = first_step_[static_cast<std::size_t>(level)];
  for (const Speed& speed : speeds_) {
    if (speed.gpus > (1 << level)) break;
    Step step{.gpus = speed.gpus, .per_second = speed.per_second};
    while (true) {
      const Step below = steps_.size() > first ? steps_.back() : Step{};
      step.gain = (step.per_second - below.per_second) / (step.gpus - below.gpus);
      if (steps_.size() == first || step.gain < below.gain) break;
      steps_.pop_back();
    }
    if (step.gain > 0) steps_.push_back(step);
  }
  first_step_[static_cast<std::size_t>(level) + 1] = steps_.size();
}

double SpeedUp::at(std::int32_t gpus) const {
  if (!std::has_single_bit(static_cast<std::uint32_t>(gpus))) return 0;
  return gpus < (1 << kLevels) ? at_[static_cast<std::size_t>(level_of(gpus))] : 0;
}

double SpeedUp::fastest(std::int32_t gpus) const {
  double best = 0;
  for (const Speed& speed : speeds_) {
    if (speed.gpus <= gpus) best = std::max(best, speed.per_second);
  }
  return best;
}

double SpeedUp::least_cost() const {
  double most = 0;
  for (const Speed& speed : speeds_) most = std::max(most, speed.per_second / speed.gpus);
  return most > 0 ? 1 / most : 0;
}

}  // namespace era
