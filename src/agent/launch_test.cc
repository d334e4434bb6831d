#include "agent/launch.h"

#include <gtest/gtest.h>

#include <set>

namespace agent {
namespace {

using ports::RankOrder;

RankOrder order() {
  RankOrder order{.key = {.job = {12}, .attempt = 2, .rank = 5}};
  order.program.command = {"python3", "train.py"};
  order.per_rank = {.gpus = 2, .cpu_millis = 3'500, .memory_bytes = 1 << 20};
  order.gpu_uuids = {"GPU-a", "GPU-b"};
  order.job_name = "digits";
  order.user = "alice";
  order.team = "vision";
  order.world = 8;
  order.local_rank = 1;
  order.local_world = 4;
  order.node_rank = 1;
  order.node_addresses = {"10.0.0.1", "10.0.0.2"};
  order.master_port = 23'456;
  order.finish = {1'700'000'000'123};
  order.mtbf = domain::kHour;
  return order;
}

NodeFacts facts() {
  return {.node = {"n2"},
          .address = "10.0.0.2",
          .has_gpus = true,
          .python_dir = "/opt/berth/python",
          .env = {{"HOME", "/home/berth"}, {"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}}};
}

std::map<std::string, std::string> env_of(const RankOrder& order, const NodeFacts& node) {
  return render(order, node, place_of("/data", order.key)).env;
}

/// The value of a variable, or "unset".
std::string value(const std::map<std::string, std::string>& env, const std::string& name) {
  const auto at = env.find(name);
  return at == env.end() ? "unset" : at->second;
}

TEST(Launch, PlainProgramsGetTheseVariablesAndNoOthers) {
  const std::map<std::string, std::string> expected = {
      {"BERTH_ATTEMPT", "2"},
      {"BERTH_CHECKPOINT_DIR", "/data/jobs/12/checkpoints"},
      {"BERTH_END_TIME", "1700000000"},
      {"BERTH_GPUS", "GPU-a,GPU-b"},
      {"BERTH_JOB_ID", "12"},
      {"BERTH_JOB_NAME", "digits"},
      {"BERTH_LOCAL_RANK", "1"},
      {"BERTH_LOCAL_WORLD_SIZE", "4"},
      {"BERTH_MASTER_ADDR", "10.0.0.1"},
      {"BERTH_MASTER_PORT", "23456"},
      {"BERTH_METRICS_FILE", "/data/ranks/12.2.5/metrics.jsonl"},
      {"BERTH_MTBF", "3600"},
      {"BERTH_NODE", "n2"},
      {"BERTH_NODE_ADDRESSES", "10.0.0.1,10.0.0.2"},
      {"BERTH_NODE_COUNT", "2"},
      {"BERTH_NODE_RANK", "1"},
      {"BERTH_OUTPUT_DIR", "/data/ranks/12.2.5/output"},
      {"BERTH_RANK", "5"},
      {"BERTH_STOP_DEADLINE", "1700000000123"},
      {"BERTH_STOP_FILE", "/data/ranks/12.2.5/stop"},
      {"BERTH_TEAM", "vision"},
      {"BERTH_USER", "alice"},
      {"BERTH_WORLD_SIZE", "8"},
      {"CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b"},
      {"HOME", "/home/berth"},
      {"LANG", "C.UTF-8"},
      {"OMP_NUM_THREADS", "3"},
      {"OPENBLAS_NUM_THREADS", "3"},
      {"PATH", "/usr/bin:/bin"},
      {"PYTHONPATH", "/opt/berth/python"},
      {"PYTHONUNBUFFERED", "1"},
  };
  EXPECT_EQ(env_of(order(), facts()), expected);
}

TEST(Launch, PyTorchGetsItsOwnToo) {
  auto with_torch = order();
  with_torch.program.framework = domain::Framework::pytorch;
  const auto plain = env_of(order(), facts());
  const auto torch = env_of(with_torch, facts());
  std::map<std::string, std::string> more;
  for (const auto& [name, text] : torch) {
    if (!plain.contains(name)) more[name] = text;
  }
  const std::map<std::string, std::string> expected = {
      {"GROUP_RANK", "1"},
      {"LOCAL_RANK", "1"},
      {"LOCAL_WORLD_SIZE", "4"},
      {"MASTER_ADDR", "10.0.0.1"},
      {"MASTER_PORT", "23456"},
      {"NODE_RANK", "1"},
      {"RANK", "5"},
      {"WORLD_SIZE", "8"},
  };
  EXPECT_EQ(more, expected);
  EXPECT_EQ(torch.size(), plain.size() + expected.size());
}

TEST(Launch, OnlyALoopbackMasterNamesTheInterface) {
  auto on_one_machine = order();
  on_one_machine.program.framework = domain::Framework::pytorch;
  on_one_machine.node_addresses = {"127.0.0.1"};
  const auto env = env_of(on_one_machine, facts());
  EXPECT_EQ(value(env, "GLOO_SOCKET_IFNAME"), "lo");
  EXPECT_EQ(value(env, "NCCL_SOCKET_IFNAME"), "lo");
}

TEST(Launch, WithoutPeersTheMasterIsTheNodeItself) {
  auto alone = order();
  alone.node_addresses.clear();
  EXPECT_EQ(value(env_of(alone, facts()), "BERTH_MASTER_ADDR"), "10.0.0.2");
  EXPECT_EQ(value(env_of(alone, facts()), "BERTH_NODE_COUNT"), "1");
}

struct GpuCase {
  std::vector<std::string> uuids;
  bool has_gpus;
  std::string visible;
  std::string simulated;
};

TEST(Launch, GpusAreNamedByUuidAndSimulatedOnesAreHidden) {
  const std::vector<GpuCase> cases = {
      {{"GPU-a"}, true, "GPU-a", "unset"},
      {{}, true, "", "unset"},
      {{}, false, "unset", "unset"},
      {{"SIM-A100-0", "SIM-A100-1"}, true, "", "1"},
  };
  for (const GpuCase& each : cases) {
    auto with_gpus = order();
    with_gpus.gpu_uuids = each.uuids;
    auto node = facts();
    node.has_gpus = each.has_gpus;
    const auto env = env_of(with_gpus, node);
    EXPECT_EQ(value(env, "CUDA_VISIBLE_DEVICES"), each.visible);
    EXPECT_EQ(value(env, "BERTH_SIMULATED_GPUS"), each.simulated);
  }
}

TEST(Launch, TheUsersVariablesWinExceptOverPromises) {
  auto with_env = order();
  with_env.program.env = {{"OMP_NUM_THREADS", "9"},          {"BERTH_RANK", "0"},
                          {"CUDA_VISIBLE_DEVICES", "0"},     {"HOME", "/home/alice"},
                          {"PYTHONPATH", "/home/alice/lib"}, {"EMPTY", ""}};
  const auto env = env_of(with_env, facts());
  EXPECT_EQ(value(env, "OMP_NUM_THREADS"), "9");
  EXPECT_EQ(value(env, "OPENBLAS_NUM_THREADS"), "3");
  EXPECT_EQ(value(env, "BERTH_RANK"), "5");
  EXPECT_EQ(value(env, "CUDA_VISIBLE_DEVICES"), "GPU-a,GPU-b");
  EXPECT_EQ(value(env, "HOME"), "/home/alice");
  EXPECT_EQ(value(env, "PYTHONPATH"), "/opt/berth/python:/home/alice/lib");
  EXPECT_EQ(value(env, "EMPTY"), "");
}

TEST(Launch, LessThanOneCoreIsOneThread) {
  auto small = order();
  small.per_rank.cpu_millis = 200;
  EXPECT_EQ(value(env_of(small, facts()), "OMP_NUM_THREADS"), "1");
}

TEST(Launch, EnvironmentsAreActivated) {
  auto conda = order();
  conda.program.environment.conda = "/opt/conda/envs/torch";
  conda.program.env["PATH"] = "/home/alice/bin";
  EXPECT_EQ(value(env_of(conda, facts()), "PATH"), "/opt/conda/envs/torch/bin:/home/alice/bin");
  EXPECT_EQ(value(env_of(conda, facts()), "CONDA_PREFIX"), "/opt/conda/envs/torch");
  EXPECT_EQ(value(env_of(conda, facts()), "CONDA_DEFAULT_ENV"), "torch");
  auto venv = order();
  venv.program.environment.venv = "/home/alice/venv";
  venv.program.workdir = "/home/alice/code";
  EXPECT_EQ(value(env_of(venv, facts()), "PATH"), "/home/alice/venv/bin:/usr/bin:/bin");
  EXPECT_EQ(value(env_of(venv, facts()), "VIRTUAL_ENV"), "/home/alice/venv");
  const std::vector<std::pair<std::string, std::string>> needed = {
      {"the virtual environment", "/home/alice/venv"}, {"the working folder", "/home/alice/code"}};
  EXPECT_EQ(needed_folders(venv), needed);
}

TEST(Launch, APromiseWithoutEndSetsNone) {
  auto flex = order();
  flex.finish = domain::kNever;
  EXPECT_EQ(value(env_of(flex, facts()), "BERTH_END_TIME"), "unset");
  EXPECT_EQ(value(env_of(flex, facts()), "BERTH_STOP_DEADLINE"), "unset");
}

TEST(Launch, RunsInTheWorkdirOrInAFolderOfItsOwn) {
  auto somewhere = order();
  const RankPlace place = place_of("/data", somewhere.key);
  EXPECT_EQ(render(somewhere, facts(), place).workdir, place.work);
  somewhere.program.workdir = "/home/alice/code";
  const ports::Launch launch = render(somewhere, facts(), place);
  EXPECT_EQ(launch.workdir, "/home/alice/code");
  EXPECT_EQ(launch.command, somewhere.program.command);
  EXPECT_EQ(launch.limits, somewhere.per_rank);
  EXPECT_EQ(launch.grace, somewhere.program.grace);
  EXPECT_EQ(launch.log_path, place.log);
  EXPECT_EQ(launch.folder, place.folder);
}

}  // namespace
}  // namespace agent
