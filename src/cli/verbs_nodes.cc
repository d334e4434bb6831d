#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/amounts.h"
#include "cli/describe.h"
#include "cli/verbs.h"

namespace cli {
namespace {

std::string of(std::int64_t used, std::int64_t all) { return fmt::format("{}/{}", used, all); }

bool is_closed(const Node& node) {
  return node.state == "ready" && node.closing && node.closing->closed_now;
}

/// Why it is as it is, and not as it should be; of a node that is ready, what closes it within a
/// week.
std::string cause_of(const Context& context, const Node& node) {
  if (node.power && !node.power->failure.empty()) {
    return context.say("nodes.not_switched",
                       {printable(node.cause), printable(node.power->failure)});
  }
  const std::int64_t soon = (context.environment.now() + domain::kDay * 7).ms;
  if (node.state != "ready" || !node.closing || node.closing->from > soon)
    return printable(node.cause);
  const Closing& closing = *node.closing;
  std::string text = context.say("nodes.closes", {context.moment(closing.from)});
  if (is_closed(node)) {
    text = closing.until ? context.say("nodes.closed_until", {context.moment(*closing.until)})
                         : context.say("nodes.closed");
  }
  return closing.cause.empty() ? text
                               : context.say("nodes.closing", {text, printable(closing.cause)});
}

void show_nodes(const Context& context, const Nodes& all) {
  if (all.nodes.empty()) {
    context.output.line(context.say("nodes.none"));
    return;
  }
  Table table{{{context.say("column.node"), false, false},
               {context.say("column.pool")},
               {context.say("column.state"), false, false},
               {context.say("column.gpus"), true, false},
               {context.say("column.model")},
               {context.say("column.cores"), true, false},
               {context.say("column.memory"), true, false},
               {context.say("column.cause")}},
              {}};
  for (const Node& node : all.nodes) {
    std::string model = node.gpu_model.empty() ? "-" : node.gpu_model;
    if (node.simulated) model += context.say("nodes.simulated");
    const std::string state = is_closed(node) ? "closed" : node.state;
    table.rows.push_back({printable(node.name),
                          printable(node.pool),
                          {state_text(context, state), style_of_state(state)},
                          of(node.in_use.gpus, node.capacity.gpus),
                          printable(model),
                          fmt::format("{}/{}", show_cores(node.in_use.cpu_millis),
                                      show_cores(node.capacity.cpu_millis)),
                          show_bytes(node.capacity.memory_bytes),
                          cause_of(context, node)});
  }
  context.output.table(table);
}

base::Result<int> change(Context& context, const std::string& node, std::string_view what,
                         const std::string& cause) {
  auto path = path_to({"nodes", node, what});
  if (!path) return base::pass(path);
  boost::json::object body;
  if (what == "drain") body["cause"] = cause;
  return answer<Node>(context, {"POST", *path, {}, std::move(body)}, [&](const Node& changed) {
    context.output.line(
        context.say("node.state", {printable(changed.name), state_text(context, changed.state)}));
  });
}

base::Result<int> remove(Context& context, const std::string& node) {
  auto path = path_to({"nodes", node});
  if (!path) return base::pass(path);
  auto yes = confirmed(context, context.say("ask.remove_node", {node}));
  if (!yes) return base::pass(yes);
  if (!*yes) return static_cast<int>(ExitStatus::interrupted);
  return answer<Node>(context, {"DELETE", *path}, [&](const Node&) {
    context.output.line(context.say("node.removed", {node}));
  });
}

base::Result<int> join_token(Context& context, int hours) {
  boost::json::object body;
  if (hours > 0) body["hours"] = hours;
  return answer<Token>(
      context, {"POST", "/v1/join-tokens", {}, std::move(body)}, [&](const Token& made) {
        context.output.line(context.say("node.join", {context.moment(made.expires)}));
        context.output.line("");
        context.output.line("  " + printable(made.command));
        if (made.note.empty()) return;
        context.output.line("");
        context.output.paragraph(printable(made.note), Style::warning);
      });
}

base::Result<int> list_join_tokens(Context& context) {
  return answer<JoinTokens>(context, {"GET", "/v1/join-tokens"}, [&](const JoinTokens& all) {
    if (all.join_tokens.empty()) {
      context.output.line(context.say("node.no_tokens"));
      return;
    }
    Table table{
        {{context.say("column.id"), false, false}, {context.say("column.expires"), false, false}},
        {}};
    for (const Token& token : all.join_tokens) {
      table.rows.push_back({printable(token.id), context.moment(token.expires)});
    }
    context.output.table(table);
  });
}

base::Result<int> revoke_join_token(Context& context, const std::string& id) {
  auto path = path_to({"join-tokens", id});
  if (!path) return base::pass(path);
  auto yes = confirmed(context, context.say("ask.revoke", {id}));
  if (!yes) return base::pass(yes);
  if (!*yes) return static_cast<int>(ExitStatus::interrupted);
  return answer<Token>(context, {"DELETE", *path}, [&](const Token&) {
    context.output.line(context.say("node.token_revoked", {id}));
  });
}

struct CalendarWish {
  std::string from;
  std::string pool;
  int hours = 24;
};

/// Whether only the time tells the two apart.
bool is_alike(const CalendarHour& a, const CalendarHour& b) {
  return a.pool == b.pool && a.free_gpus == b.free_gpus && a.capacity_gpus == b.capacity_gpus &&
         a.free_cpu_millis == b.free_cpu_millis && a.capacity_cpu_millis == b.capacity_cpu_millis &&
         a.next_gpu_hour == b.next_gpu_hour && a.next_core_hour == b.next_core_hour;
}

/// Hours in which nothing changes share a line. Where nothing costs anything no price is shown.
void show_calendar(const Context& context, const Calendar& calendar, const std::string& pool) {
  const bool is_free = std::ranges::all_of(calendar.hours, [](const CalendarHour& hour) {
    return hour.next_gpu_hour == 0 && hour.next_core_hour == 0;
  });
  Table table{{{context.say("column.pool")},
               {context.say("column.from"), false, false},
               {context.say("column.until"), false, false},
               {context.say("column.free_gpus"), true, false},
               {context.say("column.free_cores"), true, false},
               {context.say("column.gpu_hour"), true, false},
               {context.say("column.core_hour"), true, false}},
              {}};
  for (std::size_t i = 0; i < calendar.hours.size(); ++i) {
    const CalendarHour& hour = calendar.hours[i];
    if (!pool.empty() && hour.pool != pool) continue;
    while (i + 1 < calendar.hours.size() && is_alike(hour, calendar.hours[i + 1])) ++i;
    const std::int64_t until = calendar.hours[i].from + domain::kHour.ms;
    const bool is_full = hour.capacity_gpus > 0 && hour.free_gpus == 0;
    table.rows.push_back(
        {printable(hour.pool),
         context.moment(hour.from),
         context.moment(until),
         {of(hour.free_gpus, hour.capacity_gpus), is_full ? Style::bad : Style::good},
         fmt::format("{}/{}", show_cores(hour.free_cpu_millis),
                     show_cores(hour.capacity_cpu_millis)),
         hour.capacity_gpus > 0 ? show_credits({hour.next_gpu_hour}) : "-",
         show_credits({hour.next_core_hour})});
  }
  if (is_free) {
    table.columns.erase(table.columns.end() - 2, table.columns.end());
    for (auto& row : table.rows) row.erase(row.end() - 2, row.end());
  }
  context.output.table(table);
}

base::Result<int> calendar(Context& context, const CalendarWish& wish) {
  Query query{{"hours", std::to_string(wish.hours)}};
  if (!wish.from.empty()) {
    auto from = parse_moment(wish.from, context.here());
    if (!from) return base::pass(from);
    query["from"] = std::to_string(from->ms);
  }
  return answer<Calendar>(
      context, {"GET", "/v1/calendar", std::move(query)},
      [&](const Calendar& answered) { show_calendar(context, answered, wish.pool); });
}

void add_join_token_verbs(Verbs& verbs, CLI::App& node) {
  Context& context = verbs.context;
  const auto hours = std::make_shared<int>(0);
  CLI::App& token = add_verb(verbs, node, "node token",
                             [&context, hours] { return join_token(context, *hours); });
  token.add_option("--hours", *hours, context.say("option.hours_valid"))->type_name("N");
  add_verb(verbs, token, "node token list", [&context] { return list_join_tokens(context); });
  const auto id = std::make_shared<std::string>();
  add_verb(verbs, token, "node token revoke",
           [&context, id] { return revoke_join_token(context, *id); })
      .add_option("id", *id, context.say("option.join_token_id"))
      ->required()
      ->type_name("ID");
}

}  // namespace

void add_node_verbs(Verbs& verbs, CLI::App& app) {
  Context& context = verbs.context;
  add_verb(verbs, app, "nodes", [&context] {
    return answer<Nodes>(context, {"GET", "/v1/nodes"},
                         [&](const Nodes& all) { show_nodes(context, all); });
  });
  CLI::App& node = add_verb(verbs, app, "node", nullptr);
  const auto add_name = [&context](CLI::App& verb, std::string& to) {
    verb.add_option("node", to, context.say("option.node"))->required()->type_name("NODE");
  };
  const auto drained = std::make_shared<std::string>();
  const auto cause = std::make_shared<std::string>();
  CLI::App& drain = add_verb(verbs, node, "node drain", [&context, drained, cause] {
    return change(context, *drained, "drain", *cause);
  });
  add_name(drain, *drained);
  drain.add_option("--cause", *cause, context.say("option.cause"))->type_name("TEXT");
  const auto resumed = std::make_shared<std::string>();
  add_name(add_verb(verbs, node, "node resume",
                    [&context, resumed] { return change(context, *resumed, "resume", ""); }),
           *resumed);
  const auto removed = std::make_shared<std::string>();
  add_name(add_verb(verbs, node, "node remove",
                    [&context, removed] { return remove(context, *removed); }),
           *removed);
  add_closure_verbs(verbs, node);
  add_power_verb(verbs, node);
  add_join_token_verbs(verbs, node);

  const auto wish = std::make_shared<CalendarWish>();
  CLI::App& showing =
      add_verb(verbs, app, "calendar", [&context, wish] { return calendar(context, *wish); });
  showing.add_option("--from", wish->from, context.say("option.from_when"))->type_name("WHEN");
  showing.add_option("--hours", wish->hours, context.say("option.hours"))->type_name("N");
  showing.add_option("--pool", wish->pool, context.say("option.pool"))->type_name("POOL");
}

}  // namespace cli
