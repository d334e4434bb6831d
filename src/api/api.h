#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/desk.h"
#include "ports/clock.h"
#include "ports/file_store.h"
#include "ports/http.h"

namespace api {

class Service;

/// What the API needs beside the ports. Every function must be set, but for those that say
/// otherwise.
struct Options {
  std::string version;
  /// How many seconds of the cluster's clock pass in one: more than 1 is a trial.
  std::int32_t time_scale = 1;
  std::string openapi;  ///< Text of contracts/openapi.yaml, served as it is.

  /// Passwords: slow on purpose, called only inside `run_blocking`.
  std::function<base::Result<std::string>(std::string_view)> password_hash;
  std::function<bool(const std::string& hash, std::string_view password)> password_verify;
  std::function<std::string(std::string_view)> token_hash;  ///< Hexadecimal, 32 digits or more.
  std::function<std::string()> random_token;
  std::function<std::string()> random_id;

  /// Runs work that waits for a disk or burns processor time, on another thread.
  std::function<void(std::function<void()>)> run_blocking;
  /// Runs something once after a while, on any thread.
  std::function<void(domain::Duration, std::function<void()>)> run_after;

  /// What a new node shows to join: the secret, and by what it knows the cluster.
  std::function<std::string(std::string_view secret)> join_token;
  /// The line that an operator pastes on a new node, with that token.
  std::function<std::string(std::string_view token)> join_command;
  /// Whether machines can be switched off and on.
  bool has_node_provider = false;
  /// Other machines cannot reach the controller, so that line serves only its own.
  bool is_loopback_only = false;
  /// Whether the controller can write its log; unset: it can.
  std::function<bool()> log_is_writable = {};

  /// How long after a rank has ended its log may still grow: what its agent had not sent. 0 if
  /// agents send what is left of a log before they say that its rank has ended.
  domain::Duration log_settle{250};
  /// How long to wait for the end of a log whose length is known: its agent may be slow, or lost.
  domain::Duration log_patience{30'000};
};

/// Serves the HTTP API of docs/api.md and contracts/openapi.yaml: text in, text out. Thread-safe.
/// Never blocks: state is read and changed on the control thread, files are read and passwords are
/// checked by `run_blocking`. Everything that it is given must stay until nothing calls back any
/// more.
class Api final : public ports::HttpHandler {
 public:
  Api(controller::Desk& desk, ports::FileStore& files, const ports::Clock& clock, Options options);
  ~Api() override;
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  void handle(ports::HttpRequest request, Reply reply) override;
  void upgrade(ports::HttpRequest request, Reply reply,
               std::function<void(std::shared_ptr<ports::TextStream>)>& opened) override;

 private:
  std::unique_ptr<Service> service_;
};

/// A row of the route table, for tests of the specification. Streams have the method "WS".
struct RouteName {
  std::string method;
  std::string pattern;                  ///< "/v1/jobs/{id}"; "{path...}" takes the rest.
  std::vector<std::string> parameters;  ///< Of the query.
  bool needs_token = true;
};
std::vector<RouteName> route_names();

}  // namespace api
