#pragma once
#include <span>
#include <string_view>

namespace cli {

/// The choice that `got` was probably meant to be; empty when none is near. O(choices x length^2).
std::string_view nearest(std::string_view got, std::span<const std::string_view> choices);

}  // namespace cli
