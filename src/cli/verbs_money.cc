#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/amounts.h"
#include "cli/job_file.h"
#include "cli/verbs.h"

namespace cli {
namespace {

base::Result<int> grant(Context& context, const std::string& team, const std::string& typed) {
  auto amount = parse_credits(typed);
  if (!amount) return base::pass(amount);
  auto path = path_to({"teams", team, "grants"});
  if (!path) return base::pass(path);
  boost::json::object body;
  body["credits_micros"] = amount->micros;
  return answer<Team>(context, {"POST", *path, {}, std::move(body)}, [&](const Team& after) {
    context.output.line(
        context.say("grant.done", {team, show_credits(*amount), show_credits({after.balance})}));
  });
}

std::string why_text(const Context& context, const StatementLine& line) {
  const std::string id = "money." + line.why;
  return text::has(id) ? context.say(id) : printable(line.why);
}

void show_statement(const Context& context, const Statement& all) {
  if (all.pricing == "off") {
    context.output.line(context.say("prices.off"));
    return;
  }
  context.output.line(
      context.say("statement.title",
                  {printable(all.team), show_credits({all.balance}), show_credits({all.held})}));
  if (all.lines.empty()) return;
  Table table{{{context.say("column.time"), false, false},
               {context.say("column.why")},
               {context.say("column.job"), true, false},
               {context.say("column.amount"), true, false},
               {context.say("column.balance"), true, false}},
              {}};
  for (const StatementLine& line : all.lines) {
    const bool is_out = line.from == "team:" + all.team;
    table.rows.push_back(
        {context.moment(line.at),
         why_text(context, line),
         line.job > 0 ? std::to_string(line.job) : "",
         {show_credits({is_out ? -line.amount : line.amount}), is_out ? Style::plain : Style::good},
         show_credits({line.balance})});
  }
  context.output.table(table);
}

base::Result<int> statement(Context& context, std::string team, int limit) {
  if (team.empty()) {
    auto server = Server::open(context);
    if (!server) return base::pass(server);
    auto me = server->get<User>("/v1/me");
    if (!me) return base::pass(me);
    team = me->team;
  }
  auto path = path_to({"teams", team, "statement"});
  if (!path) return base::pass(path);
  return answer<Statement>(context, {"GET", *path, {{"limit", std::to_string(limit)}}},
                           [&](const Statement& all) { show_statement(context, all); });
}

std::string factor(std::int64_t permille) { return show_cores(permille); }

void show_prices(const Context& context, const PriceList& prices) {
  if (prices.pricing == "off") {
    context.output.line(context.say("prices.off"));
    return;
  }
  Table table{{{context.say("column.resource")}, {context.say("column.price"), true, false}}, {}};
  for (const auto& [model, price] : prices.gpu_hour) {
    table.rows.push_back({model.empty() ? context.say("prices.other_gpu")
                                        : context.say("prices.gpu", {printable(model)}),
                          show_credits({price})});
  }
  table.rows.push_back({context.say("prices.core"), show_credits({prices.core_hour})});
  context.output.table(table);
  context.output.line("");
  context.output.line(context.say(
      "prices.classes",
      {factor(prices.eager_permille), factor(prices.firm_permille), factor(prices.flex_permille)}));
  for (const CurveStep& step : prices.curve) {
    context.output.line(context.say(
        "prices.step", {std::to_string(step.fullness_permille / 10), factor(step.rate_permille)}));
  }
  context.output.line(context.say("prices.floor", {factor(prices.floor_permille)}));
}

base::Result<int> prices(Context& context, const std::string& file) {
  const auto show = [&](const PriceList& all) { show_prices(context, all); };
  if (file.empty()) return answer<PriceList>(context, {"GET", "/v1/prices"}, show);
  auto text = context.environment.read_file(path_below(context.environment.current_folder(), file));
  if (!text) return std::unexpected(std::move(text).error().while_doing(file));
  auto body = base::parse_json(*text);
  if (!body) return std::unexpected(std::move(body).error().while_doing(file));
  return answer<PriceList>(context, {"PUT", "/v1/prices", {}, *std::move(body)}, show);
}

/// Turns prices on or off; the rates stay as they are.
base::Result<int> set_pricing(Context& context, std::string_view pricing) {
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  auto body = server->ask({"GET", "/v1/prices"});
  if (!body) return base::pass(body);
  if (body->is_object()) body->as_object()["pricing"] = std::string(pricing);
  return answer<PriceList>(context, {"PUT", "/v1/prices", {}, *std::move(body)},
                           [&](const PriceList& all) { show_prices(context, all); });
}

struct PricesWish {
  std::string file;
  bool off = false;
  bool on = false;
};

base::Result<int> change_prices(Context& context, const PricesWish& wish) {
  const int said =
      static_cast<int>(!wish.file.empty()) + static_cast<int>(wish.off) + static_cast<int>(wish.on);
  if (said > 1) return base::invalid("prices", "{}", context.say("error.one_of_prices"));
  if (wish.off || wish.on) return set_pricing(context, wish.off ? "off" : "on");
  return prices(context, wish.file);
}

}  // namespace

void add_money_verbs(Verbs& verbs, CLI::App& app) {
  Context& context = verbs.context;
  const auto team = std::make_shared<std::string>();
  const auto amount = std::make_shared<std::string>();
  CLI::App& granting = add_verb(
      verbs, app, "grant", [&context, team, amount] { return grant(context, *team, *amount); });
  granting.add_option("team", *team, context.say("option.grant_team"))
      ->required()
      ->type_name("TEAM");
  granting.add_option("credits", *amount, context.say("option.credits"))
      ->required()
      ->type_name("CREDITS");

  const auto whose = std::make_shared<std::string>();
  const auto limit = std::make_shared<int>(50);
  CLI::App& stating = add_verb(verbs, app, "statement", [&context, whose, limit] {
    return statement(context, *whose, *limit);
  });
  stating.add_option("team", *whose, context.say("option.statement_team"))->type_name("TEAM");
  stating.add_option("--limit", *limit, context.say("option.limit"))->type_name("N");

  const auto wish = std::make_shared<PricesWish>();
  CLI::App& pricing =
      add_verb(verbs, app, "prices", [&context, wish] { return change_prices(context, *wish); });
  pricing.add_option("--set", wish->file, context.say("option.set_prices"))->type_name("FILE");
  pricing.add_flag("--off", wish->off, context.say("option.prices_off"));
  pricing.add_flag("--on", wish->on, context.say("option.prices_on"));
}

}  // namespace cli
