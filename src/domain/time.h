#pragma once
#include <compare>
#include <cstdint>

namespace domain {

struct Duration {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(const Duration&, const Duration&) = default;
};

/// A moment on the controller's clock, in whole milliseconds since the Unix epoch.
struct Time {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(const Time&, const Time&) = default;
};

constexpr Time operator+(Time t, Duration d) { return {t.ms + d.ms}; }
constexpr Time operator-(Time t, Duration d) { return {t.ms - d.ms}; }
constexpr Duration operator-(Time a, Time b) { return {a.ms - b.ms}; }
constexpr Duration operator+(Duration a, Duration b) { return {a.ms + b.ms}; }
constexpr Duration operator-(Duration a, Duration b) { return {a.ms - b.ms}; }
constexpr Duration operator*(Duration d, std::int64_t n) { return {d.ms * n}; }

inline constexpr Duration kSecond{1'000};
inline constexpr Duration kMinute{60'000};
inline constexpr Duration kHour{3'600'000};
inline constexpr Duration kDay{86'400'000};
/// Later than every moment that Berth plans for.
inline constexpr Time kNever{std::int64_t{1} << 60};

}  // namespace domain
