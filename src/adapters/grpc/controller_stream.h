#pragma once
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "contracts/agent.grpc.pb.h"
#include "ports/agent_link.h"

namespace adapters::grpc {

/// One try at a stream to a controller. Handlers are called from gRPC's threads, one at a time.
class ControllerStream final
    : public ::grpc::ClientBidiReactor<::berth::agent::v1::FromAgent, ::berth::agent::v1::ToAgent> {
 public:
  using Handlers = ports::ControllerLink::Handlers;

  /// `handlers` outlive it.
  explicit ControllerStream(const Handlers& handlers) : handlers_(handlers) {}

  void begin(::berth::agent::v1::AgentLink::Stub& stub);
  bool send(ports::FromAgent message);
  /// Ends it from any thread; wait() then returns soon.
  void cancel() { context_.TryCancel(); }
  /// Waits until gRPC is done with it and says how it ended.
  ::grpc::Status wait();

  /// True once the controller let us in. Both: ask after wait().
  bool was_connected() const { return connected_; }
  bool was_rejected() const { return rejected_; }

  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const ::grpc::Status& status) override;

 private:
  void write_next();  ///< With mutex_ held.

  const Handlers& handlers_;
  ::grpc::ClientContext context_;
  ::berth::agent::v1::ToAgent incoming_;
  bool connected_ = false;
  bool rejected_ = false;

  std::mutex mutex_;
  std::condition_variable done_changed_;
  std::deque<::berth::agent::v1::FromAgent> urgent_;  ///< Greetings and reports.
  std::deque<::berth::agent::v1::FromAgent> chunks_;
  std::size_t chunk_bytes_ = 0;
  ::berth::agent::v1::FromAgent outgoing_;
  bool open_ = false;
  bool writing_ = false;
  bool done_ = false;
  ::grpc::Status status_;
};

}  // namespace adapters::grpc
