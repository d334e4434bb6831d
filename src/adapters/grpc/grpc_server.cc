#include "adapters/grpc/grpc_server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <utility>

#include "adapters/grpc/quiet_locks.h"

namespace adapters::grpc {

namespace {
constexpr int kMostMessageBytes = 64 * 1024 * 1024;
}  // namespace

base::Result<std::unique_ptr<GrpcServer>> GrpcServer::open(
    const GrpcServerOptions& options, std::span<::grpc::Service* const> services) {
  // What a client sends wrong is answered, and must not fill our log.
  google::protobuf::SetLogHandler(nullptr);
  quiet_locks();
  const bool must_prove = !options.client_ca_pem.empty();
  ::grpc::SslServerCredentialsOptions tls(
      must_prove ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                 : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  tls.pem_root_certs = options.client_ca_pem;
  tls.pem_key_cert_pairs.push_back({options.key_pem, options.cert_pem});

  ::grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options.address, ::grpc::SslServerCredentials(tls), &port);
  builder.SetMaxReceiveMessageSize(kMostMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(options.keepalive.ms));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             static_cast<int>(options.keepalive_timeout.ms));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Agents ask as often as we do: their questions are no offence.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 100);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  for (::grpc::Service* service : services) builder.RegisterService(service);
  auto server = builder.BuildAndStart();
  if (!server || port == 0) {
    return base::fail(base::ErrorCode::unavailable, "cannot listen on {}", options.address);
  }
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(server), port));
}

GrpcServer::GrpcServer(std::unique_ptr<::grpc::Server> server, int port)
    : server_(std::move(server)), port_(port) {}

GrpcServer::~GrpcServer() { close(); }

void GrpcServer::close() {
  if (!server_) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

}  // namespace adapters::grpc
