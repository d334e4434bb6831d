#pragma once
#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "domain/time.h"

namespace adapters::grpc {

/// How a client reaches a controller and proves who it is.
struct ChannelOptions {
  std::string address;
  std::string ca_pem;
  std::string cert_pem = {};  ///< Empty: a client without a certificate.
  std::string key_pem = {};
  domain::Duration keepalive{5'000};
  domain::Duration keepalive_timeout{3'000};
};

/// A channel that accepts nobody but a controller of the cluster.
std::shared_ptr<::grpc::Channel> make_channel(const ChannelOptions& options);

}  // namespace adapters::grpc
