#pragma once
#include <compare>
#include <cstdint>
#include <string>

namespace base {

/// An identifier that cannot be mixed up with another identifier. No arithmetic, no implicit
/// conversion in or out.
template <class Tag, class Value = std::string>
struct Id {
  Value value{};
  friend auto operator<=>(const Id&, const Id&) = default;
};

/// Calls the handler that fits the alternative held by a variant: `std::visit(Overload{...}, v)`.
template <class... Handlers>
struct Overload : Handlers... {
  using Handlers::operator()...;
};

}  // namespace base
