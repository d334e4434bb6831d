#pragma once
#include <memory>
#include <vector>

#include "adapters/grpc/grpc_server.h"
#include "ports/agent_link.h"

namespace adapters::grpc {

/// The controller's side of all agents' connections, with mutual TLS: a node is who its
/// certificate's common name says, and a Hello of another name is rejected.
///
/// Handlers are called from gRPC's threads, for one connection one after the other. A slow handler
/// slows its own agent down. What a peer does not read is bounded; past that, send() says no.
class GrpcAgentListener final : public ports::AgentListener {
 public:
  /// `others` are served on the same port, to the same clients, and outlive the listener.
  explicit GrpcAgentListener(GrpcServerOptions options, std::vector<::grpc::Service*> others = {});
  ~GrpcAgentListener() override;

  /// Fails with `invalid_argument` without a client authority, else as GrpcServer::open does.
  base::Result<> open(Handlers handlers) override;
  void close() override;

  /// Where it listens; 0 while it does not.
  int port() const;

 private:
  class Service;

  GrpcServerOptions options_;
  std::vector<::grpc::Service*> others_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<GrpcServer> server_;
};

}  // namespace adapters::grpc
