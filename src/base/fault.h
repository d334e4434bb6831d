#pragma once
#include <string_view>

namespace base {
/// Ends the process as `kill -9` would if $BERTH_FAULT is "POINT" or "POINT:N" with this `point`
/// and this is its N-th pass (left out: the first). Called by FAULT_POINT.
void pass_fault_point(std::string_view point);
}  // namespace base

/// A place where a test may let the process die. Nothing in release builds; a target that uses it
/// defines BERTH_FAULT_POINTS as 1 or 0.
#if !defined(BERTH_FAULT_POINTS)
#define FAULT_POINT(point) static_assert(false, "define BERTH_FAULT_POINTS for this target")
#elif BERTH_FAULT_POINTS
#define FAULT_POINT(point) ::base::pass_fault_point(point)
#else
#define FAULT_POINT(point) static_cast<void>(0)
#endif
