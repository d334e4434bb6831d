#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "domain/bid.h"

namespace cli {

/// On how many ranks a job may run, and how fast it is on them.
struct ElasticWish {
  std::optional<std::int32_t> min;
  std::optional<std::int32_t> max;
  /// By ranks, in thousandths of any unit. Empty: every doubling brings `doubling`.
  std::map<std::int32_t, std::int32_t> speeds;
  std::int32_t doubling = 1'800;  ///< In thousandths: twice the ranks are 1.8 times as fast.
  friend bool operator==(const ElasticWish&, const ElasticWish&) = default;
};

/// Reads "1..8" or "1:1,2:1.9,4:3.5".
base::Result<ElasticWish> parse_elastic(std::string_view text);
/// Reads the speed on so many ranks, both as words, into `wish`.
base::Result<> add_speed(ElasticWish& wish, std::string_view ranks, std::string_view speed);
/// Reads what a doubling of the ranks brings: "1.9".
base::Result<std::int32_t> parse_doubling(std::string_view text);

/// The widths that `wish` means for a job whose duration is said for `ranks`: those whose speed is
/// given, else the powers of two, `ranks` and both ends. Says no where `ranks` is none of them.
base::Result<domain::Widths> widths_of(const ElasticWish& wish, std::int32_t ranks);
/// The ranks that a duration is said for where nothing else is said: the fewest.
std::int32_t usual_ranks(const ElasticWish& wish);

}  // namespace cli
