#include "adapters/grpc/grpc_agent_listener.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/support/server_callback.h>

#include <utility>

#include "adapters/grpc/agent_stream.h"
#include "adapters/grpc/status.h"
#include "adapters/grpc/translate.h"
#include "contracts/agent.grpc.pb.h"

namespace adapters::grpc {
namespace {

using Handlers = ports::AgentListener::Handlers;

constexpr std::size_t kFetchBytes = 256 * 1024;

/// Common name of the client's certificate; empty if it has none.
domain::NodeId name_of(const ::grpc::CallbackServerContext& context) {
  const auto names = context.auth_context()->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME);
  return {names.empty() ? std::string() : std::string(names[0].data(), names[0].size())};
}

/// Sends a kept file, one range after the other.
class FetchStream final : public ::grpc::ServerWriteReactor<wire::FetchChunk> {
 public:
  FetchStream(const Handlers& handlers, ports::KeptRange range)
      : handlers_(handlers), range_(std::move(range)) {
    send_next();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(::grpc::Status(::grpc::StatusCode::UNAVAILABLE, "the agent is gone"));
    send_next();
  }
  void OnDone() override { delete this; }

 private:
  void send_next() {
    auto bytes = handlers_.read_kept(range_);
    if (!bytes) return Finish(to_status(bytes.error()));
    if (bytes->empty()) return Finish(::grpc::Status::OK);
    range_.offset += bytes->size();
    chunk_.set_bytes(*std::move(bytes));
    StartWrite(&chunk_);
  }

  const Handlers& handlers_;
  ports::KeptRange range_;
  wire::FetchChunk chunk_;
};

/// Ends a call that was not let in.
template <class Reactor>
class Refusal final : public Reactor {
 public:
  explicit Refusal(const ::grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

class GrpcAgentListener::Service final : public wire::AgentLink::CallbackService {
 public:
  explicit Service(Handlers handlers) : handlers_(std::move(handlers)) {}

  ::grpc::ServerBidiReactor<wire::FromAgent, wire::ToAgent>* Connect(
      ::grpc::CallbackServerContext* context) override {
    domain::NodeId node = name_of(*context);
    if (node.value.empty() || node.value == kControllerName) {
      using Stream = ::grpc::ServerBidiReactor<wire::FromAgent, wire::ToAgent>;
      return new Refusal<Stream>(no_node());
    }
    return AgentStream::begin(context, handlers_, std::move(node));
  }

  ::grpc::ServerWriteReactor<wire::FetchChunk>* Fetch(::grpc::CallbackServerContext* context,
                                                      const wire::FetchRequest* request) override {
    domain::NodeId node = name_of(*context);
    if (node.value.empty() || !handlers_.read_kept) {
      return new Refusal<::grpc::ServerWriteReactor<wire::FetchChunk>>(no_node());
    }
    return new FetchStream(handlers_, {.node = std::move(node),
                                       .job = {request->job()},
                                       .path = request->path(),
                                       .offset = 0,
                                       .most = kFetchBytes});
  }

 private:
  static ::grpc::Status no_node() {
    return {::grpc::StatusCode::UNAUTHENTICATED, "the certificate names no node"};
  }

  const Handlers handlers_;
};

GrpcAgentListener::GrpcAgentListener(GrpcServerOptions options,
                                     std::vector<::grpc::Service*> others)
    : options_(std::move(options)), others_(std::move(others)) {}

GrpcAgentListener::~GrpcAgentListener() { close(); }

base::Result<> GrpcAgentListener::open(Handlers handlers) {
  if (options_.client_ca_pem.empty()) {
    return base::invalid("client_ca_pem", "agents must prove who they are: no authority is set");
  }
  service_ = std::make_unique<Service>(std::move(handlers));
  std::vector<::grpc::Service*> services = others_;
  services.push_back(service_.get());
  auto server = GrpcServer::open(options_, services);
  if (!server) return base::pass(server);
  server_ = *std::move(server);
  return {};
}

void GrpcAgentListener::close() { server_.reset(); }

int GrpcAgentListener::port() const { return server_ ? server_->port() : 0; }

}  // namespace adapters::grpc
