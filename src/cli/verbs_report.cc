#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>

#include "base/json.h"
#include "cli/amounts.h"
#include "cli/describe.h"
#include "cli/progress_line.h"
#include "cli/report_answers.h"
#include "cli/verbs.h"
#include "replay/comparison.h"

namespace cli {
namespace {

constexpr std::size_t kMostMachines = 20;

/// What was typed.
struct ReportWish {
  std::string from;
  std::string to;
  std::string team;
  std::string ratios;
  bool measured = false;
  bool replay = false;
};

std::string share(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.1f}%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}
std::string percent(double share) { return fmt::format("{:.1f}%", share * 100); }
std::string hours(double amount) { return fmt::format("{:.1f}", amount); }

/// Below a minute, where the second decides, with a decimal: a start may take less than one.
std::string length(std::int64_t ms) {
  constexpr std::int64_t kMinute_ms = 60'000;
  if (ms == 0) return "0s";
  if (ms >= kMinute_ms) return show_duration({ms});
  return fmt::format("{:.1f}s", static_cast<double>(ms) / 1'000);
}

std::string class_name(const Context& context, const std::string& name) {
  return name == "all" ? context.say("report.all") : printable(name);
}

Column numbers(const Context& context, std::string_view id) {
  return {context.say(id), true, false};
}

void show_starts(const Context& context, const ReportAnswer& all) {
  Table table{{{context.say("report.time_to_start"), false, false},
               numbers(context, "report.phase"),
               numbers(context, "report.starts"),
               numbers(context, "report.mean"),
               {"P50", true, false},
               {"P95", true, false},
               numbers(context, "report.longest")},
              {}};
  const auto add = [&](const ClassReport& line, std::string_view phase, const Spread& spread) {
    table.rows.push_back({class_name(context, line.name), context.say(phase),
                          std::to_string(spread.count), length(spread.mean_ms),
                          length(spread.p50_ms), length(spread.p95_ms), length(spread.max_ms)});
  };
  for (const ClassReport& line : all.classes) {
    if (line.total.count == 0) continue;
    add(line, "report.waiting", line.waiting);
    add(line, "report.starting", line.starting);
    add(line, "report.total", line.total);
  }
  if (table.rows.empty()) return context.output.line(context.say("report.no_starts"));
  context.output.table(table);
}

void show_classes(const Context& context, const ReportAnswer& all) {
  Table table{{{context.say("column.class"), false, false},
               numbers(context, "report.accepted"),
               numbers(context, "report.refused"),
               numbers(context, "report.first_try"),
               numbers(context, "report.second_try"),
               numbers(context, "report.ended"),
               numbers(context, "report.succeeded"),
               numbers(context, "report.gpu_hours")},
              {}};
  for (const ClassReport& line : all.classes) {
    table.rows.push_back(
        {class_name(context, line.name), std::to_string(line.accepted),
         std::to_string(line.refused), share(line.first_try.started, line.first_try.made),
         share(line.second_try.started, line.second_try.made), std::to_string(line.ends.ended),
         share(line.ends.succeeded, line.ends.ended), hours(line.used.gpu_hours)});
  }
  context.output.table(table);
}

void show_causes(const Context& context, const ReportAnswer& all) {
  if (all.causes.empty()) return;
  Table table{{{context.say("report.not_succeeded"), false, false},
               {context.say("column.cause")},
               numbers(context, "report.jobs")},
              {}};
  for (const EndCause& line : all.causes) {
    table.rows.push_back(
        {state_text(context, line.state),
         line.cause ? cause_text(context, *line.cause) : context.say("report.never_started"),
         std::to_string(line.jobs)});
  }
  context.output.line("");
  context.output.table(table);
}

void show_amounts(const Context& context, const ReportAnswer& all) {
  Table table{{{context.say("report.hours_of"), false, false},
               numbers(context, "column.gpus"),
               numbers(context, "column.cores"),
               numbers(context, "report.memory_gib")},
              {}};
  const auto add = [&](std::string_view id, const ResourceHours& amount) {
    table.rows.push_back({context.say(id), hours(amount.gpu_hours), hours(amount.core_hours),
                          hours(amount.memory_gib_hours)});
  };
  add("report.used", all.used);
  if (all.cluster) {
    add("report.idle", all.cluster->idle);
    add("report.capacity", all.cluster->capacity);
  }
  add("report.promised", all.promised);
  context.output.table(table);
}

/// What programs made of it, as samples say; "-" where nobody asked.
std::string measured_of(const ReportAnswer& all, const std::string& node) {
  if (!all.measured) return "-";
  const auto& machines = all.measured->machines;
  const auto found = std::ranges::find(machines, node, &MeasuredMachine::node);
  return found == machines.end() ? "-" : percent(found->utilisation);
}

void show_machines(const Context& context, const ReportAnswer& all) {
  const ClusterReport& cluster = *all.cluster;
  context.output.line("");
  if (const auto& measured = all.measured) {
    context.output.sentence(context.say(
        "report.measured", {percent(measured->utilisation), hours(measured->measured_hours),
                            hours(measured->rank_hours)}));
  }
  context.output.sentence(context.say("report.utilisation", {percent(cluster.utilisation)}));
  std::vector<MachineReport> machines = cluster.machines;
  std::ranges::stable_sort(machines, {}, &MachineReport::utilisation);
  const std::size_t shown = std::min(machines.size(), kMostMachines);
  Table table{{{context.say("column.node")},
               {context.say("column.pool")},
               numbers(context, "report.present"),
               {"GPU", true, false},
               {"CPU", true, false},
               numbers(context, "column.memory"),
               numbers(context, "report.in_use"),
               numbers(context, "report.by_samples")},
              {}};
  const auto of = [](double part, double whole) {
    return whole > 0 ? percent(part / whole) : std::string("-");
  };
  for (std::size_t i = 0; i < shown; ++i) {
    const MachineReport& each = machines[i];
    table.rows.push_back({printable(each.node), printable(each.pool), show_duration({each.present}),
                          of(each.used.gpu_hours, each.capacity.gpu_hours),
                          of(each.used.core_hours, each.capacity.core_hours),
                          of(each.used.memory_gib_hours, each.capacity.memory_gib_hours),
                          percent(each.utilisation), measured_of(all, each.node)});
  }
  if (shown > 0) context.output.table(table);
  if (shown < machines.size()) {
    context.output.sentence(
        context.say("report.more_machines", {std::to_string(machines.size() - shown)}));
  }
}

void show_money(const Context& context, const ReportAnswer& all) {
  const auto credits = [](std::int64_t micros) { return show_credits({micros}); };
  const auto each = [&](std::optional<std::int64_t> micros) {
    return micros ? credits(*micros) : std::string("-");
  };
  const MoneyReport& money = all.money;
  context.output.line("");
  context.output.sentence(context.say(
      "report.money", {credits(money.revenue), credits(money.refunds), credits(money.penalties)}));
  context.output.sentence(context.say(
      "report.unit_cost", {each(money.per_gpu_hour), each(money.per_succeeded_gpu_hour)}));
  if (all.classes.empty()) return;
  const PromisesKept& kept = all.classes.front().promises;
  context.output.sentence(
      context.say("report.promises", {std::to_string(kept.on_time), std::to_string(kept.late),
                                      std::to_string(kept.broken), std::to_string(kept.unused)}));
}

void show(const Context& context, const ReportAnswer& all) {
  const std::string whose = all.team.empty() ? context.say("report.everybody")
                                             : context.say("report.of_team", {printable(all.team)});
  context.output.sentence(context.say(
      "report.title", {whose, context.moment(all.period.from), context.moment(all.period.to)}));
  context.output.line("");
  show_starts(context, all);
  context.output.line("");
  show_classes(context, all);
  show_causes(context, all);
  context.output.line("");
  show_amounts(context, all);
  if (all.cluster) show_machines(context, all);
  show_money(context, all);
}

replay::LivedBid lived(const BidLine& line) {
  constexpr double kMicros = 1e6;
  replay::LivedBid bid{.at_ms = line.at,
                       .earliest_ms = line.earliest,
                       .deadline_ms = line.deadline,
                       .gpus = line.gpus,
                       .stated_ms = line.stated,
                       .ran_ms = line.ran,
                       .value = std::nullopt,
                       .preemptible = line.preemptible,
                       .restart_ms = line.restart};
  if (line.value) bid.value = static_cast<double>(*line.value) / kMicros;
  return bid;
}

/// The machines that were there for most of the period, each with the GPUs that it had on average.
/// Those that were there for the longest, if there are none.
std::vector<replay::NodeSize> machines_of(const ReportAnswer& all) {
  constexpr double kHour_ms = 3'600'000;
  if (!all.cluster) return {};
  std::int64_t longest = 0;
  for (const MachineReport& each : all.cluster->machines) longest = std::max(longest, each.present);
  std::vector<replay::NodeSize> nodes;
  for (const MachineReport& each : all.cluster->machines) {
    if (each.present * 2 < longest || each.present <= 0) continue;
    const double present_hours = static_cast<double>(each.present) / kHour_ms;
    const auto gpus =
        static_cast<std::int32_t>(std::lround(each.capacity.gpu_hours / present_hours));
    if (gpus > 0) nodes.push_back({each.node, gpus});
  }
  return nodes;
}

std::optional<replay::Comparison> replayed(Context& context, const ReportAnswer& all) {
  std::vector<replay::LivedBid> bids;
  bids.reserve(all.bids.size());
  for (const BidLine& line : all.bids) bids.push_back(lived(line));
  const domain::Time begun = context.environment.now();
  ProgressLine line(context.environment);
  return replay::compare(
      bids, machines_of(all), [&](std::string_view policy, std::int32_t slot, std::int32_t slots) {
        if (context.environment.now() - begun < domain::kSecond) return;
        const int percent = slots > 0 ? int(100.0 * slot / slots) : 100;
        line.show(context.say("report.replaying", {policy, std::to_string(percent)}));
      });
}

void show(const Context& context, const std::optional<replay::Comparison>& all) {
  context.output.line("");
  if (!all) return context.output.sentence(context.say("report.nothing_to_replay"));
  context.output.sentence(context.say(
      "report.replayed",
      {std::to_string(all->bids), std::to_string(all->gpus), std::to_string(all->slot_s)}));
  if (all->left_out > 0) {
    context.output.sentence(context.say("report.left_out", {std::to_string(all->left_out)}));
  }
  Table table{{{context.say("report.with_or_without"), false, false},
               {context.say("column.policy"), false, false},
               numbers(context, "report.value_on_time"),
               numbers(context, "report.started"),
               numbers(context, "report.mean_wait"),
               numbers(context, "column.on_time"),
               numbers(context, "column.late"),
               numbers(context, "column.busy"),
               numbers(context, "report.cost"),
               numbers(context, "report.paid")},
              {}};
  for (const replay::ComparedPolicy& each : all->policies) {
    table.rows.push_back({context.say(each.economy ? "report.with" : "report.without"), each.name,
                          percent(each.value_share), percent(each.started_share),
                          length(each.mean_wait_ms), percent(each.on_time_share),
                          std::to_string(each.late), percent(each.utilisation),
                          each.unit_cost ? fmt::format("{:.2f}", *each.unit_cost) : "-",
                          fmt::format("{:.3f}", each.paid_per_gpu_hour)});
  }
  context.output.table(table);
  context.output.sentence(context.say("report.what_it_costs"));
}

/// A moment, or a length of time: that long ago, since a report looks back.
base::Result<domain::Time> past_moment(const Context& context, const std::string& typed) {
  const bool has_unit = !typed.empty() && std::string_view("dhms").contains(typed.back());
  if (has_unit && typed.front() >= '0' && typed.front() <= '9') {
    if (const auto ago = parse_duration(typed)) return context.here().now - *ago;
  }
  return parse_moment(typed, context.here());
}

base::Result<Query> query_of(const Context& context, const ReportWish& wish) {
  Query query;
  const auto add_moment = [&](const std::string& name, const std::string& typed) -> base::Result<> {
    if (typed.empty()) return {};
    auto moment = past_moment(context, typed);
    if (!moment) return std::unexpected(std::move(moment).error().while_doing("--" + name));
    query[name] = std::to_string(moment->ms);
    return {};
  };
  if (auto done = add_moment("from", wish.from); !done) return base::pass(done);
  if (auto done = add_moment("to", wish.to); !done) return base::pass(done);
  if (!wish.team.empty()) query["team"] = wish.team;
  if (!wish.ratios.empty()) query["ratios"] = wish.ratios;
  if (wish.replay && wish.measured) {
    query["with"] = "bids,samples";
  } else if (wish.replay || wish.measured) {
    query["with"] = wish.replay ? "bids" : "samples";
  }
  return query;
}

base::Result<int> report(Context& context, const ReportWish& wish) {
  auto query = query_of(context, wish);
  if (!query) return base::pass(query);
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  auto body = server->ask({"GET", "/v1/report", *std::move(query)});
  if (!body) return base::pass(body);
  auto all = Server::decode<ReportAnswer>(*body);
  if (!all) return base::pass(all);
  std::optional<replay::Comparison> comparison;
  if (wish.replay) comparison = replayed(context, *all);
  if (context.output.json()) {
    boost::json::object& object = body->as_object();
    object.erase("bids");
    if (comparison) object["replayed"] = base::to_json(*comparison);
    context.output.data(*body);
    return 0;
  }
  show(context, *all);
  if (wish.replay) show(context, comparison);
  return 0;
}

}  // namespace

void add_report_verbs(Verbs& verbs, CLI::App& app) {
  Context& context = verbs.context;
  const auto wish = std::make_shared<ReportWish>();
  CLI::App& verb =
      add_verb(verbs, app, "report", [&context, wish] { return report(context, *wish); });
  verb.add_option("--from", wish->from, context.say("option.report_from"))->type_name("TIME");
  verb.add_option("--to", wish->to, context.say("option.report_to"))->type_name("TIME");
  verb.add_option("--team", wish->team, context.say("option.report_team"))->type_name("TEAM");
  verb.add_option("--ratios", wish->ratios, context.say("option.report_ratios"))
      ->type_name("CPU,GPU,MEMORY");
  verb.add_flag("--measured", wish->measured, context.say("option.report_measured"));
  verb.add_flag("--replay", wish->replay, context.say("option.report_replay"));
}

}  // namespace cli
