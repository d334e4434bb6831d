#pragma once
#include <boost/describe/class.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "controller/core.h"
#include "controller/power.h"
#include "domain/time.h"

namespace apps {

struct ControllerOptions {
  std::string data_dir;
  std::string http =
      "127.0.0.1:7070";  ///< For people and programs; TLS on any address but loopback.
  std::string agents = "127.0.0.1:7071";  ///< For agents: mutual TLS.
  std::string grpc = "127.0.0.1:7072";    ///< For joining nodes and the scheduler service: TLS.
  std::vector<std::string> names;         ///< Host names and addresses that the certificate is for.
  std::string cert_path;                  ///< A certificate of one's own for `http`, with its key.
  std::string key_path;
  domain::Duration lease = controller::kDefaultLease;
  /// For trials: how many of the cluster's seconds pass in one. None: as its first start said.
  std::optional<std::int32_t> time_scale;
  std::string node_provider;  ///< The program that switches machines; empty: none.
  /// Told, on a thread of the controller's, why a node could not be switched.
  std::function<void(const controller::PowerAsk&, const std::string& why)> power_failed;
};

/// Where a controller is reached; kept in DATA/endpoints.json while it runs.
struct Endpoints {
  std::string http;    ///< URL.
  std::string agents;  ///< HOST:PORT
  std::string grpc;    ///< HOST:PORT
  std::string cluster;
};
BOOST_DESCRIBE_STRUCT(Endpoints, (), (http, agents, grpc, cluster))

/// A whole controller: its log, its servers, its threads. One a data folder: a second one is
/// refused.
class ControllerService {
 public:
  static base::Result<std::unique_ptr<ControllerService>> open(const ControllerOptions& options);
  ~ControllerService();

  const Endpoints& endpoints() const;
  std::int32_t time_scale() const;
  /// True when this start made the cluster.
  bool is_new() const;
  /// The first admin's token, made with the cluster and kept in DATA/admin-token for its owner
  /// alone.
  const std::string& admin_token() const;
  const std::string& admin() const;
  const std::string& ca_pem() const;
  /// Whether `node` has reported what it has and is in touch.
  bool is_in_touch(const std::string& node);
  /// A token that lets this machine's own agent join.
  base::Result<std::string> join_token();

 private:
  struct Parts;
  explicit ControllerService(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace apps
