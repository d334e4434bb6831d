#include "agent/launch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <span>

namespace agent {
namespace {

using ports::RankOrder;
using Env = std::map<std::string, std::string>;

struct Context {
  const RankOrder& order;
  const NodeFacts& facts;
  const RankPlace& place;
};

/// One variable and its value; none: it is not set.
struct Variable {
  const char* name;
  std::optional<std::string> (*value)(const Context&);
};

std::string master_address(const Context& c) {
  if (!c.order.node_addresses.empty()) return c.order.node_addresses.front();
  return c.facts.address.empty() ? "127.0.0.1" : c.facts.address;
}

bool is_simulated(const std::string& uuid) { return uuid.starts_with("SIM-"); }

std::optional<std::string> visible_devices(const Context& c) {
  if (!c.facts.has_gpus && c.order.gpu_uuids.empty()) return std::nullopt;
  std::vector<std::string> real = c.order.gpu_uuids;
  std::erase_if(real, is_simulated);
  return fmt::format("{}", fmt::join(real, ","));
}

std::optional<std::string> simulated_gpus(const Context& c) {
  if (std::ranges::none_of(c.order.gpu_uuids, is_simulated)) return std::nullopt;
  return "1";
}

std::optional<std::string> threads(const Context& c) {
  return std::to_string(std::max<std::int64_t>(1, c.order.per_rank.cpu_millis / 1'000));
}

/// Unix time of the promised end in `unit` milliseconds.
std::optional<std::string> end_in(const Context& c, std::int64_t unit_ms) {
  const domain::Time finish = c.order.finish;
  if (finish.ms <= 0 || finish >= domain::kNever) return std::nullopt;
  return std::to_string(finish.ms / unit_ms);
}

std::optional<std::string> resume_path(const Context& c) {
  if (c.order.resume_from.empty()) return std::nullopt;
  return c.place.checkpoints + "/" + c.order.resume_from;
}

/// In seconds.
std::optional<std::string> mtbf(const Context& c) {
  if (c.order.mtbf <= domain::Duration{}) return std::nullopt;
  return std::to_string(c.order.mtbf.ms / 1'000);
}

std::optional<std::string> loopback_interface(const Context& c) {
  const std::string address = master_address(c);
  if (address.starts_with("127.") || address == "::1" || address == "localhost") return "lo";
  return std::nullopt;
}

std::optional<std::string> rank(const Context& c) { return std::to_string(c.order.key.rank); }
std::optional<std::string> world(const Context& c) { return std::to_string(c.order.world); }
std::optional<std::string> local_rank(const Context& c) {
  return std::to_string(c.order.local_rank);
}
std::optional<std::string> local_world(const Context& c) {
  return std::to_string(c.order.local_world);
}
std::optional<std::string> node_rank(const Context& c) { return std::to_string(c.order.node_rank); }
std::optional<std::string> master(const Context& c) { return master_address(c); }
std::optional<std::string> port(const Context& c) { return std::to_string(c.order.master_port); }

/// Berth's own variables. The user cannot change them.
constexpr Variable kBerth[] = {
    {"BERTH_JOB_ID",
     [](const Context& c) { return std::optional(std::to_string(c.order.key.job.value)); }},
    {"BERTH_JOB_NAME", [](const Context& c) { return std::optional(c.order.job_name); }},
    {"BERTH_ATTEMPT",
     [](const Context& c) { return std::optional(std::to_string(c.order.key.attempt)); }},
    {"BERTH_RANK", rank},
    {"BERTH_WORLD_SIZE", world},
    {"BERTH_LOCAL_RANK", local_rank},
    {"BERTH_LOCAL_WORLD_SIZE", local_world},
    {"BERTH_NODE_RANK", node_rank},
    {"BERTH_NODE_COUNT",
     [](const Context& c) {
       return std::optional(
           std::to_string(std::max<std::size_t>(1, c.order.node_addresses.size())));
     }},
    {"BERTH_NODE_ADDRESSES",
     [](const Context& c) {
       return std::optional(fmt::format("{}", fmt::join(c.order.node_addresses, ",")));
     }},
    {"BERTH_NODE", [](const Context& c) { return std::optional(c.facts.node.value); }},
    {"BERTH_MASTER_ADDR", master},
    {"BERTH_MASTER_PORT", port},
    {"BERTH_END_TIME", [](const Context& c) { return end_in(c, 1'000); }},
    {"BERTH_STOP_DEADLINE", [](const Context& c) { return end_in(c, 1); }},
    {"BERTH_METRICS_FILE", [](const Context& c) { return std::optional(c.place.metrics); }},
    {"BERTH_CHECKPOINT_DIR", [](const Context& c) { return std::optional(c.place.checkpoints); }},
    {"BERTH_RESUME_FROM", resume_path},
    {"BERTH_MTBF", mtbf},
    {"BERTH_OUTPUT_DIR", [](const Context& c) { return std::optional(c.place.output); }},
    {"BERTH_STOP_FILE", [](const Context& c) { return std::optional(c.place.stop_file); }},
    {"BERTH_USER", [](const Context& c) { return std::optional(c.order.user); }},
    {"BERTH_TEAM", [](const Context& c) { return std::optional(c.order.team); }},
    {"BERTH_GPUS",
     [](const Context& c) {
       return std::optional(fmt::format("{}", fmt::join(c.order.gpu_uuids, ",")));
     }},
    {"BERTH_SIMULATED_GPUS", simulated_gpus},
    {"CUDA_VISIBLE_DEVICES", visible_devices},
};

/// Set for every program, unless the user sets them.
constexpr Variable kDefaults[] = {
    {"OMP_NUM_THREADS", threads},
    {"OPENBLAS_NUM_THREADS", threads},
    {"PYTHONUNBUFFERED", [](const Context&) { return std::optional<std::string>("1"); }},
};

constexpr Variable kPyTorch[] = {
    {"MASTER_ADDR", master},
    {"MASTER_PORT", port},
    {"RANK", rank},
    {"WORLD_SIZE", world},
    {"LOCAL_RANK", local_rank},
    {"LOCAL_WORLD_SIZE", local_world},
    {"NODE_RANK", node_rank},
    {"GROUP_RANK", node_rank},
    {"GLOO_SOCKET_IFNAME", loopback_interface},
    {"NCCL_SOCKET_IFNAME", loopback_interface},
};

/// A line per framework: what a rank gets beside Berth's own variables.
struct FrameworkLaunch {
  domain::Framework framework;
  std::span<const Variable> variables;
};
constexpr FrameworkLaunch kFrameworks[] = {
    {domain::Framework::plain, {}},
    {domain::Framework::pytorch, kPyTorch},
};

void set_all(std::span<const Variable> variables, const Context& context, Env& env) {
  for (const Variable& variable : variables) {
    if (auto value = variable.value(context)) env[variable.name] = *std::move(value);
  }
}

void prepend(Env& env, const std::string& name, const std::string& path) {
  std::string& value = env[name];
  value = value.empty() ? path : path + ":" + value;
}

void activate(const domain::Environment& environment, Env& env) {
  if (!environment.conda.empty()) {
    prepend(env, "PATH", environment.conda + "/bin");
    env["CONDA_PREFIX"] = environment.conda;
    env["CONDA_DEFAULT_ENV"] = environment.conda.substr(environment.conda.rfind('/') + 1);
  }
  if (!environment.venv.empty()) {
    prepend(env, "PATH", environment.venv + "/bin");
    env["VIRTUAL_ENV"] = environment.venv;
  }
}

Env environment_of(const Context& context) {
  Env env = context.facts.env;
  set_all(kDefaults, context, env);
  for (const FrameworkLaunch& launch : kFrameworks) {
    if (launch.framework == context.order.program.framework) {
      set_all(launch.variables, context, env);
    }
  }
  for (const auto& [name, value] : context.order.program.env) {
    if (!name.starts_with("BERTH_")) env[name] = value;
  }
  activate(context.order.program.environment, env);
  if (!context.facts.python_dir.empty()) prepend(env, "PYTHONPATH", context.facts.python_dir);
  set_all(kBerth, context, env);
  return env;
}

}  // namespace

ports::Launch render(const RankOrder& order, const NodeFacts& facts, const RankPlace& place) {
  const std::string& workdir = order.program.workdir;
  return {
      .key = order.key,
      .command = order.program.command,
      .env = environment_of({order, facts, place}),
      .workdir = workdir.empty() ? place.work : workdir,
      .folder = place.folder,
      .log_path = place.log,
      .limits = order.per_rank,
      .grace = order.program.grace,
  };
}

std::vector<std::pair<std::string, std::string>> needed_folders(const RankOrder& order) {
  std::vector<std::pair<std::string, std::string>> needed = {
      {"the conda environment", order.program.environment.conda},
      {"the virtual environment", order.program.environment.venv},
      {"the working folder", order.program.workdir},
  };
  std::erase_if(needed, [](const auto& entry) { return entry.second.empty(); });
  return needed;
}

}  // namespace agent
