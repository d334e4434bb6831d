#include "apps/berth/serve.h"

#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>

#include "apps/berth/agent_service.h"
#include "apps/berth/controller_service.h"
#include "apps/berth/paths.h"
#include "cli/config.h"
#include "cli/exit_status.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/text/catalog.h"
#include "cli/times.h"
#include "cli/usage.h"

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
  /// Waits for one of them, at most so long.
  bool wait(domain::Duration longest) const {
    const timespec most{longest.ms / 1000, longest.ms % 1000 * 1'000'000};
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
  cli::Output output(terminal.environment, terminal.language, false);
  const std::string where = error.field.empty() ? "" : error.field + ": ";
  return static_cast<int>(output.error({error.code, where + error.message}));
}

/// One serving verb while its arguments are read.
class Verb {
 public:
  Verb(const Terminal& terminal, const std::string& name)
      : terminal_(terminal), app_(terminal.say("verb.berth"), "berth") {
    app_.set_help_flag("--help,-h", terminal.say("option.help"));
    app_.add_option("--lang", language_, terminal.say("option.lang"))->type_name("en|zh");
    app_.fallthrough();
    verb_ = app_.add_subcommand(name, terminal.say("serving." + name));
    verb_->footer(terminal.say("serving." + name + ".examples"));
    verb_->set_help_flag("--help,-h", terminal.say("option.help"));
  }

  /// `name` and what its value is called: "--http HOST:PORT".
  template <class T>
  CLI::Option* option(std::string_view name, T& value, std::string_view id) {
    const std::size_t space = name.find(' ');
    return verb_
        ->add_option(std::string(name.substr(0, space)), value,
                     terminal_.say(fmt::format("serving.option.{}", id)))
        ->type_name(std::string(name.substr(space + 1)));
  }

  /// Nothing if the verb is to run; else its exit status.
  std::optional<int> parse(const std::vector<std::string>& arguments) {
    cli::Output output(terminal_.environment, terminal_.language, false);
    std::vector<std::string> words(arguments.rbegin(), arguments.rend());
    words.push_back(verb_->get_name());
    try {
      app_.parse(words);
    } catch (const CLI::CallForHelp&) {
      output.raw(cli::help_text(*verb_, app_, verb_->get_name(), output, {}));
      return 0;
    } catch (const CLI::ParseError& error) {
      const std::string wrong = cli::usage_text(error, {arguments, *verb_, app_}, output);
      const std::string where = " " + verb_->get_name();
      return static_cast<int>(output.error(
          {base::ErrorCode::invalid_argument, output.say("error.usage", {wrong, where})}));
    }
    return std::nullopt;
  }

 private:
  const Terminal& terminal_;
  CLI::App app_;  ///< Above the verb: has what every verb takes.
  CLI::App* verb_;
  std::string language_;  ///< Read before, to say all this in it.
};

