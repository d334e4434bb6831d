#include "apps/berth/serve.h"

#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>

#include "apps/berth/agent_service.h"
#include "apps/berth/controller_service.h"
#include "apps/berth/paths.h"
#include "cli/config.h"
#include "cli/exit_status.h"
#include "cli/text/catalog.h"
#include "cli/times.h"

namespace apps {
namespace {

namespace text = cli::text;
using base::Result;
using text::Language;

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

/// What the serving verbs share: the outside, and the language of the person at the terminal.
struct Terminal {
  cli::Environment& environment;
  Language language;

  std::string say(std::string_view id, std::initializer_list<std::string_view> values = {}) const {
    return text::say(language, id, values);
  }
  void print(std::string_view id, std::initializer_list<std::string_view> values = {}) const {
    environment.write_out(say(id, values));
  }
};

int report(const Terminal& terminal, const base::Error& error) {
  const std::string where = error.field.empty() ? "" : error.field + ": ";
  terminal.environment.write_error(fmt::format("berth: {}{}\n", where, error.message));
  return static_cast<int>(cli::exit_status(error.code));
}

/// One serving verb while its arguments are read.
class Verb {
 public:
  Verb(const Terminal& terminal, const std::string& name)
      : terminal_(terminal), app_(terminal.say("serving." + name), "berth " + name) {
    app_.footer(terminal.say("serving." + name + ".examples"));
    app_.set_help_flag("-h,--help", terminal.say("option.help"));
    app_.add_option("--lang", language_, terminal.say("option.lang"));
  }

  template <class T>
  CLI::Option* option(const char* name, T& value, std::string_view id) {
    return app_.add_option(name, value, terminal_.say(fmt::format("serving.option.{}", id)));
  }

  /// Nothing if the verb is to run; else its exit status.
  std::optional<int> parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());
    try {
      app_.parse(arguments);
    } catch (const CLI::CallForHelp&) {
      terminal_.environment.write_out(app_.help());
      return 0;
    } catch (const CLI::ParseError& error) {
      terminal_.environment.write_error(fmt::format(
          "berth: {}\n{}", error.what(), terminal_.say("serving.try_help", {app_.get_name()})));
      return static_cast<int>(cli::ExitStatus::usage);
    }
    return std::nullopt;
  }

 private:
  const Terminal& terminal_;
  CLI::App app_;
  std::string language_;  ///< Read before, to say all this in it.
};

void add_controller_options(Verb& verb, ControllerOptions& options, std::string& lease) {
  verb.option("--data", options.data_dir, "data")->capture_default_str();
  verb.option("--http", options.http, "http")->capture_default_str();
  verb.option("--agents", options.agents, "agents")->capture_default_str();
  verb.option("--grpc", options.grpc, "grpc")->capture_default_str();
  verb.option("--name", options.names, "name");
  verb.option("--lease", lease, "lease")->capture_default_str();
  auto* cert = verb.option("--cert", options.cert_path, "cert");
  auto* key = verb.option("--key", options.key_path, "key");
  cert->needs(key);
  key->needs(cert);
}

