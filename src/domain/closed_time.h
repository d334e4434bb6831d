#pragma once
#include <boost/describe/class.hpp>

#include <optional>
#include <vector>

#include "domain/time.h"

namespace domain {

/// A time in which a node takes no work, once or again and again.
struct ClosedTime {
  Time from;
  Time until = kNever;
  Duration every;  ///< Between the starts of two; zero: once.
  friend bool operator==(const ClosedTime&, const ClosedTime&) = default;
};
BOOST_DESCRIBE_STRUCT(ClosedTime, (), (from, until, every))

/// The first occurrence of `closed` that ends after `at`, or the one of several that begins first;
/// none if it is over for good.
inline std::optional<ClosedTime> next_occurrence(const ClosedTime& closed, Time at) {
  ClosedTime next{closed.from, closed.until, {}};
  if (next.until > at) return next;
  if (closed.every <= Duration{}) return std::nullopt;
  const Duration passed = closed.every * ((at - closed.until).ms / closed.every.ms + 1);
  return ClosedTime{next.from + passed, next.until + passed, {}};
}

inline std::optional<ClosedTime> next_occurrence(const std::vector<ClosedTime>& all, Time at) {
  std::optional<ClosedTime> first;
  for (const ClosedTime& closed : all) {
    const auto next = next_occurrence(closed, at);
    if (next && (!first || next->from < first->from)) first = next;
  }
  return first;
}

}  // namespace domain
