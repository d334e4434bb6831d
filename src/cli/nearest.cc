#include "cli/nearest.h"

#include <algorithm>
#include <vector>

namespace cli {
namespace {

/// Single letters inserted, left out or replaced between `a` and `b` (Levenshtein).
std::size_t slips(std::string_view a, std::string_view b) {
  std::vector<std::size_t> above(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
    }
    above = std::move(row);
  }
  return above.back();
}

}  // namespace

std::string_view nearest(std::string_view got, std::span<const std::string_view> choices) {
  constexpr std::size_t kLongest = 40;
  if (got.size() > kLongest) return {};
  std::string_view best;
  std::size_t least = got.size() / 3 + 2;
  for (const std::string_view choice : choices) {
    const std::size_t distance = slips(got, choice);
    if (distance < least && distance < choice.size()) {
      least = distance;
      best = choice;
    }
  }
  return best;
}

}  // namespace cli
