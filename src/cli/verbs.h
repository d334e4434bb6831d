#pragma once
#include <functional>
#include <string_view>

#include "cli/answers.h"
#include "cli/context.h"
#include "cli/server.h"

namespace CLI {
class App;
}

namespace cli {

/// The verbs while a command line is parsed: each says what it would do, the one that was typed is
/// `chosen`. An action returns the exit status.
struct Verbs {
  using Action = std::function<base::Result<int>()>;
  Context& context;
  Action chosen = nullptr;
};

/// Adds the verb `path`, such as "job show", below `parent`. Its texts are "verb.PATH" and
/// "examples.PATH" of the catalog. With no action it only groups others.
CLI::App& add_verb(Verbs& verbs, CLI::App& parent, std::string_view path, Verbs::Action action);

// Each adds a group of verbs; see the file of the same name.
void add_bid_verbs(Verbs& verbs, CLI::App& app);       ///< quote, submit, run
void add_job_verbs(Verbs& verbs, CLI::App& app);       ///< jobs, why, job show|cancel|extend
void add_result_verbs(Verbs& verbs, CLI::App& job);    ///< job logs|metrics|files|get
void add_node_verbs(Verbs& verbs, CLI::App& app);      ///< nodes, node ..., calendar
void add_closure_verbs(Verbs& verbs, CLI::App& node);  ///< node close|closures|open
void add_power_verb(Verbs& verbs, CLI::App& node);     ///< node power
void add_people_verbs(Verbs& verbs, CLI::App& app);    ///< teams, team add, users, tokens
void add_money_verbs(Verbs& verbs, CLI::App& app);     ///< grant, statement, prices
void add_limit_verbs(Verbs& verbs, CLI::App& app);     ///< quota, fairness
void add_share_verb(Verbs& verbs, CLI::App& team);     ///< team share
void add_move_verb(Verbs& verbs, CLI::App& job);       ///< job move
void add_login_verbs(Verbs& verbs, CLI::App& app);     ///< login, whoami, events, version
void add_sim_verbs(Verbs& verbs, CLI::App& app);       ///< sim
void add_report_verbs(Verbs& verbs, CLI::App& app);    ///< report

/// Reads the number of a job as it was typed.
base::Result<std::int64_t> parse_job_id(std::string_view text);

/// Asks the controller; shows the answer as JSON with --json, else with `show`.
template <class T, class Show>
base::Result<int> answer(Context& context, const Call& call, Show show) {
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  auto body = server->ask(call);
  if (!body) return base::pass(body);
  if (context.output.json()) {
    context.output.data(*body);
    return 0;
  }
  auto value = Server::decode<T>(*body);
  if (!value) return base::pass(value);
  show(*value);
  return 0;
}

}  // namespace cli
