#pragma once
#include <string_view>

namespace base {
/// What happens at a fault point; it is given the point's name, on whatever thread passes it.
using FaultHandler = void (*)(std::string_view point);

/// Has `handler` called at every fault point. Call it before there are threads.
void set_fault_handler(FaultHandler handler);

/// Called by FAULT_POINT.
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
