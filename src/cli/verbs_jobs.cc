#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/amounts.h"
#include "cli/describe.h"
#include "cli/verbs.h"
#include "domain/job.h"
#include "domain/json.h"

namespace cli {
namespace {

std::string job_path(std::int64_t id, std::string_view what = "") {
  return fmt::format("/v1/jobs/{}{}{}", id, what.empty() ? "" : "/", what);
}

struct JobsFilter {
  std::string state = "live";
  std::string user;
  std::string team;
  int limit = 50;
  bool all = false;
};

base::Result<int> list_jobs(Context& context, const JobsFilter& filter) {
  Query query{{"state", filter.all ? "all" : filter.state},
              {"limit", std::to_string(filter.limit)}};
  if (!filter.user.empty()) query["user"] = filter.user;
  if (!filter.team.empty()) query["team"] = filter.team;
  return answer<Jobs>(context, {"GET", "/v1/jobs", std::move(query)}, [&](const Jobs& jobs) {
    show_jobs(context, jobs.jobs);
    if (jobs.next && *jobs.next > 0) context.output.note(context.say("jobs.more"));
  });
}

void show_field(Context& context, std::string_view id, std::string_view value) {
  if (value.empty() || value == "-") return;
  std::string title = context.say(id);
  constexpr int kTitles = 16;
  while (display_width(title) < kTitles) title += ' ';
  context.output.line(fmt::format("{}{}", title, printable(value)));
}

std::string shape_text(const Context& context, const domain::Shape& shape) {
  std::string each;
  if (shape.per_rank.gpus > 0) {
    const std::string model = shape.gpu_model.empty() ? "GPU" : shape.gpu_model;
    each += fmt::format("{} x {}, ", shape.per_rank.gpus, model);
  }
  const bool is_one = shape.per_rank.cpu_millis == 1'000;
  each += context.say(is_one ? "job.core" : "job.cores", {show_cores(shape.per_rank.cpu_millis)});
  if (shape.per_rank.memory_bytes > 0) each += ", " + show_bytes(shape.per_rank.memory_bytes);
  return context.say("job.shape_line", {std::to_string(shape.ranks), each});
}

/// Whether code or signal say all there is to say.
bool is_plain_end(std::string_view cause) {
  return cause.empty() || cause == "success" || cause == "failed" || cause == "crashed";
}

void show_attempts(Context& context, const Job& job) {
  if (job.attempts.empty()) return;
  Table table{{{context.say("column.attempt"), true, false},
               {context.say("column.rank"), true, false},
               {context.say("column.node")},
               {context.say("column.start"), false, false},
               {context.say("column.finish"), false, false},
               {context.say("column.end")},
               {context.say("column.detail")}},
              {}};
  for (const Attempt& attempt : job.attempts) {
    for (const Rank& rank : attempt.ranks) {
      std::string end;
      if (rank.ended > 0) {
        end = rank.signal > 0 ? context.say("end.signal", {std::to_string(rank.signal)})
                              : context.say("end.exit", {std::to_string(rank.exit_code)});
        if (!is_plain_end(rank.cause)) end += " " + cause_text(context, rank.cause);
      }
      table.rows.push_back({std::to_string(attempt.number), std::to_string(rank.rank),
                            printable(rank.node), context.moment(rank.started),
                            context.moment(rank.ended), printable(end), printable(rank.detail)});
    }
  }
  context.output.line("");
  context.output.table(table);
}

void show_history(Context& context, const Job& job) {
  if (job.history.empty()) return;
  context.output.line("");
  for (const Transition& step : job.history) {
    context.output.line(fmt::format("{}  {}  {}", context.moment(step.at),
                                    state_text(context, step.state), printable(step.cause)));
  }
}

void show_job(Context& context, const Job& job, const domain::JobSpec& spec) {
  const std::string state = state_text(context, job.state);
  context.output.line(
      context.say("job.title", {std::to_string(job.id), printable(job.name),
                                context.output.paint(state, style_of_state(job.state))}));
  if (!job.text.empty()) context.output.paragraph(context.told(job.text));
  std::string command;
  for (const std::string& word : spec.program.command) {
    command += (command.empty() ? "" : " ") + shell_word(word);
  }
  show_field(context, "job.owner", fmt::format("{} ({})", job.user, job.team));
  show_field(context, "job.command", command);
  show_field(context, "job.workdir", spec.program.workdir);
  show_field(context, "job.shape", shape_text(context, spec.bid.shape));
  show_field(context, "job.duration", show_duration(spec.bid.duration));
  show_field(context, "job.widths", widths_text(spec.bid.widths));
  show_field(context, "job.class", job.job_class);
  show_field(context, "job.submitted", context.moment(job.submitted));
  const bool has_started = !job.attempts.empty();
  show_field(context, has_started ? "job.started" : "job.planned",
             context.moment(job.planned_start));
  show_field(context, "job.promised_start", context.moment(job.promised_start));
  show_field(context, "job.deadline", context.moment(job.deadline));
  show_field(context, "job.ended", context.moment(job.ended));
  show_field(context, "job.nodes", fmt::format("{}", fmt::join(job.nodes, ", ")));
  for (const std::string& line : piece_lines(context, job.later, !spec.bid.widths.empty()))
    show_field(context, "quote.then", line);
  if (job.price != 0 || job.held != 0 || job.paid != 0)
    show_field(context, "job.money",
               context.say("job.money_line", {show_credits({job.price}), show_credits({job.held}),
                                              show_credits({job.paid})}));
  if (job.choice) show_choice(context, *job.choice);
  show_field(context, "job.checkpoint", job.checkpoint);
  if (job.promise_broken) context.output.line(context.say("job.promise_broken"));
  if (job.simulated) context.output.line(context.say("job.simulated"));
  show_attempts(context, job);
  show_history(context, job);
  // The sentence above says why; this, what would be taken.
  if (job.refusal) show_help(context, *job.refusal, spec.bid.shape);
}

base::Result<int> show(Context& context, std::string_view typed) {
  auto id = parse_job_id(typed);
  if (!id) return base::pass(id);
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  auto body = server->ask({"GET", job_path(*id)});
  if (!body) return base::pass(body);
  if (context.output.json()) {
    context.output.data(*body);
    return 0;
  }
  auto job = Server::decode<Job>(*body);
  if (!job) return base::pass(job);
  domain::JobSpec spec;
  if (const auto* raw = body->as_object().if_contains("spec")) {
    if (auto read = Server::decode<domain::JobSpec>(*raw)) spec = *std::move(read);
  }
  show_job(context, *job, spec);
  return 0;
}

struct Cancelling {
  std::vector<std::string> jobs;
  bool series = false;
};

base::Result<int> cancel(Context& context, const Cancelling& wanted) {
  std::vector<std::int64_t> ids;
  for (const std::string& text : wanted.jobs) {
    auto id = parse_job_id(text);
    if (!id) return base::pass(id);
    ids.push_back(*id);
  }
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  boost::json::object wish;
  if (wanted.series) wish["series"] = true;
  boost::json::array bodies;
  for (const std::int64_t id : ids) {
    auto body = server->ask({"POST", job_path(id, "cancel"), {}, wish});
    if (!body && ids.size() == 1) return base::pass(body);
    if (!body) return std::unexpected(std::move(body).error().while_doing(std::to_string(id)));
    auto job = Server::decode<Job>(*body);
    if (!job) return base::pass(job);
    bodies.push_back(*std::move(body));
    if (context.output.json()) continue;
    if (wanted.series) {
      context.output.line(context.say("note.series", {std::to_string(id)}));
      continue;
    }
    context.output.line(is_final_state(job->state)
                            ? state_note(context, id, job->state)
                            : context.say("note.stopping", {std::to_string(id)}));
  }
  if (context.output.json()) {
    boost::json::object all;
    all["jobs"] = std::move(bodies);
    context.output.data(all);
  }
  return 0;
}

struct Extension {
  std::string job;
  std::string duration;
  std::string max_price;
};

base::Result<int> extend(Context& context, const Extension& wish) {
  auto id = parse_job_id(wish.job);
  if (!id) return base::pass(id);
  auto length = parse_duration(wish.duration);
  if (!length) return base::pass(length);
  boost::json::object body;
  body["duration"] = length->ms;
  if (!wish.max_price.empty()) {
    auto most = parse_credits(wish.max_price);
    if (!most) return base::pass(most);
    body["max_price"] = most->micros;
  }
  return answer<Job>(
      context, {"POST", job_path(*id, "extend"), {}, std::move(body)}, [&](const Job& job) {
        if (job.price == 0) {
          context.output.line(context.say(
              "extend.done_free", {std::to_string(job.id), context.moment(job.planned_finish)}));
          return;
        }
        context.output.line(
            context.say("extend.done", {std::to_string(job.id), context.moment(job.planned_finish),
                                        show_credits({job.price})}));
      });
}

/// The controller's sentence; a number and a time where there is none.
std::string blocker_text(const Context& context, const Blocker& each) {
  if (!each.text.empty()) return context.told(each.text);
  return context.say("why.blocker", {std::to_string(each.job), context.moment(each.until)});
}

base::Result<int> why(Context& context, std::string_view typed) {
  auto id = parse_job_id(typed);
  if (!id) return base::pass(id);
  return answer<Why>(context, {"GET", job_path(*id, "why")}, [&](const Why& reason) {
    context.output.line(state_note(context, reason.job, reason.state));
    if (!reason.text.empty()) context.output.paragraph(context.told(reason.text));
    for (const Blocker& each : reason.blocking) {
      context.output.paragraph("  - " + blocker_text(context, each));
    }
    if (reason.expected_start > 0 && reason.expected_start < domain::kNever.ms) {
      context.output.line(context.say("why.expected", {context.moment(reason.expected_start)}));
    } else if (!is_final_state(reason.state) && reason.until > 0 &&
               reason.until < domain::kNever.ms) {
      context.output.line(context.say("why.until", {context.moment(reason.until)}));
    }
    if (!reason.would_help.empty()) context.output.line(context.say("why.help"));
    for (const std::string& each : reason.would_help) {
      context.output.paragraph("  - " + context.told(each));
    }
  });
}

}  // namespace

base::Result<std::int64_t> parse_job_id(std::string_view text) {
  const auto id = parse_decimal(text, 0);
  if (!id || *id <= 0) return base::invalid("job", "'{}' is no job number", printable(text));
  return *id;
}

void add_job_verbs(Verbs& verbs, CLI::App& app) {
  Context& context = verbs.context;
  const auto filter = std::make_shared<JobsFilter>();
  CLI::App& jobs =
      add_verb(verbs, app, "jobs", [&context, filter] { return list_jobs(context, *filter); });
  jobs.add_option("--state", filter->state, context.say("option.state"))->type_name("STATE");
  jobs.add_option("--user", filter->user, context.say("option.user"))->type_name("USER");
  jobs.add_option("--team", filter->team, context.say("option.team"))->type_name("TEAM");
  jobs.add_option("--limit", filter->limit, context.say("option.limit"))->type_name("N");
  jobs.add_flag("--all,-a", filter->all, context.say("option.all"));

  const auto asked = std::make_shared<std::string>();
  add_verb(verbs, app, "why", [&context, asked] { return why(context, *asked); })
      .add_option("job", *asked, context.say("option.job"))
      ->required()
      ->type_name("JOB");

  CLI::App& job = add_verb(verbs, app, "job", nullptr);
  const auto shown = std::make_shared<std::string>();
  add_verb(verbs, job, "job show", [&context, shown] { return show(context, *shown); })
      .add_option("job", *shown, context.say("option.job"))
      ->required()
      ->type_name("JOB");
  const auto cancelled = std::make_shared<Cancelling>();
  CLI::App& cancelling = add_verb(verbs, job, "job cancel",
                                  [&context, cancelled] { return cancel(context, *cancelled); });
  cancelling.add_option("jobs", cancelled->jobs, context.say("option.job"))
      ->required()
      ->type_name("JOB");
  cancelling.add_flag("--series", cancelled->series, context.say("option.series"));
  const auto extension = std::make_shared<Extension>();
  CLI::App& extending = add_verb(verbs, job, "job extend",
                                 [&context, extension] { return extend(context, *extension); });
  extending.add_option("job", extension->job, context.say("option.job"))
      ->required()
      ->type_name("JOB");
  extending.add_option("duration", extension->duration, context.say("option.more"))
      ->required()
      ->type_name("TIME");
  extending.add_option("--max-price", extension->max_price, context.say("option.max-price"))
      ->type_name("CREDITS");
  add_move_verb(verbs, job);
  add_result_verbs(verbs, job);
}

}  // namespace cli
