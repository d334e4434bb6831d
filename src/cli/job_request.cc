#include "cli/job_request.h"

#include "base/json.h"
#include "cli/job_body.h"
#include "cli/times.h"
#include "domain/json.h"

namespace cli {
namespace {

using domain::JobClass;

template <class T>
void take(std::optional<T>& under, const std::optional<T>& over) {
  if (over) under = over;
}

std::string default_name(const std::vector<std::string>& command) {
  constexpr std::size_t kMost = 63;
  const std::string& program = command.front();
  const std::size_t slash = program.rfind('/');
  const std::string name = slash == std::string::npos ? program : program.substr(slash + 1);
  return name.substr(0, kMost);
}

std::int32_t ranks_of(const JobRequest& request) {
  return request.ranks.value_or(request.elastic ? usual_ranks(*request.elastic) : 1);
}

base::Result<> check_window(const JobRequest& request, domain::Time now) {
  if (request.at && (request.by || request.after)) {
    return base::invalid("at", "a firm start (at) leaves no room for by or after: give only one");
  }
  if (request.at && class_of(request) != JobClass::reserved) {
    return base::invalid("at", "only a reserved job has a firm start: leave out --now and --flex");
  }
  if (request.at && request.preemptible)
    return base::invalid("preemptible", "a firm start (at) leaves no room for breaks");
  // A window that is too short is a bid that can be refused; one that has no length is a mistake.
  if (request.by && *request.by <= std::max(now, request.after.value_or(now))) {
    return base::invalid("by", "the deadline lies before the earliest start");
  }
  return {};
}

base::Result<> check_elastic(const JobRequest& request) {
  if (!request.elastic) return {};
  if (!request.preemptible)
    return base::invalid("elastic", "say what a change of its ranks takes, such as preemptible 2m");
  if (class_of(request) != JobClass::reserved)
    return base::invalid("elastic",
                         "only a job with a promised end changes its ranks: say by when");
  auto widths = widths_of(*request.elastic, ranks_of(request));
  if (!widths) return base::pass(widths);
  return {};
}

domain::Program program_of(const JobRequest& request, const std::string& folder) {
  domain::Program program;
  program.command = *request.command;
  program.workdir = request.workdir.value_or(folder);
  program.env = request.env;
  program.environment = {request.conda.value_or(""), request.venv.value_or("")};
  program.framework = request.framework.value_or(program.framework);
  program.max_retries = request.retries.value_or(program.max_retries);
  program.grace = request.grace.value_or(program.grace);
  program.outputs = request.outputs.value_or(program.outputs);
  return program;
}

/// Each by what it was said: a number or a name.
boost::json::array parents_of(const JobRequest& request) {
  boost::json::array after;
  for (const auto& parent : request.parents) {
    boost::json::object each;
    if (parent.name.empty()) {
      each["job"] = parent.job.value;
    } else {
      each["name"] = parent.name;
    }
    each["when"] = base::to_json(parent.when);
    after.push_back(std::move(each));
  }
  return after;
}

}  // namespace

domain::Bid bid_of(const JobRequest& request) {
  domain::Bid bid;
  bid.job_class = class_of(request);
  bid.shape.ranks = ranks_of(request);
  bid.shape.placement = request.placement.value_or(domain::Placement::any);
  bid.shape.pool = request.pool.value_or("");
  bid.shape.per_rank.cpu_millis = request.cpu_millis.value_or(1000);
  bid.shape.per_rank.memory_bytes = request.memory_bytes.value_or(0);
  if (request.gpus) {
    bid.shape.per_rank.gpus = request.gpus->count;
    bid.shape.gpu_model = request.gpus->model;
  }
  bid.duration = request.duration.value_or(domain::kHour);
  if (request.after) bid.earliest = *request.after;
  if (request.by) bid.deadline = *request.by;
  if (request.at) {
    bid.earliest = *request.at;
    bid.deadline = *request.at + bid.duration;
    bid.firm = true;
  }
  bid.preemptible = request.preemptible.has_value();
  bid.restart = request.preemptible.value_or(domain::Duration{});
  if (request.elastic)
    bid.widths = widths_of(*request.elastic, bid.shape.ranks).value_or(domain::Widths());
  bid.max_price = request.max_price;
  return bid;
}

JobRequest merged(JobRequest under, const JobRequest& over) {
  take(under.name, over.name);
  take(under.command, over.command);
  take(under.workdir, over.workdir);
  for (const auto& [key, value] : over.env) under.env.insert_or_assign(key, value);
  take(under.conda, over.conda);
  take(under.venv, over.venv);
  take(under.framework, over.framework);
  take(under.ranks, over.ranks);
  take(under.gpus, over.gpus);
  take(under.cpu_millis, over.cpu_millis);
  take(under.memory_bytes, over.memory_bytes);
  take(under.pool, over.pool);
  take(under.placement, over.placement);
  take(under.duration, over.duration);
  take(under.job_class, over.job_class);
  // A start named on one side replaces the window of the other, whole.
  if (over.at) under.by = under.after = std::nullopt;
  if (over.by || over.after) under.at = std::nullopt;
  take(under.by, over.by);
  take(under.after, over.after);
  take(under.at, over.at);
  under.parents.insert(under.parents.end(), over.parents.begin(), over.parents.end());
  take(under.max_price, over.max_price);
  take(under.priority, over.priority);
  take(under.retries, over.retries);
  take(under.preemptible, over.preemptible);
  take(under.elastic, over.elastic);
  take(under.grace, over.grace);
  take(under.outputs, over.outputs);
  take(under.count, over.count);
  take(under.every, over.every);
  take(under.times, over.times);
  take(under.until, over.until);
  take(under.choose, over.choose);
  if (!over.alternatives.empty()) under.alternatives = over.alternatives;
  if (!over.jobs.empty()) under.jobs = over.jobs;
  return under;
}

JobClass class_of(const JobRequest& request) {
  if (request.job_class) return *request.job_class;
  return request.by || request.at ? JobClass::reserved : JobClass::flex;
}

base::Result<boost::json::value> to_spec(const JobRequest& request, const std::string& folder,
                                         domain::Time now) {
  if (!request.command || request.command->empty() || request.command->front().empty()) {
    return base::invalid("command",
                         "there is no command: write it after --, such as -- python train.py, "
                         "or as 'command' in a job file");
  }
  if (request.conda && request.venv) {
    return base::invalid("conda", "conda and venv exclude each other");
  }
  if (auto good = check_window(request, now); !good) return base::pass(good);
  if (auto good = check_elastic(request); !good) return base::pass(good);
  const domain::JobSpec spec{request.name.value_or(default_name(*request.command)),
                             program_of(request, folder), bid_of(request),
                             request.priority.value_or(0)};
  boost::json::value made = base::to_json(spec);
  made.as_object()["after"] = parents_of(request);
  if (auto good = add_terms(request, made.as_object()); !good) return base::pass(good);
  boost::json::object& bid = made.as_object()["bid"].as_object();
  // Left out means now and the end of the horizon, on the controller's clock.
  if (spec.bid.earliest.ms == 0) bid.erase("earliest");
  if (spec.bid.deadline == domain::kNever) bid.erase("deadline");
  return made;
}

}  // namespace cli
