#pragma once
#include <functional>
#include <memory>
#include <string>

#include "adapters/grpc/join_token.h"
#include "base/result.h"
#include "domain/node.h"
#include "domain/time.h"

namespace grpc {
class Service;
}

namespace adapters::grpc {

/// A machine that would like to become a node.
struct JoinAsk {
  std::string secret;   ///< Of its token.
  std::string csr_pem;  ///< For the key that it made.
  domain::NodeId node;
  domain::Inventory inventory;
};

/// Serves machines that have no certificate yet; register it with a GrpcServer of its own, without
/// a client authority.
class EnrolmentService {
 public:
  /// Decides on one machine and signs for the name in the question, whatever the request says.
  /// Called from gRPC's threads, several at once; returns the signed chain, which ends in the
  /// authority, or why not (`permission_denied` for a bad secret, `conflict` for a name in use).
  using OnJoin = std::function<base::Result<std::string>(const JoinAsk&)>;

  explicit EnrolmentService(OnJoin on_join);
  ~EnrolmentService();

  ::grpc::Service* service();

 private:
  class Service;
  std::unique_ptr<Service> service_;
};

struct Joined {
  std::string cert_pem;  ///< This node's chain.
  std::string ca_pem;    ///< The cluster's authority.
};

/// Asks the controller at `address` ("host:port" of its enrolment port) to let this machine in.
/// Trusts nobody but an authority with the token's fingerprint: the secret is sent only to a
/// controller that this authority vouches for. Blocks, at most about `patience` long. Fails with
/// `unauthenticated` if another cluster answers, else as the controller says.
base::Result<Joined> join(const std::string& address, const JoinToken& token, const JoinAsk& ask,
                          domain::Duration patience = domain::kSecond * 10);

}  // namespace adapters::grpc
