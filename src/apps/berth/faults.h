#pragma once

namespace apps {

/// Lets the process die at a fault point as `kill -9` would: $BERTH_FAULT is "POINT" or "POINT:N"
/// for its N-th pass. Release builds have no fault points. Call it before there are threads.
void obey_fault_variable();

}  // namespace apps
