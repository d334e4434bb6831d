#pragma once
#include <compare>
#include <cstdint>

namespace domain {

/// An amount of credit in micro-credits (1 credit = 1,000,000). Whole numbers only, so sums are
/// exact.
struct Money {
  std::int64_t micros = 0;
  friend constexpr auto operator<=>(const Money&, const Money&) = default;
};

constexpr Money operator+(Money a, Money b) { return {a.micros + b.micros}; }
constexpr Money operator-(Money a, Money b) { return {a.micros - b.micros}; }
constexpr Money operator-(Money a) { return {-a.micros}; }
constexpr Money& operator+=(Money& a, Money b) { return a = a + b; }
constexpr Money& operator-=(Money& a, Money b) { return a = a - b; }
constexpr Money credits(std::int64_t whole) { return {whole * 1'000'000}; }

}  // namespace domain
