#pragma once

namespace adapters::grpc {

/// Switches off the search for deadlocks that debug builds of gRPC's lock library do at every lock,
/// which costs more than the messages themselves. Call before the first server or channel.
void quiet_locks();

}  // namespace adapters::grpc
