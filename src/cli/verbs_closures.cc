#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <set>

#include "cli/verbs.h"
#include "cli/weekly.h"

namespace cli {
namespace {

using domain::ClosedTime;
using domain::kDay;

struct CloseWish {
  std::vector<std::string> nodes;
  std::string pool;
  bool all = false;
  std::string from;
  std::string until;
  std::string length;
  std::string every;
  std::string days;
  std::string cause;
  bool anyway = false;
};

base::Result<> check(const Context& context, const CloseWish& wish) {
  const int targets = static_cast<int>(!wish.nodes.empty()) + static_cast<int>(!wish.pool.empty()) +
                      static_cast<int>(wish.all);
  if (targets != 1) return base::invalid("nodes", "{}", context.say("error.one_target"));
  const bool has_end = !wish.until.empty() || !wish.length.empty();
  if (!wish.until.empty() && !wish.length.empty())
    return base::invalid("until", "{}", context.say("error.one_end"));
  if (!wish.every.empty() && !wish.days.empty())
    return base::invalid("every", "{}", context.say("error.one_repetition"));
  if (!wish.every.empty() && !has_end)
    return base::invalid("every", "{}", context.say("error.every_needs_end"));
  if (!wish.days.empty() && (wish.from.empty() || wish.until.empty()))
    return base::invalid("on", "{}", context.say("error.on_needs_times"));
  return {};
}

/// The one time that is neither said by days of the week nor more than once.
base::Result<ClosedTime> single_time(const Context& context, const CloseWish& wish) {
  const Here here = context.here();
  ClosedTime time{here.now};
  if (!wish.from.empty()) {
    auto from = parse_moment(wish.from, here);
    if (!from) return base::pass(from);
    time.from = *from;
  }
  if (!wish.length.empty()) {
    auto length = parse_duration(wish.length);
    if (!length) return base::pass(length);
    time.until = time.from + *length;
  }
  if (!wish.until.empty()) {
    auto until = parse_end(wish.until, here, time.from);
    if (!until) return base::pass(until);
    time.until = *until;
  }
  if (time.until <= time.from)
    return base::invalid("until", "{}",
                         context.say("error.end_first", {context.moment(time.until.ms),
                                                         context.moment(time.from.ms)}));
  if (wish.every.empty()) {
    if (time.until > here.now) return time;
    return base::invalid("until", "{}",
                         context.say("error.end_past", {context.moment(time.until.ms)}));
  }
  auto every = parse_duration(wish.every);
  if (!every) return base::pass(every);
  if (*every < kDay || every->ms % domain::kMinute.ms != 0)
    return base::invalid("every", "{}", context.say("error.every_day"));
  if (time.until - time.from > *every)
    return base::invalid("every", "{}", context.say("error.too_long_to_repeat"));
  time.every = *every;
  return time;
}

base::Result<std::vector<ClosedTime>> times_of(const Context& context, const CloseWish& wish) {
  if (!wish.days.empty()) return weekly_times({wish.days, wish.from, wish.until}, context.here());
  auto time = single_time(context, wish);
  if (!time) return base::pass(time);
  return std::vector<ClosedTime>{*time};
}

boost::json::object body_of(const CloseWish& wish, const std::vector<ClosedTime>& times) {
  boost::json::object body;
  if (!wish.nodes.empty()) body["nodes"] = boost::json::array(wish.nodes.begin(), wish.nodes.end());
  if (!wish.pool.empty()) body["pool"] = wish.pool;
  if (wish.all) body["all"] = true;
  boost::json::array all;
  for (const ClosedTime& time : times) {
    boost::json::object each;
    if (!wish.from.empty()) each["from"] = time.from.ms;
    if (time.until < domain::kNever) each["until"] = time.until.ms;
    if (time.every > domain::Duration{}) each["every_ms"] = time.every.ms;
    all.push_back(std::move(each));
  }
  body["times"] = std::move(all);
  if (!wish.cause.empty()) body["cause"] = wish.cause;
  if (wish.anyway) body["anyway"] = true;
  return body;
}

std::string target_text(const Context& context, const Closure& closure) {
  if (!closure.nodes.empty()) return printable(fmt::format("{}", fmt::join(closure.nodes, ", ")));
  if (!closure.pool.empty()) return context.say("closure.pool", {printable(closure.pool)});
  return context.say("closure.all");
}

/// "weekdays", "Mon, Wed".
std::string days_text(const Context& context, const Closure& closure) {
  std::set<unsigned> days;
  for (const ClosureTime& time : closure.times)
    days.insert(weekday_at({time.from.value_or(0)}, context.here()));
  if (days == std::set<unsigned>{1, 2, 3, 4, 5}) return context.say("closure.weekdays");
  if (days == std::set<unsigned>{0, 6}) return context.say("closure.weekends");
  std::vector<std::string> names;
  for (const unsigned day : days) names.push_back(context.say(fmt::format("day.{}", day)));
  return fmt::format("{}", fmt::join(names, ", "));
}

/// How often it comes again; empty: it does not.
std::string repeats_text(const Context& context, const Closure& closure) {
  const auto is_weekly = [](const ClosureTime& time) {
    return time.every_ms.value_or(0) == (kDay * 7).ms;
  };
  if (closure.times.size() > 1) {
    if (std::ranges::all_of(closure.times, is_weekly)) return days_text(context, closure);
    return context.say("closure.times", {std::to_string(closure.times.size())});
  }
  const std::int64_t every = closure.times.empty() ? 0 : closure.times[0].every_ms.value_or(0);
  if (every == 0) return "";
  if (every == kDay.ms) return context.say("closure.daily");
  if (every == (kDay * 7).ms) return context.say("closure.weekly");
  return context.say("closure.every", {show_duration({every})});
}

void show_made(const Context& context, const Closure& closure) {
  const ClosureTime next = closure.next.value_or(ClosureTime{});
  const std::string target = target_text(context, closure);
  const std::string from = context.moment(next.from.value_or(0));
  const std::string id = printable(closure.id);
  std::string text =
      next.until ? context.say("closure.made", {id, target, from, context.moment(*next.until)})
                 : context.say("closure.made_open", {id, target, from});
  const std::string repeats = repeats_text(context, closure);
  if (!repeats.empty()) text += context.say("closure.repeats", {repeats});
  context.output.line(text);
  context.output.note(context.say("hint.open", {id}), Style::faint);
}

void show_closures(const Context& context, const Closures& all) {
  if (all.closures.empty()) {
    context.output.line(context.say("closure.none"));
    return;
  }
  Table table{{{context.say("column.id"), false, false},
               {context.say("column.nodes")},
               {context.say("column.from"), false, false},
               {context.say("column.until"), false, false},
               {context.say("column.repeats")},
               {context.say("column.cause")}},
              {}};
  for (const Closure& closure : all.closures) {
    const ClosureTime next = closure.next.value_or(ClosureTime{});
    const std::string repeats = repeats_text(context, closure);
    table.rows.push_back({printable(closure.id),
                          target_text(context, closure),
                          {context.moment(next.from.value_or(0)),
                           closure.closed_now ? style_of_state("closed") : Style::plain},
                          context.moment(next.until.value_or(0)),
                          repeats.empty() ? "-" : repeats,
                          printable(closure.cause)});
  }
  context.output.table(table);
}

/// Reports the error, with what helps below it.
int failed(const Context& context, const base::Error& error, base::ErrorCode code,
           std::string_view hint) {
  const ExitStatus status = context.output.error(error);
  if (error.code == code && !context.output.json()) context.output.note(context.say(hint));
  return static_cast<int>(status);
}

base::Result<int> close(Context& context, const CloseWish& wish) {
  if (auto good = check(context, wish); !good) return base::pass(good);
  auto times = times_of(context, wish);
  if (!times) return base::pass(times);
  if (wish.anyway) {
    auto yes = confirmed(context, context.say("ask.close_anyway"));
    if (!yes) return base::pass(yes);
    if (!*yes) return static_cast<int>(ExitStatus::interrupted);
  }
  auto done = answer<Closure>(context, {"POST", "/v1/closures", {}, body_of(wish, *times)},
                              [&](const Closure& made) { show_made(context, made); });
  if (done) return done;
  base::Error error = std::move(done).error();
  if (error.code == base::ErrorCode::invalid_argument && !error.field.empty()) {
    const std::string field = error.field;
    error = std::move(error).while_doing(field);
  }
  return failed(context, error, base::ErrorCode::conflict, "hint.close_anyway");
}

base::Result<int> open(Context& context, const std::string& id) {
  auto path = path_to({"closures", id});
  if (!path) return base::pass(path);
  auto done = answer<Closure>(context, {"DELETE", *path}, [&](const Closure&) {
    context.output.line(context.say("closure.opened", {printable(id)}));
  });
  if (done) return done;
  return failed(context, done.error(), base::ErrorCode::not_found, "hint.closures");
}

}  // namespace

void add_closure_verbs(Verbs& verbs, CLI::App& node) {
  Context& context = verbs.context;
  const auto wish = std::make_shared<CloseWish>();
  CLI::App& closing =
      add_verb(verbs, node, "node close", [&context, wish] { return close(context, *wish); });
  const auto add = [&](const char* name, std::string& to, const char* text, const char* type) {
    closing.add_option(name, to, context.say(text))->type_name(type);
  };
  closing.add_option("nodes", wish->nodes, context.say("option.nodes"))->type_name("NODE");
  add("--pool", wish->pool, "option.close_pool", "POOL");
  closing.add_flag("--all", wish->all, context.say("option.close_all"));
  add("--from", wish->from, "option.close_from", "WHEN");
  add("--until", wish->until, "option.close_until", "WHEN");
  add("--for", wish->length, "option.close_for", "TIME");
  add("--every", wish->every, "option.close_every", "TIME");
  add("--on", wish->days, "option.close_on", "DAYS");
  add("--cause", wish->cause, "option.cause", "TEXT");
  closing.add_flag("--anyway", wish->anyway, context.say("option.close_anyway"));
  add_verb(verbs, node, "node closures", [&context] {
    return answer<Closures>(context, {"GET", "/v1/closures"},
                            [&](const Closures& all) { show_closures(context, all); });
  });
  const auto id = std::make_shared<std::string>();
  add_verb(verbs, node, "node open", [&context, id] { return open(context, *id); })
      .add_option("id", *id, context.say("option.closure_id"))
      ->required()
      ->type_name("ID");
}

}  // namespace cli
