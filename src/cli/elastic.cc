#include "cli/elastic.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "cli/amounts.h"

namespace cli {
namespace {

constexpr std::int32_t kMostRanks = 65'536;
constexpr std::string_view kForms = "write 1..8 or 1:1,2:1.9,4:3.5 (ranks:speed)";

/// A speed in thousandths.
std::optional<std::int32_t> speed_in(std::string_view text) {
  const auto speed = parse_decimal(text, 3);
  if (!speed || *speed < 1 || *speed > domain::kHighestSpeed) return std::nullopt;
  return static_cast<std::int32_t>(*speed);
}

/// As fast as every doubling makes it, with one rank at 1.
std::int32_t speed_by_doubling(const ElasticWish& wish, std::int32_t ranks) {
  const double exponent = std::log2(wish.doubling / 1'000.0);
  const double speed = 1'000 * std::pow(static_cast<double>(ranks), exponent);
  return static_cast<std::int32_t>(
      std::clamp(std::round(speed), 1.0, static_cast<double>(domain::kHighestSpeed)));
}

std::set<std::int32_t> usual_widths(std::int32_t min, std::int32_t max, std::int32_t ranks) {
  std::set<std::int32_t> widths{min, max};
  for (std::int32_t each = 1; each <= max; each *= 2) {
    if (each >= min) widths.insert(each);
  }
  if (min <= ranks && ranks <= max) widths.insert(ranks);
  return widths;
}

}  // namespace

base::Result<> add_speed(ElasticWish& wish, std::string_view ranks, std::string_view speed) {
  const auto count = parse_whole(ranks, 1, kMostRanks);
  const auto fast = speed_in(speed);
  if (!count || !fast) return base::invalid("elastic", "'{}:{}': {}", ranks, speed, kForms);
  if (!wish.speeds.emplace(*count, *fast).second)
    return base::invalid("elastic", "the speed on {} ranks is there twice", *count);
  return {};
}

base::Result<ElasticWish> parse_elastic(std::string_view text) {
  ElasticWish wish;
  const std::size_t dots = text.find("..");
  if (dots != std::string_view::npos) {
    const auto min = parse_whole(text.substr(0, dots), 1, kMostRanks);
    const auto max = parse_whole(text.substr(dots + 2), 1, kMostRanks);
    if (!min || !max || *min > *max) return base::invalid("elastic", "'{}': {}", text, kForms);
    wish.min = *min;
    wish.max = *max;
    return wish;
  }
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    const std::string_view each = text.substr(from, comma - from);
    const std::size_t colon = each.find(':');
    if (colon == std::string_view::npos) return base::invalid("elastic", "'{}': {}", text, kForms);
    auto good = add_speed(wish, each.substr(0, colon), each.substr(colon + 1));
    if (!good) return base::pass(good);
    from = comma + 1;
  }
  return wish;
}

base::Result<std::int32_t> parse_doubling(std::string_view text) {
  const auto speed = speed_in(text);
  if (!speed || *speed <= 1'000 || *speed > 2'000)
    return base::invalid("elastic", "'{}': what twice the ranks bring is more than 1, at most 2",
                         text);
  return *speed;
}

std::int32_t usual_ranks(const ElasticWish& wish) {
  const std::int32_t least = wish.min.value_or(1);
  const auto first = wish.speeds.lower_bound(least);
  return first == wish.speeds.end() ? least : first->first;
}

base::Result<domain::Widths> widths_of(const ElasticWish& wish, std::int32_t ranks) {
  const std::int32_t min = wish.min.value_or(1);
  if (wish.speeds.empty() && !wish.max)
    return base::invalid("elastic", "the most ranks are not said: {}", kForms);
  const std::int32_t max = wish.max.value_or(kMostRanks);
  if (min > max) return base::invalid("elastic", "min {} is more than max {}", min, max);
  domain::Widths widths;
  for (const auto& [each, speed] : wish.speeds) {
    if (min <= each && each <= max) widths.push_back({each, speed});
  }
  if (wish.speeds.empty()) {
    for (const std::int32_t each : usual_widths(min, max, ranks))
      widths.push_back({each, speed_by_doubling(wish, each)});
  }
  if (widths.size() > domain::kMostWidths)
    return base::invalid("elastic", "{} widths; at most {}", widths.size(), domain::kMostWidths);
  if (domain::speed_on(widths, ranks) == 0 || widths.empty())
    return base::invalid("elastic",
                         "ranks is {}, for which the duration is said, but that is none "
                         "of its widths",
                         ranks);
  return widths;
}

}  // namespace cli
