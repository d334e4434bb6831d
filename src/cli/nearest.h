#pragma once
#include <span>
#include <string_view>

namespace cli {

/// The choice that `got` was probably meant to be: the only one that begins with it, else the one
/// with the fewest slips of the finger between them, else the longest that is its first words.
/// Empty when none is near, and for a single letter. O(choices x length^2).
std::string_view nearest(std::string_view got, std::span<const std::string_view> choices);

}  // namespace cli
