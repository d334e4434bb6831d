#include "adapters/grpc/quiet_locks.h"

#include <absl/synchronization/mutex.h>

namespace adapters::grpc {

void quiet_locks() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

}  // namespace adapters::grpc
