#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "cli/amounts.h"
#include "cli/times.h"
#include "cli/verbs.h"

namespace cli {
namespace {

struct QuotaWish {
  std::string team;
  std::string user;
  std::string model;
  int gpus = 0;
  bool soft = false;
};

std::string owner_text(const Context& context, const Quota& quota) {
  return quota.user.empty() ? context.say("quota.team", {printable(quota.team)})
                            : context.say("quota.user", {printable(quota.user)});
}

void show_quotas(const Context& context, const Quotas& all) {
  if (all.quotas.empty()) {
    context.output.line(context.say("quota.none"));
    return;
  }
  Table table{{{context.say("column.of")},
               {context.say("column.model")},
               {context.say("column.gpus"), true, false},
               {context.say("column.used"), true, false},
               {context.say("column.kind"), false, false}},
              {}};
  for (const Quota& quota : all.quotas) {
    table.rows.push_back(
        {owner_text(context, quota),
         quota.gpu_model.empty() ? context.say("quota.any_model") : printable(quota.gpu_model),
         std::to_string(quota.gpus), std::to_string(quota.used),
         context.say(quota.soft ? "quota.soft" : "quota.hard")});
  }
  context.output.table(table);
}

base::Result<int> list_quotas(Context& context) {
  return answer<Quotas>(context, {"GET", "/v1/quotas"},
                        [&](const Quotas& all) { show_quotas(context, all); });
}

base::Result<int> set_quota(Context& context, const QuotaWish& wish) {
  boost::json::object body;
  if (!wish.team.empty()) body["team"] = wish.team;
  if (!wish.user.empty()) body["user"] = wish.user;
  if (!wish.model.empty()) body["gpu_model"] = wish.model;
  body["gpus"] = wish.gpus;
  body["soft"] = wish.soft;
  return answer<Quotas>(context, {"PUT", "/v1/quotas", {}, std::move(body)},
                        [&](const Quotas& all) { show_quotas(context, all); });
}

base::Result<int> remove_quota(Context& context, const QuotaWish& wish) {
  Call call{"DELETE", "/v1/quotas"};
  if (!wish.team.empty()) call.query.emplace("team", wish.team);
  if (!wish.user.empty()) call.query.emplace("user", wish.user);
  if (!wish.model.empty()) call.query.emplace("gpu_model", wish.model);
  return answer<Quotas>(context, call, [&](const Quotas& all) { show_quotas(context, all); });
}

base::Result<int> set_share(Context& context, const std::string& team, int weight) {
  auto path = path_to({"teams", team, "share"});
  if (!path) return base::pass(path);
  boost::json::object body;
  body["weight"] = weight;
  return answer<Share>(context, {"PUT", *path, {}, std::move(body)}, [&](const Share& share) {
    context.output.line(
        context.say("team.share", {printable(share.team), std::to_string(share.weight)}));
  });
}

base::Result<int> fairness(Context& context, const std::string& half_life) {
  Call call{"GET", "/v1/fairness"};
  if (!half_life.empty()) {
    auto length = parse_duration(half_life);
    if (!length) return base::pass(length);
    boost::json::object body;
    body["half_life"] = length->ms;
    call = {"PUT", "/v1/fairness", {}, std::move(body)};
  }
  return answer<Fairness>(context, call, [&](const Fairness& shown) {
    context.output.line(context.say("quota.half_life", {show_duration({shown.half_life})}));
  });
}

struct MoveWish {
  std::string job;
  std::string before;
  std::string after;
  bool top = false;
  bool bottom = false;
};

base::Result<int> move(Context& context, const MoveWish& wish) {
  auto id = parse_job_id(wish.job);
  if (!id) return base::pass(id);
  const int said = static_cast<int>(wish.top) + static_cast<int>(wish.bottom) +
                   static_cast<int>(!wish.before.empty()) + static_cast<int>(!wish.after.empty());
  if (said != 1) return base::invalid("spot", "{}", context.say("error.one_spot"));
  boost::json::object body;
  body["spot"] = wish.top ? "top" : "bottom";
  if (!wish.top && !wish.bottom) {
    body["spot"] = wish.before.empty() ? "after" : "before";
    auto other = parse_job_id(wish.before.empty() ? wish.after : wish.before);
    if (!other) return base::pass(other);
    body["other"] = *other;
  }
  const std::string path = fmt::format("/v1/jobs/{}/move", *id);
  return answer<Job>(context, {"POST", path, {}, std::move(body)}, [&](const Job& job) {
    context.output.line(context.say("job.moved", {std::to_string(job.id)}));
  });
}

void add_owner(CLI::App& verb, const Context& context, QuotaWish& wish) {
  verb.add_option("--team", wish.team, context.say("option.quota_team"))->type_name("TEAM");
  verb.add_option("--user", wish.user, context.say("option.quota_user"))->type_name("USER");
  verb.add_option("--model", wish.model, context.say("option.quota_model"))->type_name("MODEL");
}

}  // namespace

void add_limit_verbs(Verbs& verbs, CLI::App& app) {
  Context& context = verbs.context;
  CLI::App& quota = add_verb(verbs, app, "quota", [&context] { return list_quotas(context); });
  add_verb(verbs, quota, "quota list", [&context] { return list_quotas(context); });
  const auto wish = std::make_shared<QuotaWish>();
  CLI::App& set =
      add_verb(verbs, quota, "quota set", [&context, wish] { return set_quota(context, *wish); });
  set.add_option("gpus", wish->gpus, context.say("option.quota_gpus"))
      ->required()
      ->type_name("GPUS");
  add_owner(set, context, *wish);
  set.add_flag("--soft", wish->soft, context.say("option.soft"));
  const auto gone = std::make_shared<QuotaWish>();
  add_owner(add_verb(verbs, quota, "quota remove",
                     [&context, gone] { return remove_quota(context, *gone); }),
            context, *gone);
  const auto length = std::make_shared<std::string>();
  add_verb(verbs, app, "fairness", [&context, length] { return fairness(context, *length); })
      .add_option("--half-life", *length, context.say("option.half-life"))
      ->type_name("TIME");
}

void add_share_verb(Verbs& verbs, CLI::App& team) {
  Context& context = verbs.context;
  const auto name = std::make_shared<std::string>();
  const auto weight = std::make_shared<int>(1);
  CLI::App& share = add_verb(verbs, team, "team share", [&context, name, weight] {
    return set_share(context, *name, *weight);
  });
  share.add_option("team", *name, context.say("option.share_team"))->required()->type_name("TEAM");
  share.add_option("weight", *weight, context.say("option.weight"))->required()->type_name("N");
}

void add_move_verb(Verbs& verbs, CLI::App& job) {
  Context& context = verbs.context;
  const auto wish = std::make_shared<MoveWish>();
  CLI::App& moving =
      add_verb(verbs, job, "job move", [&context, wish] { return move(context, *wish); });
  moving.add_option("job", wish->job, context.say("option.job"))->required()->type_name("JOB");
  moving.add_flag("--top", wish->top, context.say("option.top"));
  moving.add_flag("--bottom", wish->bottom, context.say("option.bottom"));
  moving.add_option("--before", wish->before, context.say("option.before"))->type_name("JOB");
  moving.add_option("--after", wish->after, context.say("option.after_job"))->type_name("JOB");
}

}  // namespace cli
