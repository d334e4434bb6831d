#include "apps/berth/controller_service.h"

#include <future>
#include <span>

#include "adapters/beast/http_server.h"
#include "adapters/control/control_loop.h"
#include "adapters/control/task_queue.h"
#include "adapters/control/timer.h"
#include "adapters/files/folder_file_store.h"
#include "adapters/grpc/enrolment.h"
#include "adapters/grpc/grpc_agent_listener.h"
#include "adapters/provider/program_provider.h"
#include "adapters/scheduler_service/scheduler_service.h"
#include "adapters/sql/sql_event_log.h"
#include "adapters/system/certificate.h"
#include "adapters/system/file.h"
#include "adapters/system/secrets.h"
#include "api/api.h"
#include "apps/berth/cluster_clock.h"
#include "apps/berth/data_lock.h"
#include "apps/berth/openapi_text.h"
#include "apps/berth/paths.h"
#include "base/json.h"
#include "cli/run.h"

namespace apps {
namespace {

using adapters::system::Certificate;
using base::ErrorCode;
using base::Result;
using domain::Duration;

constexpr Duration kCertificateLife = domain::kDay * 365;
constexpr domain::Money kFirstCredits = domain::credits(10'000);

}  // namespace

struct ControllerService::Parts {
  ControllerOptions options;
  DataLock lock;
  adapters::system::CertificateAuthority authority;
  ClusterClock time;
  std::unique_ptr<adapters::sql::SqlEventLog> log;
  std::unique_ptr<adapters::sql::SqlEventLog> history;
  std::unique_ptr<adapters::files::FolderFileStore> files;
  std::unique_ptr<adapters::grpc::GrpcAgentListener> listener;
  std::unique_ptr<adapters::provider::ProgramProvider> provider;
  std::unique_ptr<adapters::control::ControlLoop> loop;
  std::unique_ptr<adapters::control::TaskQueue> blocking;
  std::unique_ptr<adapters::control::Timer> timer;
  std::unique_ptr<api::Api> api;
  std::unique_ptr<adapters::beast::HttpServer> http;
  std::unique_ptr<adapters::grpc::EnrolmentService> enrolment;
  std::unique_ptr<adapters::scheduler_service::SchedulerService> scheduler;
  std::unique_ptr<adapters::grpc::GrpcServer> grpc;
  Endpoints endpoints;
  std::string admin_token;
  std::string admin;
  bool is_new = false;

  Parts(ControllerOptions given, DataLock taken, adapters::system::CertificateAuthority made)
      : options(std::move(given)), lock(std::move(taken)), authority(std::move(made)) {}
  ~Parts();

