#include "apps/berth/serve.h"

#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>

#include "apps/berth/agent_service.h"
#include "apps/berth/controller_service.h"
#include "apps/berth/paths.h"
#include "cli/config.h"
#include "cli/exit_status.h"

namespace apps {
namespace {

using base::Result;

/// SIGINT and SIGTERM, asked for instead of being killed by. Made before any thread, so that every
/// thread leaves them to this one.
class StopSignals {
 public:
  StopSignals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGINT);
    ::sigaddset(&set_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  /// Waits up to `seconds` for one of them.
  bool wait(int seconds) const {
    const timespec most{seconds, 0};
    return ::sigtimedwait(&set_, nullptr, &most) > 0;
  }

 private:
  sigset_t set_{};
};

int report(cli::Environment& environment, const base::Error& error) {
  const std::string where = error.field.empty() ? "" : error.field + ": ";
  environment.write_error(fmt::format("berth: {}{}\n", where, error.message));
  return static_cast<int>(cli::exit_status(error.code));
}

/// Parses what follows the verb's name. Nothing if the verb is to run; else its exit status.
std::optional<int> parse(CLI::App& app, std::vector<std::string> arguments, cli::Environment& environment) {
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    environment.write_out(app.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    environment.write_error(fmt::format("berth: {}\nTry '{} --help'.\n", error.what(), app.get_name()));
    return static_cast<int>(cli::ExitStatus::usage);
  }
  return std::nullopt;
}

void add_controller_options(CLI::App& app, ControllerOptions& options) {
  app.add_option("--data", options.data_dir, "Folder of everything that is kept")->capture_default_str();
  app.add_option("--http", options.http, "HOST:PORT for people and programs; TLS on any address but loopback")
      ->capture_default_str();
  app.add_option("--agents", options.agents, "HOST:PORT for agents; mutual TLS")->capture_default_str();
  app.add_option("--grpc", options.grpc, "HOST:PORT for joining nodes and the scheduler service; TLS")->capture_default_str();
  app.add_option("--name", options.names, "Host name or address that others reach this machine by; may be repeated");
  auto* cert = app.add_option("--cert", options.cert_path, "Certificate for --http (PEM)");
  auto* key = app.add_option("--key", options.key_path, "Its key (PEM)");
  cert->needs(key);
  key->needs(cert);
}

/// Lets the command line of this user find the controller without any option.
Result<> write_config(cli::Environment& environment, const ControllerService& service) {
  cli::Config config;
  config.server = service.endpoints().http;
  if (config.server.starts_with("https:")) config.ca = service.ca_pem();
  config.user = service.admin();
  config.token = service.admin_token();
  return cli::save_config(environment, config);
}

Result<int> serve_controller(cli::Environment& environment, const ControllerOptions& options) {
  const StopSignals stop;
  auto service = ControllerService::open(options);
  if (!service) return base::pass(service);
  const auto& at = (*service)->endpoints();
  environment.write_out(fmt::format("controller of cluster {} at {}\n", at.cluster, at.http));
  environment.write_out(fmt::format("agents at {}, joining at {}\n", at.agents, at.grpc));
  if ((*service)->is_new()) {
    environment.write_out(fmt::format("The first admin is {}; the token is in {}/admin-token\n",
                                      (*service)->admin(), options.data_dir));
  }
  while (!stop.wait(3'600)) {
  }
  environment.write_out("stopping; jobs go on\n");
  return 0;
}

Result<int> serve_agent(cli::Environment& environment, const AgentServiceOptions& options) {
  const StopSignals stop;
  auto agent = AgentService::open(options);
  if (!agent) return base::pass(agent);
  environment.write_out(fmt::format("agent of node {}\n", (*agent)->node()));
  while (!stop.wait(1)) {
    if (auto why = (*agent)->rejected(); !why.empty()) return base::fail(base::ErrorCode::permission_denied, "{}", why);
  }
  environment.write_out("stopping; jobs go on\n");
  return 0;
}

/// Controller and agent in one process, for one machine.
Result<int> serve_both(cli::Environment& environment, const ControllerOptions& options, AgentServiceOptions agent_options) {
  const StopSignals stop;
  auto service = ControllerService::open(options);
  if (!service) return base::pass(service);
  if (auto kept = write_config(environment, **service); !kept) return base::pass(kept);
  auto token = (*service)->join_token();
  if (!token) return base::pass(token);
  agent_options.data_dir = options.data_dir + "/agent";
  agent_options.controllers = {(*service)->endpoints().agents};
  agent_options.join_at = (*service)->endpoints().grpc;
  agent_options.join_token = *token;
  agent_options.address = "127.0.0.1";
  auto agent = AgentService::open(agent_options);
  if (!agent) return base::pass(agent);
  environment.write_out(fmt::format("Berth is up at {}\n", (*service)->endpoints().http));
  environment.write_out("In another terminal:\n  berth run -- hostname\n  berth nodes\n  berth --help\n");
  while (!stop.wait(3'600)) {
  }
  environment.write_out("stopping; jobs go on\n");
  return 0;
}

template <class Serve>
int finish(cli::Environment& environment, Serve serve) {
  Result<int> status = serve();
  return status ? *status : report(environment, status.error());
}

int run_controller(cli::Environment& environment, const std::vector<std::string>& arguments) {
  ControllerOptions options{.data_dir = default_data_dir()};
  CLI::App app("Serves a cluster: takes bids, plans, tells agents what to run.", "berth controller");
  add_controller_options(app, options);
  app.footer("Examples:\n  berth controller\n  berth controller --http 0.0.0.0:7070 --agents 0.0.0.0:7071 "
             "--grpc 0.0.0.0:7072 --name head.lab");
  if (auto status = parse(app, arguments, environment)) return *status;
  return finish(environment, [&] { return serve_controller(environment, options); });
}

int run_agent(cli::Environment& environment, const std::vector<std::string>& arguments) {
  AgentServiceOptions options{.data_dir = default_data_dir() + "/agent"};
  CLI::App app("Serves this machine as a node of a cluster.", "berth agent");
  app.add_option("--data", options.data_dir, "Folder of the agent")->capture_default_str();
  app.add_option("--controller", options.controllers, "HOST:PORT of the controller's port for agents")->required();
  app.add_option("--join", options.join_token, "Token of `berth node token`; needed once");
  app.add_option("--join-at", options.join_at, "HOST:PORT for joining");
  app.add_option("--node", options.node, "Name of the node; this machine's host name if left out");
  app.add_option("--address", options.address, "Where other nodes reach this one");
  app.add_option("--pool", options.pool, "Pool; named after the GPU model if left out");
  app.add_option("--cores", options.cores, "Cores to offer; all if left out");
  app.add_option("--simulated-gpus", options.simulated_gpus, "MODEL:N declares GPUs that are not there, for trials");
  app.footer("Examples:\n  berth agent --controller head.lab:7071 --join-at head.lab:7072 --join TOKEN\n"
             "  berth agent --controller head.lab:7071");
  if (auto status = parse(app, arguments, environment)) return *status;
  return finish(environment, [&] { return serve_agent(environment, options); });
}

int run_up(cli::Environment& environment, const std::vector<std::string>& arguments) {
  ControllerOptions options{.data_dir = default_data_dir()};
  AgentServiceOptions agent;
  CLI::App app("Controller and agent on this machine: the quickest way to a cluster of one.", "berth up");
  add_controller_options(app, options);
  app.add_option("--node", agent.node, "Name of the node; this machine's host name if left out");
  app.add_option("--cores", agent.cores, "Cores to offer; all if left out");
  app.add_option("--simulated-gpus", agent.simulated_gpus, "MODEL:N declares GPUs that are not there, for trials");
  app.footer("Examples:\n  berth up\n  berth up --simulated-gpus A100:8");
  if (auto status = parse(app, arguments, environment)) return *status;
  return finish(environment, [&] { return serve_both(environment, options, agent); });
}

}  // namespace

std::vector<cli::ExtraVerb> serving_verbs(cli::Environment& environment) {
  const auto verb = [&](const char* name, const char* en, const char* zh, auto run) {
    return cli::ExtraVerb{name, en, zh, [&environment, run](const std::vector<std::string>& arguments) {
                            return run(environment, arguments);
                          }};
  };
  return {verb("up", "Start a controller and an agent on this machine", "", run_up),
          verb("controller", "Serve a cluster", "", run_controller),
          verb("agent", "Serve this machine as a node", "", run_agent)};
}

}  // namespace apps
