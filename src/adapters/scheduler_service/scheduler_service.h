#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "controller/desk.h"

namespace grpc {
class Service;
}

namespace adapters::scheduler_service {

/// What the service needs beside the desk; both must be set.
struct Options {
  std::function<std::string(std::string_view)> token_hash;  ///< As API tokens are kept; 32 or more
                                                            ///< hexadecimal digits.
  std::function<std::string()> random_id;
};

/// Serves contracts/era.proto: bids, cancels and the events of jobs and nodes, to programs in any
/// language that have an API token. Register it with an adapters::grpc::GrpcServer that asks its
/// clients for no certificate. Never blocks; a call ends with its deadline at the latest.
///
/// `desk` must stay, or call nothing back any more, until the server that it is registered with was
/// closed; then this may go.
class SchedulerService {
 public:
  SchedulerService(controller::Desk& desk, Options options);
  ~SchedulerService();

  ::grpc::Service* service();

  static constexpr std::size_t kMostRequestBytes = 1024 * 1024;
  static constexpr int kMostWatches = 256;      ///< Open at a time.
  static constexpr int kMostWatchesOfOne = 32;  ///< Of one user.

 private:
  class Service;
  std::unique_ptr<Service> service_;
};

}  // namespace adapters::scheduler_service
