#include "adapters/grpc/grpc_channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "adapters/grpc/grpc_server.h"
#include "adapters/grpc/quiet_locks.h"

namespace adapters::grpc {

namespace {
constexpr int kMostMessageBytes = 64 * 1024 * 1024;
}  // namespace

std::shared_ptr<::grpc::Channel> make_channel(const ChannelOptions& options) {
  quiet_locks();
  const ::grpc::SslCredentialsOptions tls{.pem_root_certs = options.ca_pem,
                                          .pem_private_key = options.key_pem,
                                          .pem_cert_chain = options.cert_pem};
  ::grpc::ChannelArguments arguments;
  // Controllers move between machines, their name stays: the address is no part of their proof.
  arguments.SetSslTargetNameOverride(kControllerName);
  arguments.SetMaxReceiveMessageSize(kMostMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(options.keepalive.ms));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, static_cast<int>(options.keepalive_timeout.ms));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return ::grpc::CreateCustomChannel(options.address, ::grpc::SslCredentials(tls), arguments);
}

}  // namespace adapters::grpc
