#include "cli/job_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>

#include "cli/job_file.h"
#include "cli/parents.h"

namespace cli {
namespace {

using Done = base::Result<>;

template <class T>
Done keep(base::Result<T> from, std::optional<T>& to) {
  if (!from) return base::pass(from);
  to = *std::move(from);
  return {};
}

template <auto member, auto parse>
Done word(JobRequest& request, const std::string& text, const Context&) {
  return keep(parse(text), request.*member);
}

template <auto member>
Done moment(JobRequest& request, const std::string& text, const Context& context) {
  return keep(parse_moment(text, context.here()), request.*member);
}

template <auto member>
Done path(JobRequest& request, const std::string& text, const Context& context) {
  request.*member = path_below(context.environment.current_folder(), text);
  return {};
}

base::Result<std::string> any_text(std::string_view text) {
  if (text.empty()) return base::invalid("", "expected a text, got nothing");
  return std::string(text);
}
base::Result<std::int32_t> ranks(std::string_view text) { return parse_whole(text, 1, 100'000); }
base::Result<std::int32_t> priority(std::string_view text) { return parse_whole(text, -100, 100); }
base::Result<std::int32_t> retries(std::string_view text) { return parse_whole(text, 0, 100); }
base::Result<std::int32_t> count(std::string_view text) { return parse_whole(text, 1, 10'000); }

/// NAME=VALUE, or NAME: the value that it has here.
Done variable(JobRequest& request, const std::string& text, const Context& context) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  if (name.empty()) return base::invalid("", "write NAME=VALUE or NAME");
  if (equals != std::string::npos) {
    request.env.insert_or_assign(name, text.substr(equals + 1));
    return {};
  }
  const auto here = context.environment.variable(name);
  if (!here) return base::invalid("", "{} is not set here; write {}=VALUE", name, name);
  request.env.insert_or_assign(name, *here);
  return {};
}

Done output(JobRequest& request, const std::string& text, const Context&) {
  if (!request.outputs) request.outputs.emplace();
  request.outputs->push_back(text);
  return {};
}

Done add(base::Result<std::vector<domain::Dependency>> parents, JobRequest& request) {
  if (!parents) return base::pass(parents);
  request.parents.insert(request.parents.end(), parents->begin(), parents->end());
  return {};
}

template <domain::When when>
Done parents(JobRequest& request, const std::string& text, const Context&) {
  return add(parse_parents(text, when), request);
}

Done dependency(JobRequest& request, const std::string& text, const Context&) {
  return add(parse_slurm_dependency(text), request);
}

/// A moment, or the jobs that must succeed first.
Done after(JobRequest& request, const std::string& text, const Context& context) {
  return read_after(request, text, context.here());
}

/// One option, what its value is called, and how it is read. Its explanation is the text
/// "option.NAME".
struct Row {
  std::string_view name;
  std::string_view flags;
  std::string_view value;
  Done (*read)(JobRequest&, const std::string&, const Context&);
};

constexpr std::array kRows{
    Row{"--gpus", "--gpus", "N|MODEL:N", word<&JobRequest::gpus, parse_gpus>},
    Row{"--ranks", "--ranks", "N", word<&JobRequest::ranks, ranks>},
    Row{"--cores", "--cores", "N", word<&JobRequest::cpu_millis, parse_cores>},
    Row{"--memory", "--memory", "BYTES", word<&JobRequest::memory_bytes, parse_bytes>},
    Row{"--duration", "--duration,-t", "TIME", word<&JobRequest::duration, parse_duration>},
    Row{"--by", "--by", "WHEN", moment<&JobRequest::by>},
    Row{"--after", "--after", "WHEN|JOB", after},
    Row{"--after-any", "--after-any", "JOB", parents<domain::When::any>},
    Row{"--after-failure", "--after-failure", "JOB", parents<domain::When::failure>},
    Row{"--dependency", "--dependency", "afterok:JOB", dependency},
    Row{"--at", "--at", "WHEN", moment<&JobRequest::at>},
    Row{"--preemptible", "--preemptible", "TIME", word<&JobRequest::preemptible, parse_duration>},
    Row{"--elastic", "--elastic", "MIN..MAX|LIST", word<&JobRequest::elastic, parse_elastic>},
    Row{"--max-price", "--max-price", "CREDITS", word<&JobRequest::max_price, parse_credits>},
    Row{"--pool", "--pool", "POOL", word<&JobRequest::pool, any_text>},
    Row{"--placement", "--placement", "packed|spread|any",
        word<&JobRequest::placement, parse_placement>},
    Row{"--name", "--name", "NAME", word<&JobRequest::name, any_text>},
    Row{"--framework", "--framework", "pytorch|plain",
        word<&JobRequest::framework, parse_framework>},
    Row{"--conda", "--conda", "PATH", path<&JobRequest::conda>},
    Row{"--venv", "--venv", "PATH", path<&JobRequest::venv>},
    Row{"--env", "--env", "NAME[=VALUE]", variable},
    Row{"--workdir", "--workdir", "PATH", path<&JobRequest::workdir>},
    Row{"--priority", "--priority", "N", word<&JobRequest::priority, priority>},
    Row{"--retries", "--retries", "N", word<&JobRequest::retries, retries>},
    Row{"--grace", "--grace", "TIME", word<&JobRequest::grace, parse_duration>},
    Row{"--output", "--output", "GLOB", output},
    Row{"--count", "--count", "N", word<&JobRequest::count, count>},
    Row{"--every", "--every", "TIME", word<&JobRequest::every, parse_duration>},
    Row{"--times", "--times", "N", word<&JobRequest::times, parse_times>},
    Row{"--until", "--until", "WHEN", moment<&JobRequest::until>},
};

base::Result<JobRequest> read_file(Context& context, const std::string& file) {
  const std::string path = path_below(context.environment.current_folder(), file);
  auto yaml = context.environment.read_file(path);
  if (!yaml) {
    const bool is_command = !context.command && !file.ends_with(".yaml") && !file.ends_with(".yml");
    if (is_command) return base::invalid("file", "{}", context.say("error.no_dashes", {file}));
    return std::unexpected(std::move(yaml).error().while_doing(file));
  }
  const std::string folder = path_below(path.substr(0, path.rfind('/')), "");
  auto request = parse_job_file(*yaml, folder, context.here());
  if (!request) return std::unexpected(std::move(request).error().while_doing(file));
  return request;
}

}  // namespace

void add_job_options(CLI::App& verb, const Context& context, JobOptions& to) {
  verb.add_option("file", to.file, context.say("option.file"))->type_name("FILE");
  for (const Row& row : kRows) {
    const std::string id = fmt::format("option.{}", row.name.substr(2));
    verb.add_option(std::string(row.flags), to.values[row.name], context.say(id))
        ->allow_extra_args(false)
        ->type_name(std::string(row.value));
  }
  verb.add_flag("--now", to.now, context.say("option.now"));
  verb.add_flag("--flex", to.flex, context.say("option.flex"));
}

base::Result<JobRequest> read_job(Context& context, const JobOptions& options) {
  JobRequest under;
  if (!options.file.empty()) {
    auto read = read_file(context, options.file);
    if (!read) return read;
    under = *std::move(read);
  }
  JobRequest over;
  for (const Row& row : kRows) {
    const auto given = options.values.find(row.name);
    if (given == options.values.end()) continue;
    for (const std::string& value : given->second) {
      if (auto good = row.read(over, value, context); !good) {
        base::Error error = std::move(good).error();
        const std::string_view field = row.name.substr(2);
        return std::unexpected(std::move(error).while_doing(row.name).in_field(field));
      }
    }
  }
  if (options.now && options.flex) {
    return base::invalid("now", "--now and --flex exclude each other");
  }
  if (options.now) over.job_class = domain::JobClass::eager;
  if (options.flex) over.job_class = domain::JobClass::flex;
  over.command = context.command;
  return merged(std::move(under), over);
}

std::vector<std::string_view> job_option_names() {
  std::vector<std::string_view> names;
  for (const Row& row : kRows) names.push_back(row.name);
  return names;
}

}  // namespace cli
