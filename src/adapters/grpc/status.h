#pragma once
#include "base/result.h"

namespace grpc {
class Status;
}

namespace adapters::grpc {

/// One table between our error codes and those of gRPC. The field at fault travels in the text.
::grpc::Status to_status(const base::Error& error);
base::Error to_error(const ::grpc::Status& status);

}  // namespace adapters::grpc
