#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/json.h"
#include "cli/job_file.h"
#include "cli/progress_line.h"
#include "cli/verbs.h"
#include "replay/generator.h"
#include "replay/gzip.h"
#include "replay/report.h"
#include "replay/retrace.h"

namespace cli {
namespace {

/// What was typed.
struct SimWish {
  std::string trace;
  std::string format = "jobs";
  std::string nodes;
  std::string policies = "era,first-fit,backfill,edf,fixed-price,exponential-price,greedy";
  std::string deadlines = "a";
  std::string values = "i";
  std::string bids = "rigid";
  std::string estimate_error = "none";
  std::string plots;
  std::string retrace;
  replay::Drawing drawing;
  std::int32_t gpus = 0;
  std::int32_t jobs = 20'000;
  bool bound = false;
};

base::Result<std::string> read_input(Context& context, const std::string& file) {
  if (file != "-") {
    auto bytes =
        context.environment.read_file(path_below(context.environment.current_folder(), file));
    if (!bytes) return std::unexpected(std::move(bytes).error().while_doing(file));
    auto text = replay::unpacked(*bytes);
    if (!text) return std::unexpected(std::move(text).error().while_doing(file));
    return text;
  }
  std::string text;
  while (auto line = context.environment.read_line(false)) text += *line + "\n";
  return text;
}

base::Result<replay::Trace> read_trace(Context& context, const SimWish& wish) {
  if (wish.trace.empty()) return replay::generate({.seed = wish.drawing.seed, .jobs = wish.jobs});
  auto format = replay::format_of(wish.format);
  if (!format) return base::pass(format);
  auto text = read_input(context, wish.trace);
  if (!text) return base::pass(text);
  auto trace = replay::parse(*format, *text);
  if (!trace) return std::unexpected(std::move(trace).error().while_doing(wish.trace));
  return trace;
}

/// What is to be played, read and drawn.
struct Game {
  std::vector<replay::NamedPolicy> policies;
  replay::Cluster cluster;
  replay::Workload workload;
};

base::Result<> read_choices(SimWish& wish, Game& game) {
  auto policies = replay::policies_of(wish.policies);
  if (!policies) return base::pass(policies);
  auto deadlines = replay::deadlines_of(wish.deadlines);
  if (!deadlines) return base::pass(deadlines);
  auto values = replay::values_of(wish.values);
  if (!values) return base::pass(values);
  auto estimate_error = replay::estimate_error_of(wish.estimate_error);
  if (!estimate_error) return base::pass(estimate_error);
  auto bids = replay::bids_of(wish.bids);
  if (!bids) return base::pass(bids);
  wish.drawing.bids = *bids;
  wish.drawing.deadlines = *deadlines;
  wish.drawing.values = *values;
  wish.drawing.estimate_error = *estimate_error;
  game.policies = *std::move(policies);
  return {};
}

base::Result<Game> prepare(Context& context, SimWish wish) {
  Game game;
  if (auto done = read_choices(wish, game); !done) return base::pass(done);
  if (!wish.nodes.empty()) {
    auto text = read_input(context, wish.nodes);
    if (!text) return base::pass(text);
    auto nodes = replay::parse_nodes(*text);
    if (!nodes) return std::unexpected(std::move(nodes).error().while_doing(wish.nodes));
    game.cluster.nodes = *std::move(nodes);
    wish.gpus = replay::gpus_of(game.cluster.nodes);
  }
  if (wish.gpus > 0) wish.drawing.gpus = wish.gpus;
  auto trace = read_trace(context, wish);
  if (!trace) return base::pass(trace);
  auto workload = replay::draw(*trace, wish.drawing);
  if (!workload) return base::pass(workload);
  game.workload = *std::move(workload);
  game.cluster.gpus = game.workload.gpus;
  game.cluster.slot_s = game.workload.slot_s;
  return game;
}

std::string percent(std::optional<double> share) {
  return share ? fmt::format("{:.1f}%", *share * 100) : "-";
}

/// What became of those who misjudged, under one policy.
void show_estimates(const Context& context, const replay::PolicySummary& policy) {
  context.output.line("");
  Table table{{{context.say("sim.stated", {policy.name})},
               {context.say("sim.bids"), true, false},
               {context.say("column.on_time"), true, false},
               {context.say("column.late"), true, false},
               {context.say("column.value"), true, false},
               {context.say("column.revenue"), true, false}},
              {}};
  for (const replay::EstimateGroup& group : policy.by_estimate) {
    if (group.bids == 0) continue;
    std::optional<double> share;
    if (group.requested_value > 0) share = group.value / group.requested_value;
    table.rows.push_back({context.say("stated." + group.stated), std::to_string(group.bids),
                          std::to_string(group.on_time), std::to_string(group.late), percent(share),
                          fmt::format("{:.0f}", group.paid)});
  }
  context.output.table(table);
}

void show(const Context& context, const replay::Summary& all) {
  context.output.sentence(
      context.say("sim.workload",
                  {std::to_string(all.jobs), std::to_string(all.gpus), std::to_string(all.slots),
                   std::to_string(all.slot_s), fmt::format("{:.2f}", all.load)}));
  if (all.too_wide > 0)
    context.output.sentence(context.say("sim.too_wide", {std::to_string(all.too_wide)}));
  context.output.sentence(
      context.say("sim.requested", {fmt::format("{:.0f}", all.requested_value)}));
  if (all.bound_share_of_requested)
    context.output.sentence(context.say("sim.bound", {percent(all.bound_share_of_requested)}));
  context.output.line("");
  Table table{{{context.say("column.policy")},
               {context.say("column.value"), true, false},
               {context.say("column.bound"), true, false},
               {context.say("column.busy"), true, false},
               {context.say("column.on_time"), true, false},
               {context.say("column.late"), true, false},
               {context.say("column.revenue"), true, false},
               {context.say("column.decided"), true, false}},
              {}};
  for (const replay::PolicySummary& line : all.policies) {
    table.rows.push_back({line.name, percent(line.value_share), percent(line.bound_share),
                          percent(line.utilisation), std::to_string(line.on_time),
                          std::to_string(line.late), fmt::format("{:.0f}", line.revenue),
                          fmt::format("{:.1f} us", line.decide_us_p99)});
  }
  context.output.table(table);
  if (!all.policies.empty() && !all.policies.front().by_estimate.empty())
    show_estimates(context, all.policies.front());
}

base::Result<> write_plots(Context& context, const std::string& folder,
                           const replay::Report& report) {
  const std::string below = path_below(context.environment.current_folder(), folder);
  for (const auto& [name, drawing] : replay::plots(report)) {
    if (auto done = context.environment.write_file(below + "/" + name, drawing, false); !done)
      return std::unexpected(std::move(done).error().while_doing(name));
  }
  return {};
}

base::Result<int> simulate(Context& context, const SimWish& wish) {
  auto game = prepare(context, wish);
  if (!game) return base::pass(game);
  replay::Report report;
  {
    ProgressLine line(context.environment);
    for (const replay::NamedPolicy& policy : game->policies) {
      report.outcomes.push_back(replay::play(
          game->workload, game->cluster, policy, [&](std::int32_t slot, std::int32_t slots) {
            line.show(fmt::format("{} {:.0f}%", policy.name, 100.0 * slot / slots));
          }));
    }
    if (wish.bound) {
      line.show(context.say("sim.bounding"));
      report.bound = replay::bound_of(game->workload);
    }
  }
  report.workload = std::move(game->workload);
  if (!wish.plots.empty()) {
    if (auto done = write_plots(context, wish.plots, report); !done) return base::pass(done);
  }
  const replay::Summary summary = replay::summary_of(report);
  if (context.output.json()) {
    context.output.data(base::to_json(summary));
  } else {
    show(context, summary);
  }
  return 0;
}

base::Result<int> show_retrace(Context& context, const std::string& file) {
  auto text = read_input(context, file);
  if (!text) return base::pass(text);
  const auto found = replay::retrace(*text);
  if (!found) return std::unexpected(base::Error(found.error()).while_doing(file));
  if (context.output.json()) {
    context.output.data(base::to_json(*found));
    return 0;
  }
  Table table{{{context.say("column.decision")},
               {context.say("column.made"), true, false},
               {context.say("column.differ"), true, false},
               {context.say("column.left_out"), true, false}},
              {}};
  for (const auto& [name, kind] : {std::pair{"retrace.answers", &found->answers},
                                   {"retrace.starts", &found->starts},
                                   {"retrace.early_starts", &found->early_starts},
                                   {"retrace.replans", &found->replans},
                                   {"retrace.extensions", &found->extensions},
                                   {"retrace.forecasts", &found->forecasts}}) {
    table.rows.push_back({context.say(name), std::to_string(kind->made),
                          std::to_string(kind->differ), std::to_string(kind->left_out)});
  }
  context.output.table(table);
  for (const std::string& difference : found->differences) context.output.line(difference);
  return 0;
}

}  // namespace

void add_sim_verbs(Verbs& verbs, CLI::App& app) {
  Context& context = verbs.context;
  const auto wish = std::make_shared<SimWish>();
  CLI::App& verb = add_verb(verbs, app, "sim", [&context, wish] {
    return wish->retrace.empty() ? simulate(context, *wish) : show_retrace(context, wish->retrace);
  });
  const auto option = [&](const std::string& name, auto& value, std::string_view id,
                          const std::string& type) {
    return verb.add_option(name, value, context.say(id))->type_name(type);
  };
  option("--trace", wish->trace, "option.sim_trace", "FILE");
  option("--format", wish->format, "option.sim_format", "NAME");
  option("--jobs", wish->jobs, "option.sim_jobs", "N")
      ->check(CLI::Range(1, 10'000'000).description(""));
  option("--load", wish->drawing.load, "option.sim_load", "X");
  option("--gpus", wish->gpus, "option.sim_gpus", "N")
      ->check(CLI::Range(1, 1'000'000).description(""));
  option("--nodes", wish->nodes, "option.sim_nodes", "FILE");
  option("--policy", wish->policies, "option.sim_policy", "NAMES");
  option("--deadlines", wish->deadlines, "option.sim_deadlines", "a|b|c|given");
  option("--values", wish->values, "option.sim_values", "i|ii|iii|iv|given");
  option("--bids", wish->bids, "option.sim_bids", "rigid|preemptible|elastic");
  option("--restart", wish->drawing.restart_s, "option.sim_restart", "SECONDS")
      ->check(CLI::Range(0, 86'400).description(""));
  option("--estimate-error", wish->estimate_error, "option.sim_estimate-error", "none|survey");
  option("--slot", wish->drawing.slot_s, "option.sim_slot", "SECONDS")
      ->check(CLI::Range(1, 86'400).description(""));
  option("--seed", wish->drawing.seed, "option.sim_seed", "N");
  verb.add_flag("--bound", wish->bound, context.say("option.sim_bound"));
  option("--plots", wish->plots, "option.sim_plots", "FOLDER");
  option("--retrace", wish->retrace, "option.sim_retrace", "FILE");
}

}  // namespace cli
