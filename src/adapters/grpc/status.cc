#include "adapters/grpc/status.h"

#include <grpcpp/support/status.h>

#include <array>

#include "base/json.h"

namespace adapters::grpc {
namespace {

using base::ErrorCode;

struct Pair {
  ErrorCode ours;
  ::grpc::StatusCode theirs;
};

/// The first line of a code is the one that is used in that direction.
constexpr auto kCodes = std::to_array<Pair>({
    {ErrorCode::invalid_argument, ::grpc::StatusCode::INVALID_ARGUMENT},
    {ErrorCode::unauthenticated, ::grpc::StatusCode::UNAUTHENTICATED},
    {ErrorCode::permission_denied, ::grpc::StatusCode::PERMISSION_DENIED},
    {ErrorCode::not_found, ::grpc::StatusCode::NOT_FOUND},
    {ErrorCode::conflict, ::grpc::StatusCode::ABORTED},
    {ErrorCode::gone, ::grpc::StatusCode::FAILED_PRECONDITION},
    {ErrorCode::resource_exhausted, ::grpc::StatusCode::RESOURCE_EXHAUSTED},
    {ErrorCode::unavailable, ::grpc::StatusCode::UNAVAILABLE},
    {ErrorCode::unavailable, ::grpc::StatusCode::CANCELLED},
    {ErrorCode::deadline_exceeded, ::grpc::StatusCode::DEADLINE_EXCEEDED},
    {ErrorCode::data_loss, ::grpc::StatusCode::DATA_LOSS},
    {ErrorCode::internal, ::grpc::StatusCode::INTERNAL},
});

}  // namespace

::grpc::Status to_status(const base::Error& error) {
  auto code = ::grpc::StatusCode::INTERNAL;
  for (const Pair& pair : kCodes) {
    if (pair.ours != error.code) continue;
    code = pair.theirs;
    break;
  }
  const std::string text = error.field.empty() ? error.message : error.field + ": " + error.message;
  return {code, base::valid_utf8(text)};
}

base::Error to_error(const ::grpc::Status& status) {
  auto code = ErrorCode::internal;
  for (const Pair& pair : kCodes) {
    if (pair.theirs == status.error_code()) code = pair.ours;
  }
  return {code, status.error_message()};
}

}  // namespace adapters::grpc
