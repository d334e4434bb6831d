#pragma once
#include <cstdint>
#include <random>

#include "base/check.h"
#include "domain/time.h"

namespace sim {

/// The only source of chance in a world: the same seed gives the same numbers on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// A whole number in [0, below).
  std::int64_t pick(std::int64_t below) {
    CHECK(below > 0, "a choice of at least one");
    return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(below));
  }
  /// A whole number in [from, to].
  std::int64_t between(std::int64_t from, std::int64_t to) { return from + pick(to - from + 1); }
  bool chance(std::int64_t percent) { return pick(100) < percent; }
  domain::Duration duration(domain::Duration from, domain::Duration to) {
    return {between(from.ms, to.ms)};
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace sim
