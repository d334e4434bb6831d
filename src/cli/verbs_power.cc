#include <CLI/CLI.hpp>
#include <memory>

#include "cli/describe.h"
#include "cli/times.h"
#include "cli/verbs.h"

namespace cli {
namespace {

struct PowerWish {
  std::vector<std::string> nodes;
  std::string idle = "15m";
  std::string resume = "5m";
  bool always_on = false;
};

base::Result<boost::json::object> body_of(const PowerWish& wish) {
  auto idle = parse_duration(wish.idle);
  if (!idle) return base::pass(idle);
  auto resume = parse_duration(wish.resume);
  if (!resume) return base::pass(resume);
  return boost::json::object{{"idle_ms", idle->ms}, {"resume_ms", resume->ms}};
}

void show(const Context& context, const Node& node) {
  if (!node.power) {
    context.output.line(context.say("node.always_on", {printable(node.name)}));
    return;
  }
  context.output.line(
      context.say("node.power", {printable(node.name), exact_duration({node.power->idle_ms}),
                                 exact_duration({node.power->resume_ms})}));
}

base::Result<int> set_power(Context& context, const PowerWish& wish) {
  boost::json::object body;
  if (!wish.always_on) {
    auto policy = body_of(wish);
    if (!policy) return base::pass(policy);
    body = *std::move(policy);
  }
  for (const std::string& node : wish.nodes) {
    auto path = path_to({"nodes", node, "power"});
    if (!path) return base::pass(path);
    const Call call = wish.always_on ? Call{"DELETE", *path} : Call{"PUT", *path, {}, body};
    auto done = answer<Node>(context, call, [&](const Node& changed) { show(context, changed); });
    if (!done) return done;
  }
  return 0;
}

}  // namespace

void add_power_verb(Verbs& verbs, CLI::App& node) {
  Context& context = verbs.context;
  const auto wish = std::make_shared<PowerWish>();
  CLI::App& power =
      add_verb(verbs, node, "node power", [&context, wish] { return set_power(context, *wish); });
  power.add_option("node", wish->nodes, context.say("option.nodes"))->required()->type_name("NODE");
  CLI::Option* always =
      power.add_flag("--always-on", wish->always_on, context.say("option.always_on"));
  power.add_option("--idle", wish->idle, context.say("option.idle"))
      ->type_name("DURATION")
      ->excludes(always);
  power.add_option("--resume", wish->resume, context.say("option.resume"))
      ->type_name("DURATION")
      ->excludes(always);
}

}  // namespace cli