void add_controller_options(Verb& verb, ControllerOptions& options, std::string& lease) {
  verb.option("--data FOLDER", options.data_dir, "data")->capture_default_str();
  verb.option("--http HOST:PORT", options.http, "http")->capture_default_str();
  verb.option("--agents HOST:PORT", options.agents, "agents")->capture_default_str();
  verb.option("--grpc HOST:PORT", options.grpc, "grpc")->capture_default_str();
  verb.option("--name HOST", options.names, "name");
  verb.option("--lease TIME", lease, "lease")->capture_default_str();
  verb.option("--time-scale N", options.time_scale, "time_scale")
      ->check(CLI::Range(1, 1'000).description(""));
  verb.option("--node-provider PATH", options.node_provider, "node_provider");
  auto* cert = verb.option("--cert FILE", options.cert_path, "cert");
  auto* key = verb.option("--key FILE", options.key_path, "key");
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

/// Nobody should take the times of a trial for real ones.
void tell_time_scale(const Terminal& terminal, const ControllerService& service) {
  if (service.time_scale() == 1) return;
  terminal.print("serving.time_scale", {std::to_string(service.time_scale())});
}

/// Says on standard error what an operator has to see to.
void report_power(const Terminal& terminal, ControllerOptions& options) {
  options.power_failed = [&terminal](const controller::PowerAsk& ask, const std::string& why) {
    const auto* const id = ask.resume ? "serving.not_resumed" : "serving.not_suspended";
    terminal.environment.write_error(terminal.say(id, {ask.node.value, why}));
  };
}

Result<int> serve_controller(const Terminal& terminal, const ControllerOptions& options) {
  const StopSignals stop;
  auto service = ControllerService::open(options);
  if (!service) return base::pass(service);
  const auto& at = (*service)->endpoints();
  terminal.print("serving.controller_at", {at.cluster, at.http, at.agents, at.grpc});
  if ((*service)->is_new())
    terminal.print("serving.first_admin", {(*service)->admin(), options.data_dir});
  tell_time_scale(terminal, **service);
  while (!stop.wait(domain::kHour)) {
  }
  terminal.print("serving.stopping");
  return 0;
}

Result<int> serve_agent(const Terminal& terminal, const AgentServiceOptions& options) {
  const StopSignals stop;
  auto agent = AgentService::open(options);
  if (!agent) return base::pass(agent);
  terminal.print("serving.agent_of", {(*agent)->node()});
  while (!stop.wait(domain::kSecond)) {
    if (auto why = (*agent)->rejected(); !why.empty()) {
      return base::fail(base::ErrorCode::permission_denied,
                        "{}; a new token of `berth node token` lets it join again", why);
    }
  }
  terminal.print("serving.stopping");
  return 0;
}

/// How this machine itself reaches `endpoint`, whatever others call it, by where it listens.
std::string reached_here(const std::string& listens, const std::string& endpoint) {
  const std::string host = listens.substr(0, listens.rfind(':'));
  const bool is_any = host == "0.0.0.0" || host == "[::]";
  return (is_any ? "127.0.0.1" : host) + endpoint.substr(endpoint.rfind(':'));
}

/// Waits for this machine to be a node that takes work, but not for ever: what is asked of a
/// cluster without nodes is refused. True if it is to stop meanwhile.
bool await_node(const StopSignals& stop, ControllerService& service, const AgentService& agent) {
  constexpr domain::Duration kLook{20};
  constexpr int kMostLooks = 500;
  for (int look = 0; look < kMostLooks && !service.is_in_touch(agent.node()); ++look) {
    if (!agent.rejected().empty()) break;
    if (stop.wait(kLook)) return true;
  }
  return false;
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
  agent_options.controllers = {reached_here(options.agents, (*service)->endpoints().agents)};
  agent_options.join_at = reached_here(options.grpc, (*service)->endpoints().grpc);
  agent_options.join_token = *token;
  agent_options.joins_again = true;  // It may have been removed meanwhile.
  agent_options.address = options.names.empty() ? "127.0.0.1" : options.names.front();
  auto agent = AgentService::open(agent_options);
  if (!agent) return base::pass(agent);
  const bool stops_at_once = await_node(stop, **service, **agent);
  terminal.print("serving.is_up", {(*service)->endpoints().http});
  tell_time_scale(terminal, **service);
  terminal.print("serving.try");
  bool is_told = false;
  while (!stops_at_once && !stop.wait(domain::kSecond)) {
    if (is_told || (*agent)->rejected().empty()) continue;
    terminal.print("serving.removed", {(*agent)->node()});
    is_told = true;
  }
  terminal.print("serving.stopping");
  return 0;
}

int finish(const Terminal& terminal, const Result<int>& status) {
  return status ? *status : report(terminal, status.error());
}

int run_controller(const Terminal& terminal, const std::vector<std::string>& arguments) {
  ControllerOptions options{.data_dir = default_data_dir()};
  std::string lease = cli::show_duration(options.lease);
  Verb verb(terminal, "controller");
  add_controller_options(verb, options, lease);
  if (auto status = verb.parse(arguments)) return *status;
  if (auto set = set_lease(options, lease); !set) return report(terminal, set.error());
  report_power(terminal, options);
  return finish(terminal, serve_controller(terminal, options));
}

/// From a file, from standard input or from the environment: a command line shows in lists of
/// processes.
Result<> read_join_token(const Terminal& terminal, const std::string& file,
                         AgentServiceOptions& options) {
  if (!file.empty() && !options.join_token.empty())
    return base::invalid("--join-token-file", "give the token in one way only");
  if (file.empty()) {
    if (options.join_token.empty())
      options.join_token = terminal.environment.variable("BERTH_JOIN_TOKEN").value_or("");
    return {};
  }
  if (file == "-") {
    options.join_token = terminal.environment.read_line(false).value_or("");
  } else {
    auto text = terminal.environment.read_file(file);
    if (!text) return base::pass(text);
    options.join_token = text->substr(0, text->find_first_of("\r\n"));
  }
  if (!options.join_token.empty()) return {};
  return base::invalid("--join-token-file", "the token is empty");
}

int run_agent(const Terminal& terminal, const std::vector<std::string>& arguments) {
  AgentServiceOptions options{.data_dir = default_data_dir() + "/agent"};
  Verb verb(terminal, "agent");
  verb.option("--data FOLDER", options.data_dir, "data")->capture_default_str();
  verb.option("--controller HOST:PORT", options.controllers, "controller")->required();
  std::string token_file;
  verb.option("--join-token-file FILE", token_file, "join_token_file");
  verb.option("--join TOKEN", options.join_token, "join");
  verb.option("--join-at HOST:PORT", options.join_at, "join_at");
  verb.option("--node NAME", options.node, "node");
  verb.option("--address ADDRESS", options.address, "address");
  verb.option("--pool POOL", options.pool, "pool");
  verb.option("--cores N", options.cores, "cores_offered");
  verb.option("--simulated-gpus MODEL:N", options.simulated_gpus, "simulated");
  if (auto status = verb.parse(arguments)) return *status;
  if (auto read = read_join_token(terminal, token_file, options); !read)
    return report(terminal, read.error());
  return finish(terminal, serve_agent(terminal, options));
}

int run_up(const Terminal& terminal, const std::vector<std::string>& arguments) {
  ControllerOptions options{.data_dir = default_data_dir()};
  std::string lease = cli::show_duration(options.lease);
  AgentServiceOptions agent;
  Verb verb(terminal, "up");
  add_controller_options(verb, options, lease);
  verb.option("--node NAME", agent.node, "node");
  verb.option("--cores N", agent.cores, "cores_offered");
  verb.option("--simulated-gpus MODEL:N", agent.simulated_gpus, "simulated");
  if (auto status = verb.parse(arguments)) return *status;
  if (auto set = set_lease(options, lease); !set) return report(terminal, set.error());
  report_power(terminal, options);
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
