#pragma once
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <mutex>
#include <utility>

#include "adapters/scheduler_service/errors.h"

namespace adapters::scheduler_service {

/// One call with one answer, which comes later from another thread, or never if the caller's
/// deadline is over first. Thread-safe.
template <class Reply>
class Call final : public ::grpc::ServerUnaryReactor,
                   public std::enable_shared_from_this<Call<Reply>> {
 public:
  Call(Credentials credentials, ::grpc::CallbackServerContext& context, Reply& reply)
      : credentials(std::move(credentials)), context_(context), reply_(reply) {}

  /// Stays alive until gRPC is done with it.
  void begin() { self_ = this->shared_from_this(); }

  /// Answers, unless it is too late.
  void finish(base::Result<Reply> answer) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true)) return;
    if (!answer) {
      this->Finish(to_status(answer.error(), credentials.language, context_));
      return;
    }
    reply_ = *std::move(answer);
    this->Finish(::grpc::Status::OK);
  }

  /// Whether nobody waits for the answer any more.
  bool is_over() {
    const std::lock_guard lock(mutex_);
    return finished_;
  }

  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(finished_, true)) this->Finish(::grpc::Status::CANCELLED);
  }
  void OnDone() override {
    const auto self = std::exchange(self_, nullptr);  // Goes at the end.
  }

  const Credentials credentials;
  Asker asker;  ///< Set on the control thread, before anybody looks.

 private:
  std::mutex mutex_;
  ::grpc::CallbackServerContext& context_;  ///< Both not after `finished_`.
  Reply& reply_;
  bool finished_ = false;
  std::shared_ptr<Call> self_;
};

}  // namespace adapters::scheduler_service
