#pragma once
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "domain/time.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace adapters::grpc {

/// Name that every controller's certificate carries, whatever machine it is on; an agent talks to
/// nobody else. No node may be called so.
inline constexpr const char* kControllerName = "berth-controller";

struct GrpcServerOptions {
  std::string address = "127.0.0.1:0";  ///< Port 0: any that is free.
  std::string cert_pem;                 ///< Chain that ends in the authority; for kControllerName.
  std::string key_pem;
  std::string client_ca_pem;  ///< Clients must have a certificate of this authority. Empty: none.
  domain::Duration keepalive{5'000};          ///< Silence after which the peer is asked.
  domain::Duration keepalive_timeout{3'000};  ///< Silence after that which ends the connection.
};

/// One listening port with TLS and the services behind it. A new service is one more pointer in
/// `services`; what is served on one port demands the same of its clients.
class GrpcServer {
 public:
  /// `services` outlive the server. Fails with `unavailable` if it cannot listen there, which is
  /// also the answer to keys and certificates that do not fit.
  static base::Result<std::unique_ptr<GrpcServer>> open(const GrpcServerOptions& options,
                                                        std::span<::grpc::Service* const> services);
  ~GrpcServer();

  int port() const { return port_; }

  /// Ends every call and returns when the last handler has.
  void close();

 private:
  GrpcServer(std::unique_ptr<::grpc::Server> server, int port);

  std::unique_ptr<::grpc::Server> server_;
  int port_;
};

}  // namespace adapters::grpc
