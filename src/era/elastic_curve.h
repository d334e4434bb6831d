#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace era {

/// How fast an elastic job runs on so many GPUs.
struct Speed {
  std::int32_t gpus = 0;
  double per_second = 0;  ///< Iterations.
  friend bool operator==(const Speed&, const Speed&) = default;
};

/// A job's speed-up curve: the widths it may have and its speed on each. Widths are powers of two;
/// the least and the most are the job's limits, and it may always pause. What is planned follows
/// the upper concave hull, so a curve may dip: a width slower than a narrower one is never chosen.
class SpeedUp {
 public:
  /// Widths are 1, 2, 4 ... up to 2^(kLevels - 1) GPUs.
  static constexpr int kLevels = 16;

  /// A width worth growing to, and what each GPU brings that it has more than the step before.
  struct Step {
    std::int32_t gpus = 0;
    double per_second = 0;
    double gain = 0;  ///< Iterations a second and GPU.
  };

  /// A job that cannot run at all.
  SpeedUp() = default;
  /// Says no to an empty list, to widths that are no ascending powers of two and to speeds that are
  /// not positive and finite.
  static base::Result<SpeedUp> of(std::span<const Speed> speeds);

  std::span<const Speed> speeds() const { return speeds_; }
  /// Iterations a second; 0 for 0 GPUs and for widths that are not allowed.
  double at(std::int32_t gpus) const;
  double fastest(std::int32_t gpus) const;  ///< On at most so many.
  /// GPU-seconds an iteration costs at the width where it costs least.
  double least_cost() const;

  /// The largest level with 2^level <= gpus; -1 if there is none.
  static int level_of(std::int32_t gpus) {
    if (gpus <= 0) return -1;
    const int level = static_cast<int>(std::bit_width(static_cast<std::uint32_t>(gpus))) - 1;
    return level < kLevels ? level : kLevels - 1;
  }
  /// The level of so many free GPUs; all levels above the widest width are one, as they offer the
  /// same widths.
  int level_with(std::int32_t free_gpus) const {
    const int level = level_of(free_gpus);
    return level < top_level_ ? level : top_level_;
  }
  /// The upper concave hull of the widths of at most 2^level GPUs, narrowest first: gains fall.
  std::span<const Step> steps(int level) const {
    const auto i = static_cast<std::size_t>(level);
    return std::span(steps_).subspan(first_step_[i], first_step_[i + 1] - first_step_[i]);
  }
  /// Every gain of every hull, once, the highest first.
  std::span<const double> gains() const { return gains_; }

  friend bool operator==(const SpeedUp& a, const SpeedUp& b) { return a.speeds_ == b.speeds_; }

 private:
  void add_hull(int level);

  std::vector<Speed> speeds_;
  std::array<double, kLevels> at_{};
  int top_level_ = 0;  ///< That of the widest width.
  std::vector<Step> steps_;
  std::array<std::size_t, kLevels + 1> first_step_{};
  std::vector<double> gains_;
};

}  // namespace era
