#include "adapters/scheduler_service/errors.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include "adapters/grpc/status.h"
#include "adapters/scheduler_service/translate.h"

namespace adapters::scheduler_service {

::grpc::Status to_status(const base::Error& error, words::Language language,
                         ::grpc::CallbackServerContext& context) {
  base::Error said = in_wire_words(error);
  said.message = words::translate(language, said.message);
  if (!said.field.empty()) context.AddTrailingMetadata("berth-field", said.field);
  said.field.clear();
  return grpc::to_status(said);
}

base::Error busy() { return {base::ErrorCode::unavailable, "the controller is busy; try again"}; }

}  // namespace adapters::scheduler_service
