#pragma once
#include "adapters/scheduler_service/asker.h"

namespace grpc {
class CallbackServerContext;
class Status;
}  // namespace grpc

namespace adapters::scheduler_service {

/// The status that stands for `error`, in the caller's language. The field at fault goes into the
/// trailing metadata of `context` as "berth-field".
::grpc::Status to_status(const base::Error& error, words::Language language,
                         ::grpc::CallbackServerContext& context);

/// "the controller is busy": its queue is full.
base::Error busy();

}  // namespace adapters::scheduler_service
