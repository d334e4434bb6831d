#pragma once
#include <memory>
#include <string>
#include <vector>

#include "domain/time.h"
#include "ports/agent_link.h"

namespace adapters::grpc {

struct ControllerLinkOptions {
  std::vector<std::string> addresses;  ///< "host:port" of each controller; tried one after another.
  std::string ca_pem;                  ///< The cluster's authority.
  std::string cert_pem;                ///< This node's chain; its common name is the node's.
  std::string key_pem;
  domain::Duration keepalive{5'000};
  domain::Duration keepalive_timeout{3'000};
  domain::Duration first_retry{200};  ///< Doubled after each failure up to `last_retry`.
  domain::Duration last_retry{5'000};
};

/// An agent's stream to its controller, with mutual TLS. Comes back by itself, with backoff, until
/// it is closed or rejected. Half-open connections are seen after keepalive + keepalive_timeout.
/// Reports overtake file chunks; both queues are bounded.
class GrpcControllerLink final : public ports::ControllerLink {
 public:
  explicit GrpcControllerLink(ControllerLinkOptions options);
  ~GrpcControllerLink() override;

  void open(Handlers handlers) override;
  bool send(ports::FromAgent message) override;
  base::Result<> fetch(domain::JobId job, const std::string& path,
                       const std::function<base::Result<>(std::string_view)>& sink) override;
  /// No handler is called after it returns. Not from a handler.
  void close() override;

 private:
  class Link;
  std::unique_ptr<Link> link_;
};

}  // namespace adapters::grpc
