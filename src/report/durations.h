#pragma once
#include <boost/describe/class.hpp>

#include <cstdint>
#include <map>

#include "domain/time.h"

namespace report {

/// How long something took, over many times.
struct Spread {
  std::int64_t count = 0;
  std::int64_t mean_ms = 0;
  std::int64_t p50_ms = 0;
  std::int64_t p95_ms = 0;
  std::int64_t max_ms = 0;
  friend bool operator==(const Spread&, const Spread&) = default;
};
BOOST_DESCRIBE_STRUCT(Spread, (), (count, mean_ms, p50_ms, p95_ms, max_ms))

/// Durations, kept to ten significant bits, so that any number of them takes little memory: the
/// percentiles are exact below 1,024 ms and up to 0.2 % too small above; mean and maximum are
/// exact.
class Durations {
 public:
  /// Negative ones count as 0. O(log of the distinct lengths).
  void add(domain::Duration length);
  Spread spread() const;

 private:
  std::int64_t percentile(std::int64_t percent) const;

  std::map<std::int64_t, std::int64_t> counts_;  ///< How often, by length.
  std::int64_t count_ = 0;
  std::int64_t sum_ms_ = 0;
  std::int64_t max_ms_ = 0;
};

}  // namespace report
