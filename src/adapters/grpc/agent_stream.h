#pragma once
#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "contracts/agent.grpc.pb.h"
#include "ports/agent_link.h"

namespace adapters::grpc {

/// One agent's stream, seen from the controller. Keeps itself alive until gRPC is done with it; who
/// holds it longer finds that send() says no.
class AgentStream final
    : public ::grpc::ServerBidiReactor<::berth::agent::v1::FromAgent, ::berth::agent::v1::ToAgent>,
      public ports::AgentConnection {
 public:
  using Handlers = ports::AgentListener::Handlers;

  /// Makes a stream for `node` and begins to read. `handlers` outlive it.
  static AgentStream* begin(::grpc::CallbackServerContext* context, const Handlers& handlers,
                            domain::NodeId node);

  const domain::NodeId& node() const override { return node_; }
  bool send(ports::ToAgent message) override;
  void close() override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override {}
  void OnDone() override;

 private:
  AgentStream(::grpc::CallbackServerContext* context, const Handlers& handlers, domain::NodeId node)
      : context_(context), handlers_(handlers), node_(std::move(node)) {}

  void take();
  void reject(std::string reason);
  void write_next();        ///< With mutex_ held.
  void finish_if_silent();  ///< With mutex_ held.

  ::grpc::CallbackServerContext* context_;
  const Handlers& handlers_;
  const domain::NodeId node_;
  std::shared_ptr<AgentStream> self_;
  ::berth::agent::v1::FromAgent incoming_;
  bool greeted_ = false;

  std::mutex mutex_;
  std::deque<::berth::agent::v1::ToAgent> outgoing_;
  std::size_t outgoing_bytes_ = 0;
  bool writing_ = false;
  bool ending_ = false;    ///< Nothing more is queued; what is queued still goes out.
  bool finished_ = false;  ///< Finish was called.
};

}  // namespace adapters::grpc
