#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/api.h"
#include "base/json.h"

namespace controller::fakes {
class DirectDesk;
}

namespace api {

/// For tests: the API of a small cluster, served without sockets. Everything happens in the call.
///
/// Teams: vision (ada, bob) with 1,000 credits, speech (carl) with 100. root is admin, olga is an
/// operator, both of the team ops. The token of ada is "token-ada", her password "ada's password".
/// Nodes: g1 (pool a100: 8 simulated A100, 64 cores) and c1 (pool cpu: 16 cores).
class Served {
 public:
  explicit Served(bool has_node_provider = true);
  ~Served();
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  struct Answer {
    int status = 0;
    boost::json::value body;
    std::map<std::string, std::string> headers;
    std::string text;  ///< The body as it came.

    std::string code() const;   ///< Of an error; else empty.
    std::string field() const;  ///< The same.
    std::string message() const;
  };
  using Headers = std::map<std::string, std::string>;
  /// Asks as `user` (empty: without a token) and checks the answer against the specification, and
  /// that a 4xx has changed nothing; what is wrong is added to `problems`.
  Answer ask(const std::string& user, const std::string& method, const std::string& target,
             const std::string& body = {}, Headers headers = {});

  /// The messages of a stream, as they come.
  struct Stream {
    std::vector<std::string> texts;
    bool closed = false;
    bool is_full = false;  ///< The next message does not fit: the reader is too slow.
  };
  /// Opens a stream; `status` is 101 if it was accepted.
  std::shared_ptr<Stream> open(const std::string& user, const std::string& target, int& status,
                               Headers headers = {});

  /// Lets `ms` pass, with what was to run in that time.
  void pass(domain::Duration time);
  domain::Time now() const;
  void put_file(domain::JobId job, const std::string& path, const std::string& bytes);
  void fail_files();
  void wish(ledger::Wish wish);
  /// Reports that every rank of the job's attempt has started, or has ended for `cause`.
  void start_ranks(domain::JobId job);
  void end_ranks(domain::JobId job, domain::ExitCause cause = domain::ExitCause::success);

  controller::Desk& desk();
  controller::fakes::DirectDesk& direct();
  Api& api();

  std::vector<std::string> problems;
  std::map<std::string, int> seen;  ///< "GET /v1/jobs 200" and how often.
  bool log_is_writable = true;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// A spec as a client sends it, for one rank on `pool`.
std::string spec_json(const std::string& job_class, int gpus, std::int64_t hours,
                      const std::string& more_of_bid = {});

}  // namespace api
