#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "adapters/process/process_runtime.h"
#include "base/check.h"
#include "fakes/scripted_runtime.h"

namespace {

namespace files = std::filesystem;
using domain::ExitCause;
using ports::RankEnd;
using ports::RankKey;

/// What a rank of these tests does; each machine knows how to make one do it.
struct Behaviour {
  int exit_code = 0;
  int signal = 0;
  bool runs_for_ever = false;
  bool ignores_terminate = false;
};

/// A machine that ranks live on, and the agents that come and go there.
class Host {
 public:
  virtual ~Host() = default;
  /// An agent's runtime; one at a time, the one before it is gone.
  virtual ports::Runtime& restart_agent() = 0;
  virtual ports::Launch launch(std::int64_t job, const Behaviour& behaviour) = 0;
  /// Lets the machine go on until this rank's end was told; nothing after a generous while.
  virtual std::optional<RankEnd> wait_for(const RankKey& key) = 0;
  /// Lets the machine go on for a moment.
  virtual void go_on() = 0;
  /// Waits until what the rank ignores would be ignored.
  virtual void wait_until_ready(const RankKey& key) = 0;

  std::size_t count_ends(const RankKey& key) {
    const std::scoped_lock lock(mutex);
    return ends.count(key);
  }
  std::optional<RankEnd> find_end(const RankKey& key) {
    const std::scoped_lock lock(mutex);
    const auto found = ends.find(key);
    return found == ends.end() ? std::nullopt : std::optional(found->second);
  }

 protected:
  ports::Runtime& listen(ports::Runtime& runtime) {
    runtime.on_end([this](const RankKey& key, const RankEnd& end) {
      const std::scoped_lock lock(mutex);
      ends.emplace(key, end);
      told.notify_all();
    });
    return runtime;
  }

  std::mutex mutex;
  std::condition_variable told;
  std::multimap<RankKey, RankEnd> ends;
};

RankKey key_of(std::int64_t job) { return {.job = {job}, .attempt = 1, .rank = 0}; }

class ScriptedHost final : public Host {
 public:
  ScriptedHost() {
    machine.set_scripts([this](const ports::Launch& launch) {
      const Behaviour behaviour = behaviours.at(launch.folder);
      fakes::RankScript script;
      if (!behaviour.runs_for_ever) script.length = {10};
      script.exit_code = behaviour.exit_code;
      script.signal = behaviour.signal;
      script.ignores_terminate = behaviour.ignores_terminate;
      return script;
    });
  }

  ports::Runtime& restart_agent() override {
    runtime.reset();
    runtime = std::make_unique<fakes::ScriptedRuntime>(machine);
    return listen(*runtime);
  }

  ports::Launch launch(std::int64_t job, const Behaviour& behaviour) override {
    ports::Launch wanted;
    wanted.key = key_of(job);
    wanted.command = {"scripted"};
    wanted.folder = "/" + std::to_string(job);
    behaviours[wanted.folder] = behaviour;
    return wanted;
  }

  std::optional<RankEnd> wait_for(const RankKey& key) override {
    machine.advance(domain::kHour);
    return find_end(key);
  }
  void go_on() override { machine.advance({100}); }
  void wait_until_ready(const RankKey& key) override {
    CHECK(machine.is_alive(key), "the rank runs");
  }

 private:
  std::map<std::string, Behaviour> behaviours;
  fakes::Machine machine;
  std::unique_ptr<fakes::ScriptedRuntime> runtime;
};

class ProcessHost final : public Host {
 public:
  ProcessHost() {
    std::string name = (files::temp_directory_path() / "berth-runtime-XXXXXX").string();
    CHECK(mkdtemp(name.data()), "the folder for temporary files can be written");
    root = name;
  }
  ~ProcessHost() override {
    runtime.reset();
    std::error_code ignored;
    files::remove_all(root, ignored);
  }

  ports::Runtime& restart_agent() override {
    const char* build = std::getenv("BERTH_BUILD_DIR");
    const std::string shim = std::string(build == nullptr ? "build/dev" : build) + "/berth-shim";
    runtime.reset();
    auto opened = adapters::process::ProcessRuntime::open({.shim_path = shim, .cgroup_parent = {}});
    CHECK(opened, opened.error().message);
    runtime = *std::move(opened);
    return listen(*runtime);
  }

  ports::Launch launch(std::int64_t job, const Behaviour& behaviour) override {
    std::string script = behaviour.ignores_terminate ? "trap '' TERM; " : "";
    script += "echo ready; ";
    if (behaviour.runs_for_ever) {
      script += behaviour.ignores_terminate ? "while :; do sleep 0.01; done" : "exec sleep 300";
    } else if (behaviour.signal != 0) {
      script += "kill -" + std::to_string(behaviour.signal) + " $$";
    } else {
      script += "exit " + std::to_string(behaviour.exit_code);
    }
    ports::Launch wanted;
    wanted.key = key_of(job);
    wanted.command = {"sh", "-c", script};
    wanted.env = {{"PATH", "/usr/bin:/bin"}};
    wanted.workdir = root;
    wanted.folder = root / std::to_string(job);
    wanted.log_path = wanted.folder + "/log";
    files::create_directories(wanted.folder);
    return wanted;
  }

  std::optional<RankEnd> wait_for(const RankKey& key) override {
    std::unique_lock lock(mutex);
    told.wait_for(lock, std::chrono::seconds(30), [&] { return ends.contains(key); });
    lock.unlock();
    return find_end(key);
  }

