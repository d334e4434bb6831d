#include "adapters/grpc/enrolment.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <utility>

#include "adapters/grpc/grpc_channel.h"
#include "adapters/grpc/grpc_server.h"
#include "adapters/grpc/status.h"
#include "adapters/grpc/tls_peek.h"
#include "adapters/grpc/translate.h"
#include "contracts/agent.grpc.pb.h"

namespace adapters::grpc {

class EnrolmentService::Service final : public wire::Enrolment::CallbackService {
 public:
  explicit Service(OnJoin on_join) : on_join_(std::move(on_join)) {}

  ::grpc::ServerUnaryReactor* Join(::grpc::CallbackServerContext* context,
                                   const wire::JoinRequest* request,
                                   wire::JoinReply* reply) override {
    ::grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    auto signed_chain = decide(*request);
    if (!signed_chain) {
      reactor->Finish(to_status(signed_chain.error()));
      return reactor;
    }
    reply->set_cert_pem(*std::move(signed_chain));
    reactor->Finish(::grpc::Status::OK);
    return reactor;
  }

 private:
  base::Result<std::string> decide(const wire::JoinRequest& request) const {
    if (request.node().empty() || request.node() == kControllerName) {
      return base::invalid("node", "a node cannot be called '{}'", request.node());
    }
    return on_join_({.secret = request.secret(),
                     .csr_pem = request.csr_pem(),
                     .node = {request.node()},
                     .inventory = decode(request.inventory())});
  }

  const OnJoin on_join_;
};

EnrolmentService::EnrolmentService(OnJoin on_join)
    : service_(std::make_unique<Service>(std::move(on_join))) {}

EnrolmentService::~EnrolmentService() = default;

::grpc::Service* EnrolmentService::service() { return service_.get(); }

base::Result<Joined> join(const std::string& address, const JoinToken& token, const JoinAsk& ask,
                          domain::Duration patience) {
  auto authority = find_authority(address, token.ca_fingerprint, patience);
  if (!authority) return base::pass(authority);
  const auto stub =
      wire::Enrolment::NewStub(make_channel({.address = address, .ca_pem = *authority}));
  wire::JoinRequest request;
  request.set_secret(token.secret);
  request.set_csr_pem(ask.csr_pem);
  request.set_node(ask.node.value);
  encode(ask.inventory, *request.mutable_inventory());
  ::grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(patience.ms));
  context.set_wait_for_ready(true);  // It was there a moment ago: one lost connection says little.
  wire::JoinReply reply;
  const ::grpc::Status status = stub->Join(&context, request, &reply);
  if (!status.ok()) return std::unexpected(to_error(status));
  return Joined{.cert_pem = reply.cert_pem(), .ca_pem = *std::move(authority)};
}

}  // namespace adapters::grpc
