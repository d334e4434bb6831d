#include "base/fault.h"

namespace base {
namespace {
FaultHandler at_fault_points = nullptr;
}  // namespace

void set_fault_handler(FaultHandler handler) { at_fault_points = handler; }

void pass_fault_point(std::string_view point) {
  if (at_fault_points != nullptr) at_fault_points(point);
}

}  // namespace base