  void go_on() override {
    const auto other = launch(next_other++, {});
    CHECK(runtime->start(other), "a short rank starts");
    CHECK(wait_for(other.key), "a short rank ends");
  }

  void wait_until_ready(const RankKey& key) override {
    const files::path log = root / std::to_string(key.job.value) / "log";
    for (int i = 0; i < 30'000; ++i) {
      std::error_code absent;
      if (files::file_size(log, absent) > 0 && !absent) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(false, "the rank became ready");
  }

 private:
  files::path root;
  std::int64_t next_other = 1000;
  std::unique_ptr<adapters::process::ProcessRuntime> runtime;
};

using MakeHost = std::unique_ptr<Host> (*)();

/// What every Runtime promises. The fake and the real one pass the same tests.
class RuntimeContract : public testing::TestWithParam<MakeHost> {
 protected:
  std::unique_ptr<Host> host = GetParam()();
  ports::Runtime* runtime = &host->restart_agent();
};

TEST_P(RuntimeContract, TellsHowARankEnded) {
  struct Case {
    Behaviour behaviour;
    ExitCause cause;
  };
  std::int64_t job = 1;
  for (const Case& each : {Case{{}, ExitCause::success}, Case{{.exit_code = 3}, ExitCause::failed},
                           Case{{.signal = 11}, ExitCause::crashed}}) {
    const auto wanted = host->launch(job++, each.behaviour);
    ASSERT_TRUE(runtime->start(wanted));
    const auto end = host->wait_for(wanted.key);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->cause, each.cause);
    EXPECT_EQ(end->signal, each.behaviour.signal);
    EXPECT_EQ(end->exit_code, each.behaviour.exit_code);
    EXPECT_FALSE(end->detail.empty());
  }
}

TEST_P(RuntimeContract, RefusesALaunchWithoutACommand) {
  auto wanted = host->launch(1, {});
  wanted.command.clear();
  EXPECT_EQ(runtime->start(wanted).error().code, base::ErrorCode::invalid_argument);
  EXPECT_TRUE(runtime->start(host->launch(1, {})));
  EXPECT_TRUE(host->wait_for(key_of(1)));
}

TEST_P(RuntimeContract, TellsAnEndOnceHoweverOftenItIsStarted) {
  const auto wanted = host->launch(1, {.exit_code = 4});
  ASSERT_TRUE(runtime->start(wanted));
  ASSERT_TRUE(runtime->start(wanted));
  ASSERT_TRUE(host->wait_for(wanted.key));
  ASSERT_TRUE(runtime->start(wanted));
  ASSERT_TRUE(runtime->adopt(wanted.key, wanted.folder));
  host->go_on();
  EXPECT_EQ(host->count_ends(wanted.key), 1U);
}

TEST_P(RuntimeContract, TerminateEndsARankBySignal) {
  const auto wanted = host->launch(1, {.runs_for_ever = true});
  ASSERT_TRUE(runtime->start(wanted));
  runtime->terminate(wanted.key);
  const auto end = host->wait_for(wanted.key);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->signal, 15);
  EXPECT_EQ(end->cause, ExitCause::crashed);
}

TEST_P(RuntimeContract, OnlyKillEndsARankThatIgnoresTermination) {
  const auto wanted = host->launch(1, {.runs_for_ever = true, .ignores_terminate = true});
  ASSERT_TRUE(runtime->start(wanted));
  host->wait_until_ready(wanted.key);
  runtime->terminate(wanted.key);
  host->go_on();
  EXPECT_EQ(host->count_ends(wanted.key), 0U);
  runtime->kill(wanted.key);
  const auto end = host->wait_for(wanted.key);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->signal, 9);
}

TEST_P(RuntimeContract, IgnoresSignalsForUnknownRanks) {
  runtime->terminate(key_of(7));
  runtime->kill(key_of(7));
  EXPECT_EQ(runtime->usage(key_of(7)).error().code, base::ErrorCode::not_found);
}

TEST_P(RuntimeContract, RanksOutliveTheAgentAndAreFoundAgain) {
  const auto living = host->launch(1, {.runs_for_ever = true});
  const auto ended = host->launch(2, {.exit_code = 5});
  ASSERT_TRUE(runtime->start(living));
  ASSERT_TRUE(runtime->start(ended));
  runtime = &host->restart_agent();
  host->go_on();
  EXPECT_EQ(host->count_ends(living.key), 0U);
  ASSERT_TRUE(runtime->adopt(living.key, living.folder));
  ASSERT_TRUE(runtime->adopt(ended.key, ended.folder));
  const auto end = host->wait_for(ended.key);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_code, 5);
  EXPECT_TRUE(runtime->usage(living.key));
  EXPECT_EQ(host->count_ends(living.key), 0U);
  runtime->kill(living.key);
  EXPECT_TRUE(host->wait_for(living.key));
}

TEST_P(RuntimeContract, ARankThatWasNeverStartedIsLost) {
  const auto wanted = host->launch(1, {});
  ASSERT_TRUE(runtime->adopt(wanted.key, wanted.folder));
  const auto end = host->wait_for(wanted.key);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->cause, ExitCause::shim_lost);
  EXPECT_NE(end->exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(Scripted, RuntimeContract, testing::Values([]() -> std::unique_ptr<Host> {
                           return std::make_unique<ScriptedHost>();
                         }));
INSTANTIATE_TEST_SUITE_P(Process, RuntimeContract, testing::Values([]() -> std::unique_ptr<Host> {
                           return std::make_unique<ProcessHost>();
                         }));

}  // namespace