Result<> set_lease(ControllerOptions& options, const std::string& text) {
  auto lease = cli::parse_duration(text);
  if (!lease) return std::unexpected(std::move(lease).error().in_field("--lease"));
  if (*lease < domain::kSecond * 10 || *lease > domain::kMinute * 10) {
    return base::invalid("--lease", "must be 10s to 10m");
  }
  options.lease = *lease;
  return {};
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

Result<int> serve_controller(const Terminal& terminal, const ControllerOptions& options) {
  const StopSignals stop;
  auto service = ControllerService::open(options);
  if (!service) return base::pass(service);
  const auto& at = (*service)->endpoints();
  terminal.print("serving.controller_at", {at.cluster, at.http, at.agents, at.grpc});
  if ((*service)->is_new())
    terminal.print("serving.first_admin", {(*service)->admin(), options.data_dir});
  while (!stop.wait(3'600)) {
  }
  terminal.print("serving.stopping");
  return 0;
}

Result<int> serve_agent(const Terminal& terminal, const AgentServiceOptions& options) {
  const StopSignals stop;
  auto agent = AgentService::open(options);
  if (!agent) return base::pass(agent);
  terminal.print("serving.agent_of", {(*agent)->node()});
  while (!stop.wait(1)) {
    if (auto why = (*agent)->rejected(); !why.empty())
      return base::fail(base::ErrorCode::permission_denied, "{}", why);
  }
  terminal.print("serving.stopping");
  return 0;
}

/// Controller and agent in one process, for one machine.
Result<int> serve_both(const Terminal& terminal, const ControllerOptions& options,
                       AgentServiceOptions agent_options) {
  const StopSignals stop;
  auto service = ControllerService::open(options);
  if (!service) return base::pass(service);
  if (auto kept = write_config(terminal.environment, **service); !kept) return base::pass(kept);
  auto token = (*service)->join_token();
  if (!token) return base::pass(token);
  agent_options.data_dir = options.data_dir + "/agent";
  agent_options.controllers = {(*service)->endpoints().agents};
  agent_options.join_at = (*service)->endpoints().grpc;
  agent_options.join_token = *token;
  agent_options.address = "127.0.0.1";
  auto agent = AgentService::open(agent_options);
  if (!agent) return base::pass(agent);
  terminal.print("serving.is_up", {(*service)->endpoints().http});
  terminal.print("serving.try");
  while (!stop.wait(3'600)) {
  }
  terminal.print("serving.stopping");
  return 0;
}

int finish(const Terminal& terminal, const Result<int>& status) {
  return status ? *status : report(terminal, status.error());
}

int run_controller(const Terminal& terminal, const std::vector<std::string>& arguments) {
  ControllerOptions options{.data_dir = default_data_dir()};
  std::string lease = "45s";
  Verb verb(terminal, "controller");
  add_controller_options(verb, options, lease);
  if (auto status = verb.parse(arguments)) return *status;
  if (auto set = set_lease(options, lease); !set) return report(terminal, set.error());
  return finish(terminal, serve_controller(terminal, options));
}

int run_agent(const Terminal& terminal, const std::vector<std::string>& arguments) {
  AgentServiceOptions options{.data_dir = default_data_dir() + "/agent"};
  Verb verb(terminal, "agent");
  verb.option("--data", options.data_dir, "data")->capture_default_str();
  verb.option("--controller", options.controllers, "controller")->required();
  verb.option("--join", options.join_token, "join");
  verb.option("--join-at", options.join_at, "join_at");
  verb.option("--node", options.node, "node");
  verb.option("--address", options.address, "address");
  verb.option("--pool", options.pool, "pool");
  verb.option("--cores", options.cores, "cores_offered");
  verb.option("--simulated-gpus", options.simulated_gpus, "simulated");
  if (auto status = verb.parse(arguments)) return *status;
  return finish(terminal, serve_agent(terminal, options));
}

int run_up(const Terminal& terminal, const std::vector<std::string>& arguments) {
  ControllerOptions options{.data_dir = default_data_dir()};
  std::string lease = "45s";
  AgentServiceOptions agent;
  Verb verb(terminal, "up");
  add_controller_options(verb, options, lease);
  verb.option("--node", agent.node, "node");
  verb.option("--cores", agent.cores, "cores_offered");
  verb.option("--simulated-gpus", agent.simulated_gpus, "simulated");
  if (auto status = verb.parse(arguments)) return *status;
  if (auto set = set_lease(options, lease); !set) return report(terminal, set.error());
  return finish(terminal, serve_both(terminal, options, agent));
}

/// As for every other verb: --lang, else LC_ALL, LC_MESSAGES or LANG.
Language language_for(const std::vector<std::string>& arguments,
                      const cli::Environment& environment) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--lang" && i + 1 < arguments.size())
      return text::language_of(arguments[i + 1]);
    if (arguments[i].starts_with("--lang=")) return text::language_of(arguments[i].substr(7));
  }
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const auto locale = environment.variable(name);
    if (locale && !locale->empty()) return text::language_of(*locale);
  }
  return Language::en;
}

}  // namespace

std::vector<cli::ExtraVerb> serving_verbs(cli::Environment& environment) {
  const auto verb = [&](const std::string& name, auto run) {
    const auto about = [&](Language language) { return text::say(language, "serving." + name); };
    return cli::ExtraVerb{name, about(Language::en), about(Language::zh),
                          [&environment, run](const std::vector<std::string>& arguments) {
                            return run(Terminal{environment, language_for(arguments, environment)},
                                       arguments);
                          }};
  };
  return {verb("up", run_up), verb("controller", run_controller), verb("agent", run_agent)};
}

}  // namespace apps
