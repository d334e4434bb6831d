#include "apps/berth/agent_service.h"

#include <unistd.h>

#include <mutex>

#include "adapters/agent_host/agent_host.h"
#include "adapters/grpc/enrolment.h"
#include "adapters/grpc/grpc_controller_link.h"
#include "adapters/nvml/nvml.h"
#include "adapters/system/certificate.h"
#include "adapters/system/file.h"
#include "adapters/system/machine.h"
#include "adapters/system/secrets.h"
#include "apps/berth/paths.h"
#include "cli/run.h"

namespace apps {
namespace {

using base::Result;

/// What an agent keeps of its joining: who it is, and whom it trusts.
struct Identity {
  std::string cert_pem;
  std::string key_pem;
  std::string ca_pem;
};

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "node";
  const std::string whole(name);
  return whole.substr(0, whole.find('.'));
}

Result<Identity> read_identity(const std::string& folder) {
  Identity identity;
  for (auto [file, to] : {std::pair{"node.pem", &identity.cert_pem},
                          {"node.key", &identity.key_pem},
                          {"ca.pem", &identity.ca_pem}}) {
    auto text = adapters::system::read_file(folder + "/" + file);
    if (!text) return base::pass(text);
    *to = *std::move(text);
  }
  return identity;
}

Result<> keep_identity(const std::string& folder, const Identity& identity) {
  for (const auto& [file, text] : {std::pair{"node.key", &identity.key_pem},
                                   {"ca.pem", &identity.ca_pem},
                                   {"node.pem", &identity.cert_pem}}) {
    if (auto kept = adapters::system::write_file_atomically(folder + "/" + file, *text, 0600);
        !kept)
      return kept;
  }
  return {};
}

/// Makes a key here, which never leaves this machine, and has the controller sign for it.
Result<Identity> join(const AgentServiceOptions& options, const std::string& node) {
  if (options.join_token.empty()) {
    return base::invalid(
        "--join-token-file",
        "this machine has not joined yet; get a token with `berth node token` on the controller");
  }
  if (options.join_at.empty()) return base::invalid("--join-at", "HOST:PORT for joining is needed");
  auto token = adapters::grpc::decode_join_token(options.join_token);
  if (!token) return base::pass(token);
  auto request = adapters::system::make_csr(node);
  if (!request) return base::pass(request);
  const adapters::grpc::JoinAsk ask{token->secret, request->csr_pem, {node}, {}};
  auto joined = adapters::grpc::join(options.join_at, *token, ask);
  if (!joined)
    return std::unexpected(std::move(joined).error().while_doing("join at " + options.join_at));
  return Identity{joined->cert_pem, request->key_pem, joined->ca_pem};
}

/// Where the hash of the token lies that this machine joined with.
constexpr const char* kUsedToken = "/join-token.hash";

/// True if this machine has joined with that token. A new one is pasted to join again: because the
/// node was removed, or to another cluster.
bool has_joined_with(const AgentServiceOptions& options) {
  auto used = adapters::system::read_file(options.data_dir + kUsedToken);
  return used && *used == adapters::system::token_hash(options.join_token);
}

/// The identity of an earlier joining, or a new one.
Result<Identity> identity_for(const AgentServiceOptions& options, const std::string& node) {
  auto known = read_identity(options.data_dir);
  const bool is_good = options.join_token.empty() || has_joined_with(options);
  if (known && is_good && !options.joins_again) return known;
  auto made = join(options, node);
  if (!made) return made;
  if (auto kept = keep_identity(options.data_dir, *made); !kept) return base::pass(kept);
  auto kept = adapters::system::write_file_atomically(
      options.data_dir + kUsedToken, adapters::system::token_hash(options.join_token), 0600);
  if (!kept) return base::pass(kept);
  return made;
}

}  // namespace

/// Why the controller will not have this node; told on one thread, asked on another.
struct AgentService::Refusal {
  std::mutex mutex;
  std::string why;  ///< Guarded by mutex.
};

AgentService::AgentService(std::string node, std::shared_ptr<Refusal> refusal,
                           std::unique_ptr<adapters::agent_host::AgentHost> host)
    : node_(std::move(node)), refusal_(std::move(refusal)), host_(std::move(host)) {}

AgentService::~AgentService() { host_->stop(); }

Result<std::unique_ptr<AgentService>> AgentService::open(const AgentServiceOptions& options) {
  const std::string node = options.node.empty() ? host_name() : options.node;
  if (auto made = make_private_folder(options.data_dir); !made) return base::pass(made);
  auto shim = find_shim();
  if (!shim) return base::pass(shim);
  auto identity = identity_for(options, node);
  if (!identity) return base::pass(identity);

  adapters::grpc::ControllerLinkOptions link;
  link.addresses = options.controllers;
  link.ca_pem = identity->ca_pem;
  link.cert_pem = identity->cert_pem;
  link.key_pem = identity->key_pem;

  adapters::agent_host::AgentHostOptions host;
  host.node = {node};
  host.data_dir = options.data_dir;
  host.shim_path = *shim;
  host.python_dir = find_python();
  host.address = options.address.empty()
                     ? adapters::system::address_towards(options.controllers.front())
                     : options.address;
  host.pool = options.pool;
  host.simulated_gpus = options.simulated_gpus;
  host.cpu_millis = std::int64_t{options.cores} * 1'000;
  host.version = cli::kVersion;

  auto refusal = std::make_shared<Refusal>();
  auto opened = adapters::agent_host::AgentHost::open(
      std::move(host), std::make_unique<adapters::grpc::GrpcControllerLink>(std::move(link)),
      [refusal](std::string why) {
        const std::scoped_lock lock(refusal->mutex);
        refusal->why = std::move(why);
      });
  if (!opened) return base::pass(opened);
  return std::unique_ptr<AgentService>(
      new AgentService(node, std::move(refusal), *std::move(opened)));
}

std::string AgentService::rejected() const {
  const std::scoped_lock lock(refusal_->mutex);
  return refusal_->why;
}

}  // namespace apps
