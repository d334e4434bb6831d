#pragma once
#include <boost/describe/class.hpp>

#include <cstdint>

namespace domain {

/// How much of a node a rank asks for, or a node has. All amounts are whole units, so sums are
/// exact and every machine computes the same plan.
struct Resources {
  std::int32_t gpus = 0;
  std::int64_t cpu_millis = 0;    ///< Thousandths of a core.
  std::int64_t memory_bytes = 0;  ///< 0 in a request: memory is neither promised nor limited.

  /// True if every amount fits in `capacity`. Not a total order: two Resources can each fail to
  /// fit in the other.
  constexpr bool fits_in(const Resources& capacity) const {
    return gpus <= capacity.gpus && cpu_millis <= capacity.cpu_millis &&
           memory_bytes <= capacity.memory_bytes;
  }

  friend constexpr Resources operator+(Resources a, const Resources& b) {
    return {a.gpus + b.gpus, a.cpu_millis + b.cpu_millis, a.memory_bytes + b.memory_bytes};
  }
  friend constexpr Resources operator-(Resources a, const Resources& b) {
    return {a.gpus - b.gpus, a.cpu_millis - b.cpu_millis, a.memory_bytes - b.memory_bytes};
  }
  friend constexpr Resources operator*(Resources a, std::int64_t n) {
    return {static_cast<std::int32_t>(a.gpus * n), a.cpu_millis * n, a.memory_bytes * n};
  }
  friend constexpr bool operator==(const Resources&, const Resources&) = default;
};
BOOST_DESCRIBE_STRUCT(Resources, (), (gpus, cpu_millis, memory_bytes))

}  // namespace domain
