#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/amounts.h"
#include "cli/describe.h"
#include "cli/follow.h"
#include "cli/job_file.h"
#include "cli/verbs.h"

namespace cli {
namespace {

struct LogWish {
  std::string job;
  int rank = 0;
  int attempt = 0;
  bool all_ranks = false;
  bool follow = false;
};

base::Result<int> logs(Context& context, const LogWish& wish) {
  auto id = parse_job_id(wish.job);
  if (!id) return base::pass(id);
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  const std::string path = fmt::format("/v1/jobs/{}", *id);
  if (context.output.json() && !wish.follow) {
    Query query{{"rank", std::to_string(wish.rank)}};
    if (wish.attempt > 0) query["attempt"] = std::to_string(wish.attempt);
    auto piece = server->ask({"GET", path + "/logs", std::move(query)});
    if (!piece) return base::pass(piece);
    context.output.data(*piece);
    return 0;
  }
  auto job = server->get<Job>(path);
  if (!job) return base::pass(job);
  const bool waits = wish.follow && !is_final_state(job->state);
  const std::int32_t newest = job->attempts.empty() ? 0 : job->attempts.back().number;
  if (wish.attempt > newest && !waits) {
    return base::fail(
        base::ErrorCode::not_found, "{}",
        context.say("error.no_attempt", {std::to_string(*id), std::to_string(wish.attempt)}));
  }
  Follower follower(context, *server,
                    {.rank = wish.rank,
                     .attempt = wish.attempt,
                     .all_ranks = wish.all_ranks,
                     .states = wish.follow,
                     .on_interrupt = OnInterrupt::leave});
  if (!wish.follow) {
    auto shown = follower.show_once(*job);
    if (!shown) return base::pass(shown);
    return 0;
  }
  auto ended = follower.to_end(*std::move(job));
  if (!ended) return base::pass(ended);
  if (follower.left()) return static_cast<int>(ExitStatus::interrupted);
  if (context.output.json()) context.output.data(base::to_json(*ended));
  return 0;
}

struct MetricWish {
  std::string job;
  int rank = -1;
  int limit = 100;
};

base::Result<int> metrics(Context& context, const MetricWish& wish) {
  auto id = parse_job_id(wish.job);
  if (!id) return base::pass(id);
  Query query{{"limit", std::to_string(wish.limit)}};
  if (wish.rank >= 0) query["rank"] = std::to_string(wish.rank);
  const Call call{"GET", fmt::format("/v1/jobs/{}/metrics", *id), std::move(query)};
  return answer<Metrics>(context, call, [&](const Metrics& all) {
    Table table{{{context.say("column.time"), false, false},
                 {context.say("column.attempt"), true, false},
                 {context.say("column.rank"), true, false},
                 {context.say("column.step"), true, false},
                 {context.say("column.name")},
                 {context.say("column.value"), true, false}},
                {}};
    for (const MetricPoint& point : all.points) {
      for (const auto& [name, value] : point.values) {
        table.rows.push_back({context.moment(point.t), std::to_string(point.attempt),
                              std::to_string(point.rank),
                              point.step ? std::to_string(*point.step) : "-", printable(name),
                              fmt::format("{:.6g}", value)});
      }
    }
    if (table.rows.empty()) {
      context.output.line(context.say("metrics.none"));
    } else {
      context.output.table(table);
    }
  });
}

base::Result<int> files(Context& context, const std::string& typed) {
  auto id = parse_job_id(typed);
  if (!id) return base::pass(id);
  const Call call{"GET", fmt::format("/v1/jobs/{}/files", *id)};
  return answer<KeptFiles>(context, call, [&](const KeptFiles& kept) {
    if (kept.files.empty()) {
      context.output.line(context.say("files.none"));
      return;
    }
    Table table{{{context.say("column.bytes"), true, false},
                 {context.say("column.time"), false, false},
                 {context.say("column.path"), false, false}},
                {}};
    for (const KeptFile& file : kept.files) {
      table.rows.push_back(
          {show_bytes(file.bytes), context.moment(file.modified), printable(file.path)});
    }
    context.output.table(table);
  });
}

struct GetWish {
  std::string job;
  std::vector<std::string> paths;
  std::string to = ".";
};

/// True if `path` stays below the folder that it is written into.
bool stays_below(std::string_view path) {
  if (path.empty() || path.starts_with('/')) return false;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (path.substr(0, end) == "..") return false;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return true;
}

/// Fetches one file piece by piece; says how far it is when that takes longer than a second.
base::Result<> fetch_file(Context& context, Server& server, std::int64_t job, const KeptFile& file,
                          const std::string& to) {
  if (!stays_below(file.path)) {
    return base::fail(base::ErrorCode::internal, "{}",
                      context.say("error.path", {printable(file.path)}));
  }
  const std::string target = path_below(to, file.path);
  auto path = path_to({"jobs", std::to_string(job), "files", file.path});
  if (!path) return base::pass(path);
  std::int64_t offset = 0;
  domain::Time said = context.environment.now();
  do {
    auto piece = server.fetch({"GET", *path, {{"offset", std::to_string(offset)}}});
    if (!piece) return base::pass(piece);
    if (piece->body.empty() && offset < file.bytes) {
      return base::fail(base::ErrorCode::unavailable, "{}",
                        context.say("error.file_cut", {printable(file.path)}));
    }
    auto written = context.environment.write_file(target, piece->body, offset > 0);
    if (!written) return std::unexpected(std::move(written).error().while_doing(target));
    offset += static_cast<std::int64_t>(piece->body.size());
    if (context.environment.now() - said >= domain::kSecond) {
      said = context.environment.now();
      context.output.note(context.say("get.progress", {printable(file.path), show_bytes(offset),
                                                       show_bytes(file.bytes)}),
                          Style::faint);
    }
  } while (offset < file.bytes && context.environment.interrupts() == 0);
  return {};
}

base::Result<int> get(Context& context, const GetWish& wish) {
  auto id = parse_job_id(wish.job);
  if (!id) return base::pass(id);
  auto server = Server::open(context);
  if (!server) return base::pass(server);
  auto kept = server->get<KeptFiles>(fmt::format("/v1/jobs/{}/files", *id));
  if (!kept) return base::pass(kept);
  const std::string to = path_below(context.environment.current_folder(), wish.to);
  for (const std::string& path : wish.paths) {
    if (std::ranges::find(kept->files, path, &KeptFile::path) == kept->files.end()) {
      return base::fail(base::ErrorCode::not_found, "{}",
                        context.say("error.no_file", {path, std::to_string(*id)}));
    }
  }
  boost::json::array fetched;
  for (const KeptFile& file : kept->files) {
    const bool is_wanted =
        wish.paths.empty() || std::ranges::find(wish.paths, file.path) != wish.paths.end();
    if (!is_wanted) continue;
    auto done = fetch_file(context, *server, *id, file, to);
    if (!done) return base::pass(done);
    if (context.environment.interrupts() > 0) return static_cast<int>(ExitStatus::interrupted);
    fetched.push_back(base::to_json(path_below(to, file.path)));
    if (!context.output.json()) {
      context.output.line(context.say("get.done", {printable(file.path), show_bytes(file.bytes)}));
    }
  }
  if (context.output.json()) {
    boost::json::object all;
    all["files"] = std::move(fetched);
    context.output.data(all);
  } else if (fetched.empty()) {
    context.output.line(context.say("files.none"));
  }
  return 0;
}

}  // namespace

void add_result_verbs(Verbs& verbs, CLI::App& job) {
  Context& context = verbs.context;
  const auto add_job = [&context](CLI::App& verb, std::string& to) {
    verb.add_option("job", to, context.say("option.job"))->required()->type_name("JOB");
  };
  const auto log = std::make_shared<LogWish>();
  CLI::App& logging =
      add_verb(verbs, job, "job logs", [&context, log] { return logs(context, *log); });
  add_job(logging, log->job);
  logging.add_flag("--follow,-f", log->follow, context.say("option.follow"));
  logging.add_option("--rank", log->rank, context.say("option.rank"))->type_name("N");
  logging.add_option("--attempt", log->attempt, context.say("option.attempt"))->type_name("N");
  logging.add_flag("--all-ranks", log->all_ranks, context.say("option.all-ranks"));

  const auto metric = std::make_shared<MetricWish>();
  CLI::App& measuring =
      add_verb(verbs, job, "job metrics", [&context, metric] { return metrics(context, *metric); });
  add_job(measuring, metric->job);
  measuring.add_option("--rank", metric->rank, context.say("option.rank"))->type_name("N");
  measuring.add_option("--limit", metric->limit, context.say("option.limit"))->type_name("N");

  const auto listed = std::make_shared<std::string>();
  add_job(add_verb(verbs, job, "job files", [&context, listed] { return files(context, *listed); }),
          *listed);

  const auto wish = std::make_shared<GetWish>();
  CLI::App& getting =
      add_verb(verbs, job, "job get", [&context, wish] { return get(context, *wish); });
  add_job(getting, wish->job);
  getting.add_option("paths", wish->paths, context.say("option.paths"))->type_name("PATH");
  getting.add_option("--to", wish->to, context.say("option.to"))->type_name("FOLDER");
}

}  // namespace cli