  Result<Certificate> grpc_certificate() const;
  Result<> open_provider();
  Result<> open_log();
  Result<> open_agents();
  Result<> create_cluster();
  Result<> open_http();
  Result<> open_grpc();
  Result<> submit(ledger::Wish wish);
  Result<std::string> make_join_token(Duration life);
  Result<std::string> enrol(const adapters::grpc::JoinAsk& ask);
  std::string join_command(std::string_view token) const;
  std::string public_host(const std::string& address) const;
  bool is_loopback_only() const;
};

ControllerService::Parts::~Parts() {
  if (http) http->stop();
  if (grpc) grpc->close();
  if (provider) provider->stop();
  // These call each other, so all their threads end before the first of them goes.
  if (loop) loop->stop();
  timer->stop();
  blocking->stop();
  timer.reset();
  blocking.reset();
  loop.reset();
}

Result<Certificate> ControllerService::Parts::grpc_certificate() const {
  return authority.issue({.common_name = adapters::grpc::kControllerName,
                          .subject_alt_names = {adapters::grpc::kControllerName},
                          .usage = adapters::system::CertificateUsage::server,
                          .validity = kCertificateLife});
}

Result<> ControllerService::Parts::open_provider() {
  if (options.node_provider.empty()) return {};
  auto opened = adapters::provider::ProgramProvider::open({options.node_provider});
  if (!opened) return std::unexpected(std::move(opened).error().in_field("--node-provider"));
  provider = *std::move(opened);
  return {};
}

Result<> ControllerService::Parts::open_log() {
  const std::string path = "sqlite:" + options.data_dir + "/ledger.db";
  auto opened = adapters::sql::SqlEventLog::open(path);
  if (!opened) return base::pass(opened);
  log = *std::move(opened);
  auto opened_clock = open_clock(*log, options.time_scale);
  if (!opened_clock) return base::pass(opened_clock);
  time = *std::move(opened_clock);
  auto again = adapters::sql::SqlEventLog::open(path);
  if (!again) return base::pass(again);
  history = *std::move(again);
  auto store = adapters::files::FolderFileStore::open(options.data_dir + "/jobs");
  if (!store) return base::pass(store);
  files = *std::move(store);
  return {};
}

Result<> ControllerService::Parts::open_agents() {
  auto certificate = grpc_certificate();
  if (!certificate) return base::pass(certificate);
  adapters::grpc::GrpcServerOptions server;
  server.address = options.agents;
  server.cert_pem = certificate->cert_pem;
  server.key_pem = certificate->key_pem;
  server.client_ca_pem = authority.cert_pem();
  listener = std::make_unique<adapters::grpc::GrpcAgentListener>(std::move(server));
  controller::Core::Settings settings;
  settings.lease = options.lease;
  settings.time_scale = time.time_scale;
  auto opened = adapters::control::ControlLoop::open(
      {*log, *history, *files, *listener, *time.clock, provider.get(), options.power_failed},
      settings);
  if (!opened) return base::pass(opened);
  loop = *std::move(opened);
  endpoints.agents = fmt::format("{}:{}", public_host(options.agents), listener->port());
  return {};
}

/// Has a wish granted, and waits for it.
Result<> ControllerService::Parts::submit(ledger::Wish wish) {
  auto done = std::make_shared<std::promise<Result<>>>();
  ledger::Command command{{adapters::system::random_id()}, {admin}, std::move(wish)};
  const bool queued = loop->submit(
      std::move(command),
      [done](const Result<>& answer, const controller::Reading&) { done->set_value(answer); });
  if (!queued) return base::fail(ErrorCode::unavailable, "the controller is busy");
  return done->get_future().get();
}

/// On the first start: the cluster, its first team and admin, and a token for that admin in a file
/// that only its owner may read.
Result<> ControllerService::Parts::create_cluster() {
  const std::string token_path = options.data_dir + "/admin-token";
  auto state = std::make_shared<std::promise<std::pair<std::string, std::string>>>();
  loop->read([state](const controller::Reading& reading) {
    std::string first_admin;
    for (const auto& [name, user] : reading.state.access.users) {
      if (user.role == ledger::access::Role::admin && first_admin.empty()) first_admin = name.value;
    }
    state->set_value({reading.state.cluster, first_admin});
  });
  auto [cluster, first_admin] = state->get_future().get();
  is_new = cluster.empty();
  admin = is_new ? user_name() : first_admin;
  if (is_new) {
    cluster = adapters::system::random_id();
    if (auto made = submit(
            ledger::CreateCluster{cluster, {"default"}, {admin}, kFirstCredits, time.time_scale});
        !made)
      return made;
  }
  endpoints.cluster = cluster;
  if (auto kept = adapters::system::read_file(token_path); kept) {
    admin_token = *std::move(kept);
    return {};
  }
  admin_token = adapters::system::random_token();
  ledger::access::Token token{adapters::system::random_id(),
                              {admin},
                              "made by the first start",
                              adapters::system::token_hash(admin_token),
                              time.clock->now(),
                              domain::kNever};
  if (auto made = submit(ledger::access::Command{ledger::access::IssueToken{token}}); !made)
    return made;
  return adapters::system::write_file_atomically(token_path, admin_token, 0600);
}

/// What others reach an address of ours by, which is a good one.
std::string ControllerService::Parts::public_host(const std::string& address) const {
  return options.names.empty() ? parse_host_port("", address)->host : options.names.front();
}

std::string ControllerService::Parts::join_command(std::string_view token) const {
  // The token goes through a pipe: command lines show in lists of processes.
  return fmt::format("echo {} | berth agent --controller {} --join-at {} --join-token-file -",
                     token, endpoints.agents, endpoints.grpc);
}

/// What the printed line names leads other machines nowhere.
bool ControllerService::Parts::is_loopback_only() const {
  const auto leads_here = [this](const std::string& address) {
    const auto at = parse_host_port("", address);
    if (!at || is_loopback(at->host)) return true;
    return is_any(at->host) && options.names.empty();
  };
  return leads_here(options.agents) || leads_here(options.grpc);
}

Result<> ControllerService::Parts::open_http() {
  auto to = parse_host_port("--http", options.http);
  if (!to) return base::pass(to);
  adapters::beast::HttpServerOptions server;
  server.address = to->host;
  server.port = to->port;
  if (!options.cert_path.empty()) {
    auto cert = adapters::system::read_file(options.cert_path);
    auto key = adapters::system::read_file(options.key_path);
    if (!cert) return base::pass(cert);
    if (!key) return base::pass(key);
    server.tls = {*std::move(cert), *std::move(key)};
  } else if (!is_loopback(to->host)) {
    auto names = options.names;
    if (!is_any(to->host)) names.push_back(to->host);
    if (names.empty())
      return base::invalid("--name",
                           "give the host name or address that others reach this machine by");
    auto made = authority.issue(
        {.common_name = names.front(), .subject_alt_names = names, .validity = kCertificateLife});
    if (!made) return base::pass(made);
    server.tls = {made->cert_pem, made->key_pem};
  }
  auto print = adapters::system::fingerprint(authority.cert_pem());
  if (!print) return base::pass(print);
  api::Options with;
  with.version = cli::kVersion;
  with.time_scale = time.time_scale;
  with.openapi = std::string(kOpenApiText);
  with.password_hash = adapters::system::password_hash;
  with.password_verify = adapters::system::password_verify;
  with.token_hash = adapters::system::token_hash;
  with.random_token = adapters::system::random_token;
  with.random_id = adapters::system::random_id;
  with.run_blocking = [this](std::function<void()> task) {
    static_cast<void>(blocking->put(std::move(task)));
  };
  with.run_after = [this](Duration wait, std::function<void()> task) {
    timer->run_after(wait, std::move(task));
  };
  with.join_token = [print = *print](std::string_view secret) {
    return adapters::grpc::encode({std::string(secret), print});
  };
  with.is_loopback_only = is_loopback_only();
  with.has_node_provider = provider != nullptr;
  with.join_command = [this](std::string_view token) { return join_command(token); };
  api = std::make_unique<api::Api>(*loop, *files, *time.clock, std::move(with));
  const bool secure = server.tls.has_value();
  auto opened = adapters::beast::HttpServer::open(std::move(server), *api);
  if (!opened)
    return std::unexpected(std::move(opened).error().while_doing("listen on " + options.http));
  http = *std::move(opened);
  const std::string host = options.names.empty() ? to->host : options.names.front();
  endpoints.http = fmt::format("{}://{}:{}", secure ? "https" : "http", host, http->port());
  return {};
}

Result<std::string> ControllerService::Parts::make_join_token(Duration life) {
  const std::string secret = adapters::system::random_token();
  auto print = adapters::system::fingerprint(authority.cert_pem());
  if (!print) return base::pass(print);
  ledger::access::JoinToken token{adapters::system::random_id(),
                                  adapters::system::token_hash(secret), time.clock->now() + life};
  if (auto made = submit(ledger::access::Command{ledger::access::IssueJoinToken{token}}); !made)
    return base::pass(made);
  return adapters::grpc::encode({secret, *print});
}

/// A machine with a good token becomes a node; one that is a node already gets a new certificate.
Result<std::string> ControllerService::Parts::enrol(const adapters::grpc::JoinAsk& ask) {
  if (auto ok = ledger::access::check_name("node", ask.node.value); !ok) return base::pass(ok);
  if (ask.node.value == adapters::grpc::kControllerName)
    return base::invalid("node", "no node may be called so");
  auto let_in = std::make_shared<std::promise<bool>>();
  const std::string hash = adapters::system::token_hash(ask.secret);
  const bool queued = loop->read([let_in, hash](const controller::Reading& reading) {
    let_in->set_value(ledger::access::may_join(reading.state.access, hash, reading.now));
  });
  if (!queued) return base::fail(ErrorCode::unavailable, "the controller is busy");
  if (!let_in->get_future().get()) {
    return base::fail(ErrorCode::permission_denied,
                      "the join token is not known here, or has expired");
  }
  if (auto made = submit(ledger::nodes::Command{ledger::nodes::JoinNode{ask.node}}); !made)
    return base::pass(made);
  return authority.sign_csr(ask.csr_pem, {.common_name = ask.node.value,
                                          .usage = adapters::system::CertificateUsage::client,
                                          .validity = domain::kDay * 3'650});
}

Result<> ControllerService::Parts::open_grpc() {
  enrolment = std::make_unique<adapters::grpc::EnrolmentService>(
      [this](const adapters::grpc::JoinAsk& ask) { return enrol(ask); });
  auto certificate = grpc_certificate();
  if (!certificate) return base::pass(certificate);
  adapters::grpc::GrpcServerOptions server;
  server.address = options.grpc;
  server.cert_pem = certificate->cert_pem;
  server.key_pem = certificate->key_pem;
  scheduler = std::make_unique<adapters::scheduler_service::SchedulerService>(
      *loop, adapters::scheduler_service::Options{adapters::system::token_hash,
                                                  adapters::system::random_id});
  ::grpc::Service* services[] = {enrolment->service(), scheduler->service()};
  auto opened = adapters::grpc::GrpcServer::open(server, services);
  if (!opened) return base::pass(opened);
  grpc = *std::move(opened);
  endpoints.grpc = fmt::format("{}:{}", public_host(options.grpc), grpc->port());
  return {};
}

ControllerService::ControllerService(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ControllerService::~ControllerService() = default;

Result<std::unique_ptr<ControllerService>> ControllerService::open(
    const ControllerOptions& options) {
  if (auto made = make_private_folder(options.data_dir); !made) return base::pass(made);
  auto agents = parse_host_port("--agents", options.agents);
  auto grpc = parse_host_port("--grpc", options.grpc);
  if (!agents) return base::pass(agents);
  if (!grpc) return base::pass(grpc);
  auto lock = DataLock::take(options.data_dir);
  if (!lock) return base::pass(lock);
  auto authority = adapters::system::CertificateAuthority::open_or_create(options.data_dir + "/ca");
  if (!authority) return base::pass(authority);
  auto parts = std::make_unique<Parts>(options, *std::move(lock), *std::move(authority));
  parts->blocking = std::make_unique<adapters::control::TaskQueue>(4'096);
  parts->timer = std::make_unique<adapters::control::Timer>();
  using Step = Result<> (Parts::*)();
  // People come last: what they are told, such as how a node joins, is known by then.
  for (const Step step : {&Parts::open_provider, &Parts::open_log, &Parts::open_agents,
                          &Parts::create_cluster, &Parts::open_grpc, &Parts::open_http}) {
    if (auto done = (parts.get()->*step)(); !done) return base::pass(done);
  }
  const std::string text = base::to_text(base::to_json(parts->endpoints)) + "\n";
  if (auto kept =
          adapters::system::write_file_atomically(options.data_dir + "/endpoints.json", text, 0600);
      !kept) {
    return base::pass(kept);
  }
  return std::unique_ptr<ControllerService>(new ControllerService(std::move(parts)));
}

const Endpoints& ControllerService::endpoints() const { return parts_->endpoints; }
std::int32_t ControllerService::time_scale() const { return parts_->time.time_scale; }
bool ControllerService::is_new() const { return parts_->is_new; }
const std::string& ControllerService::admin_token() const { return parts_->admin_token; }
const std::string& ControllerService::admin() const { return parts_->admin; }
const std::string& ControllerService::ca_pem() const { return parts_->authority.cert_pem(); }
bool ControllerService::is_in_touch(const std::string& node) {
  auto answer = std::make_shared<std::promise<bool>>();
  const bool queued = parts_->loop->read([answer, node](const controller::Reading& reading) {
    const auto found = reading.state.nodes.nodes.find({node});
    answer->set_value(found != reading.state.nodes.nodes.end() &&
                      !ledger::nodes::is_absent(found->second));
  });
  return queued && answer->get_future().get();
}

Result<std::string> ControllerService::join_token() {
  return parts_->make_join_token(domain::kMinute * 10 * parts_->time.time_scale);
}

}  // namespace apps
