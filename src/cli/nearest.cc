#include "cli/nearest.h"

#include <algorithm>
#include <vector>

namespace cli {
namespace {

/// Single letters inserted, left out, replaced or swapped with their neighbour between `a` and `b`.
std::size_t slips(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    rows[i][0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[i][j] = std::min({replaced, rows[i - 1][j] + 1, rows[i][j - 1] + 1});
      const bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swap) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.size()][b.size()];
}

/// The only choice that begins with `got`; empty if there are several.
std::string_view completed(std::string_view got, std::span<const std::string_view> choices) {
  std::string_view only;
  for (const std::string_view choice : choices) {
    if (!choice.starts_with(got)) continue;
    if (!only.empty() && choice != only) return {};
    only = choice;
  }
  return only;
}

/// The longest choice that is the first words of `got`: gpus of gpus-per-rank.
std::string_view first_words(std::string_view got, std::span<const std::string_view> choices) {
  std::string_view longest;
  for (const std::string_view choice : choices) {
    const bool begins = got.starts_with(choice) && got.substr(choice.size()).starts_with('-');
    if (begins && choice.size() > longest.size()) longest = choice;
  }
  return longest;
}

}  // namespace

std::string_view nearest(std::string_view got, std::span<const std::string_view> choices) {
  constexpr std::size_t kLongest = 40;
  constexpr std::size_t kShortest = 2;
  if (got.size() < kShortest || got.size() > kLongest) return {};
  std::string_view best = completed(got, choices);
  if (!best.empty()) return best;
  std::size_t least = got.size() / 3 + 2;
  for (const std::string_view choice : choices) {
    const std::size_t distance = slips(got, choice);
    if (distance < least && distance < choice.size()) {
      least = distance;
      best = choice;
    }
  }
  return best.empty() ? first_words(got, choices) : best;
}

}  // namespace cli
