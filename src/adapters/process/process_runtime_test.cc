#include "adapters/process/process_runtime.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "adapters/process/rank_files.h"
#include "base/check.h"

namespace {

namespace files = std::filesystem;
using adapters::process::ProcessId;
using adapters::process::ProcessRuntime;
using base::ErrorCode;
using domain::ExitCause;
using ports::RankEnd;
using ports::RankKey;
using namespace std::chrono_literals;

constexpr auto kDeadline = 30s;

std::string shim_path() {
  const char* build = std::getenv("BERTH_BUILD_DIR");
  return std::string(build == nullptr ? "build/dev" : build) + "/berth-shim";
}

bool eventually(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + kDeadline;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

bool is_alive(int pid) {
  const auto process = adapters::process::read_process(pid);
  return process && process->alive();
}

std::string content_of(const files::path& path) { return adapters::process::read_small_file(path); }

/// Keeps what a runtime reports, from whatever thread.
class Ends {
 public:
  void add(const RankKey& key, const RankEnd& end) {
    const std::scoped_lock lock(mutex_);
    ends_.emplace(key, end);
    changed_.notify_all();
  }
  std::optional<RankEnd> wait_for(const RankKey& key) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDeadline, [&] { return ends_.contains(key); });
    const auto found = ends_.find(key);
    return found == ends_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t count(const RankKey& key) {
    const std::scoped_lock lock(mutex_);
    return ends_.count(key);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<RankKey, RankEnd> ends_;
};

class ProcessRuntimeTest : public testing::Test {
 protected:
  ProcessRuntimeTest() {
    std::string name = (files::temp_directory_path() / "berth-process-XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~ProcessRuntimeTest() override {
    runtime.reset();
    std::error_code ignored;
    files::remove_all(root, ignored);
  }

  void open_runtime(bool use_cgroups = true) {
    auto opened = ProcessRuntime::open({.shim_path = shim_path(),
                                        .use_cgroups = use_cgroups,
                                        .cgroup_parent = {},
                                        .lease_path = root / "lease",
                                        .booted = {}});
    CHECK(opened, opened.error().message);
    runtime = *std::move(opened);
    runtime->on_end([this](const RankKey& key, const RankEnd& end) {
      if (at_end) at_end();
      ends.add(key, end);
    });
  }

  ports::Launch launch(std::vector<std::string> command, std::int64_t job = 1) const {
    const files::path folder = root / std::to_string(job);
    files::create_directories(folder);
    return {.key = {.job = {job}, .attempt = 1, .rank = 0},
            .command = std::move(command),
            .env = {{"PATH", "/usr/bin:/bin"}},
            .workdir = root,
            .folder = folder,
            .log_path = folder / "log",
            .limits = {},
            .grace = {}};
  }
  ports::Launch script(const std::string& text, std::int64_t job = 1) const {
    return launch({"sh", "-c", text}, job);
  }

  RankEnd run(const ports::Launch& wanted) {
    const auto started = runtime->start(wanted);
    EXPECT_TRUE(started) << started.error().message;
    const auto end = ends.wait_for(wanted.key);
    EXPECT_TRUE(end) << "no end was reported";
    return end.value_or(RankEnd{});
  }

  /// The pids that a script has appended to the file `pids`.
  std::vector<int> pids() const {
    std::ifstream in(root / "pids");
    std::vector<int> all;
    for (int pid = 0; in >> pid;) all.push_back(pid);
    return all;
  }
  bool all_dead() const { return std::ranges::none_of(pids(), is_alive); }

  files::path root;
  Ends ends;
  std::function<void()> at_end;
  std::unique_ptr<ProcessRuntime> runtime;
};

/// Two processes in sessions of their own, one of them an orphan, and one that stays in the group.
constexpr char kDaemons[] =
    "(setsid sh -c 'echo $$ >> pids; exec sleep 300' &)\n"
    "setsid sh -c 'echo $$ >> pids;\n"
    "  (setsid sh -c \"echo \\$\\$ >> pids; sleep 300\" &); sleep 300' &\n"
    "env -i /bin/sh -c 'echo $$ >> pids; exec /bin/sleep 300' &\n"
    "until [ $(wc -l < pids) = 4 ]; do :; done\n";

TEST_F(ProcessRuntimeTest, ReportsExitCodesAndSignals) {
  open_runtime();
  const RankEnd good = run(script("exit 0", 1));
  EXPECT_EQ(good.cause, ExitCause::success);
  EXPECT_GT(good.at.ms, 1'600'000'000'000);
  const RankEnd bad = run(script("exit 3", 2));
  EXPECT_EQ(bad.exit_code, 3);
  EXPECT_EQ(bad.cause, ExitCause::failed);
  EXPECT_EQ(bad.detail, "exited with code 3");
  const RankEnd crashed = run(script("kill -SEGV $$", 3));
  EXPECT_EQ(crashed.signal, SIGSEGV);
  EXPECT_EQ(crashed.cause, ExitCause::crashed);
  EXPECT_EQ(crashed.detail, "killed by SIGSEGV");
}

TEST_F(ProcessRuntimeTest, AppendsBothStreamsToTheLogAndGivesAnEmptyInput) {
  open_runtime();
  const auto wanted = script("cat; echo out; echo err >&2");
  std::ofstream(wanted.log_path) << "before\n";
  run(wanted);
  EXPECT_EQ(content_of(wanted.log_path), "before\nout\nerr\n");
}

TEST_F(ProcessRuntimeTest, GivesTheWholeEnvironmentAndNothingElse) {
  open_runtime();
  ASSERT_EQ(setenv("BERTH_TEST_LEAK", "1", 1), 0);
  auto wanted = launch({"env"});
  wanted.env["EMPTY"] = "";
  wanted.env["BERTH_RANK_KEY"] = "forged";
  run(wanted);
  EXPECT_EQ(content_of(wanted.log_path), "BERTH_RANK_KEY=1.1.0\nBERTH_RANK_FOLDER=" +
                                             wanted.folder + "\nEMPTY=\nPATH=/usr/bin:/bin\n");
}

TEST_F(ProcessRuntimeTest, InheritsNoDescriptorsAndNoBlockedSignals) {
  open_runtime();
  const int leaked = dup(STDERR_FILENO);  // Not closed on exec.
  const auto listing = script("ls /proc/self/fd | tr '\\n' ' '", 1);
  run(listing);
  close(leaked);
  EXPECT_EQ(content_of(listing.log_path), "0 1 2 3 ");
  // Not by a shell, which unblocks signals itself.
  const auto blocked = launch({"grep", "SigBlk", "/proc/self/status"}, 2);
  run(blocked);
  EXPECT_EQ(content_of(blocked.log_path), "SigBlk:\t0000000000000000\n");
}

TEST_F(ProcessRuntimeTest, RefusesACommandThatCannotRun) {
  open_runtime();
  const auto missing = runtime->start(launch({"no-such-command"}, 1));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_TRUE(missing.error().message.contains("no-such-command")) << missing.error().message;
  std::ofstream(root / "text") << "words";
  const auto not_executable = runtime->start(launch({"./text"}, 2));
  ASSERT_FALSE(not_executable);
  EXPECT_EQ(not_executable.error().code, ErrorCode::permission_denied);
  auto nowhere = launch({"true"}, 3);
  nowhere.workdir = "/no/such/folder";
  EXPECT_EQ(runtime->start(nowhere).error().code, ErrorCode::not_found);
  EXPECT_EQ(runtime->start(launch({}, 4)).error().code, ErrorCode::invalid_argument);
  // A refused start leaves nothing behind: the same key may be started again.
  EXPECT_EQ(run(launch({"true"}, 1)).cause, ExitCause::success);
}

TEST_F(ProcessRuntimeTest, ReportsAFailedExecAsCannotStart) {
  open_runtime();
  std::ofstream(root / "script") << "#!/no/such/interpreter\n";
  files::permissions(root / "script", files::perms::owner_all);
  const RankEnd end = run(launch({"./script"}));
  EXPECT_EQ(end.cause, ExitCause::cannot_start);
  EXPECT_EQ(end.detail, "cannot exec the command: No such file or directory");
  auto unloggable = launch({"true"}, 2);
  unloggable.log_path = root / "no" / "folder";
  EXPECT_EQ(run(unloggable).detail, "cannot open the log: No such file or directory");
}

TEST_F(ProcessRuntimeTest, EndsOnlyWhenEveryDaemonIsDead) {
  open_runtime();
  bool dead_at_end = false;
  at_end = [&] { dead_at_end = pids().size() == 4 && all_dead(); };
  const RankEnd end = run(script(std::string(kDaemons) + "exit 5"));
  EXPECT_EQ(end.exit_code, 5);
  EXPECT_TRUE(dead_at_end);
}

TEST_F(ProcessRuntimeTest, TerminateReachesEveryProcessAndTheExitCodeIsKept) {
  open_runtime();
  const auto wanted = script(
      "setsid sh -c 'trap \"echo daemon; exit\" TERM; echo $$ >> pids;\n"
      "  while :; do sleep 0.02; done' &\n"
      "trap 'wait; exit 7' TERM; until [ -s pids ]; do :; done; echo ready\n"
      "while :; do sleep 0.02; done");
  ASSERT_TRUE(runtime->start(wanted));
  ASSERT_TRUE(eventually([&] { return content_of(wanted.log_path).contains("ready"); }));
  runtime->terminate(wanted.key);
  const auto end = ends.wait_for(wanted.key);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_code, 7);
  EXPECT_TRUE(content_of(wanted.log_path).contains("daemon"));
}

TEST_F(ProcessRuntimeTest, TerminateRightAfterStartIsNotLost) {
  open_runtime();
  for (std::int64_t job = 1; job <= 20; ++job) {
    const auto wanted = launch({"sleep", "300"}, job);
    ASSERT_TRUE(runtime->start(wanted));
    runtime->terminate(wanted.key);
    const auto end = ends.wait_for(wanted.key);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->signal, SIGTERM);
  }
}

TEST_F(ProcessRuntimeTest, KillEndsARankThatIgnoresTermination) {
  open_runtime();
  const auto wanted =
      script("trap '' TERM; (trap 'echo told' TERM; echo ready; while :; do sleep 0.02; done)");
  ASSERT_TRUE(runtime->start(wanted));
  ASSERT_TRUE(eventually([&] { return content_of(wanted.log_path).contains("ready"); }));
  runtime->terminate(wanted.key);
  runtime->terminate({.job = {99}, .attempt = 1, .rank = 0});
  // A shell cannot trap what was ignored at its start, so only the time tells: it must still run
  // when a later rank has come and gone.
  EXPECT_EQ(run(launch({"sleep", "0.1"}, 2)).cause, ExitCause::success);
  EXPECT_EQ(ends.count(wanted.key), 0U);
  runtime->kill(wanted.key);
  const auto end = ends.wait_for(wanted.key);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->signal, SIGKILL);
}

TEST_F(ProcessRuntimeTest, KillsWhatALostShimLeft) {
  for (const bool use_cgroups : {true, false}) {
    files::remove(root / "pids");
    open_runtime(use_cgroups);
    const std::int64_t job = use_cgroups ? 1 : 2;
    bool dead_at_end = false;
    at_end = [&] { dead_at_end = all_dead(); };
    auto wanted = script(std::string(kDaemons) + "echo $$ >> pids; echo ready; wait", job);
    wanted.limits.cpu_millis = 500;
    ASSERT_TRUE(runtime->start(wanted));
    ASSERT_TRUE(eventually([&] { return content_of(wanted.log_path).contains("ready"); }));
    ASSERT_EQ(pids().size(), 5U);
    ASSERT_FALSE(all_dead());
    const auto identity = adapters::process::read_identity(wanted.folder);
    ASSERT_TRUE(identity);
    ASSERT_EQ(::kill(identity->id.pid, SIGTERM), 0);  // Does not concern a shim.
    ASSERT_EQ(::kill(identity->id.pid, SIGKILL), 0);
    const auto end = ends.wait_for(wanted.key);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->cause, ExitCause::shim_lost);
    EXPECT_EQ(end->detail, "its shim got signal 9");
    EXPECT_NE(end->exit_code, 0);
    EXPECT_TRUE(dead_at_end) << "use_cgroups " << use_cgroups;
  }
}

TEST_F(ProcessRuntimeTest, AProcessThatDiesSlowlyIsWaitedForAlsoWhenNothingNamesItAnyMore) {
  open_runtime(false);
  bool dead_at_end = false;
  at_end = [&] { dead_at_end = all_dead(); };
  // The kernel takes its environment from it at once, and then needs long to take its memory.
  const auto wanted = script(
      "{ head -c 400000000 /dev/zero; echo ready >&2; exec sleep 300; } |\n"
      "setsid sh -c 'echo $$ >> pids; exec tail'");
  ASSERT_TRUE(runtime->start(wanted));
  ASSERT_TRUE(eventually([&] { return content_of(wanted.log_path) == "ready\n"; }));
  ASSERT_FALSE(all_dead());
  const auto identity = adapters::process::read_identity(wanted.folder);
  ASSERT_TRUE(identity);
  ASSERT_EQ(::kill(identity->id.pid, SIGKILL), 0);
  const auto end = ends.wait_for(wanted.key);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->cause, ExitCause::shim_lost);
  EXPECT_TRUE(dead_at_end);
}

TEST_F(ProcessRuntimeTest, ASecondStartFindsTheFirst) {
  open_runtime();
  const auto wanted = script("echo run; sleep 0.1");
  ASSERT_TRUE(runtime->start(wanted));
  ASSERT_TRUE(runtime->start(wanted));
  open_runtime();  // Another agent.
  ASSERT_TRUE(runtime->start(wanted));
  ASSERT_TRUE(ends.wait_for(wanted.key));
  ASSERT_TRUE(runtime->start(wanted));
  ASSERT_TRUE(runtime->adopt(wanted.key, wanted.folder));
  run(launch({"true"}, 2));  // Whatever the calls above set off has happened by now.
  EXPECT_EQ(ends.count(wanted.key), 1U);
  EXPECT_EQ(content_of(wanted.log_path), "run\n");
}

/// Starts ranks in a process of its own and kills that with SIGKILL.
void start_and_die(const std::vector<ports::Launch>& launches) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t agent = fork();
  ASSERT_GE(agent, 0);
  if (agent == 0) {
    auto opened = ProcessRuntime::open({.shim_path = shim_path(), .cgroup_parent = {}});
    if (!opened) _exit(1);
    (*opened)->on_end([](const RankKey&, const RankEnd&) {});
    for (const auto& each : launches) {
      if (!(*opened)->start(each)) _exit(1);
    }
    (void)!write(ready[1], "x", 1);
    for (;;) pause();
  }
  close(ready[1]);
  char byte = 0;
  EXPECT_EQ(read(ready[0], &byte, 1), 1) << "the first agent could not start its ranks";
  close(ready[0]);
  ::kill(agent, SIGKILL);
  waitpid(agent, nullptr, 0);
}

TEST_F(ProcessRuntimeTest, AdoptsTheRanksOfAKilledAgent) {
  auto long_rank = script("echo alive; exec sleep 300", 1);
  long_rank.limits.cpu_millis = 1000;
  const auto short_rank = script("exit 4", 2);
  const auto lost_rank = script(std::string(kDaemons) + "echo $$ >> pids; wait", 3);
  start_and_die({long_rank, short_rank, lost_rank});
  ASSERT_TRUE(eventually([&] {
    return adapters::process::read_end(short_rank.folder).has_value() && pids().size() == 5;
  }));
  ::kill(adapters::process::read_identity(lost_rank.folder)->id.pid, SIGKILL);
  ASSERT_FALSE(all_dead());  // Only the next agent finds what the command has started.
  open_runtime();
  for (const auto& each : {long_rank, short_rank, lost_rank}) {
    ASSERT_TRUE(runtime->adopt(each.key, each.folder));
  }
  const auto short_end = ends.wait_for(short_rank.key);
  ASSERT_TRUE(short_end);
  EXPECT_EQ(short_end->exit_code, 4);
  EXPECT_EQ(short_end->cause, ExitCause::failed);
  const auto lost_end = ends.wait_for(lost_rank.key);
  ASSERT_TRUE(lost_end);
  EXPECT_EQ(lost_end->cause, ExitCause::shim_lost);
  EXPECT_TRUE(all_dead());
  EXPECT_EQ(ends.count(long_rank.key), 0U);
  EXPECT_TRUE(runtime->usage(long_rank.key));
  runtime->terminate(long_rank.key);
  const auto long_end = ends.wait_for(long_rank.key);
  ASSERT_TRUE(long_end);
  EXPECT_EQ(long_end->signal, SIGTERM);
}

TEST_F(ProcessRuntimeTest, AnAgentKilledInTheMiddleOfAStartLosesNothing) {
  // Kills the first agent at any moment of a start; whatever it left is found to end or to live.
  for (std::int64_t job = 1; job <= 30; ++job) {
    const auto wanted = launch({"sleep", "300"}, job);
    const pid_t agent = fork();
    ASSERT_GE(agent, 0);
    if (agent == 0) {
      auto opened = ProcessRuntime::open({.shim_path = shim_path(), .cgroup_parent = {}});
      if (opened) (void)(*opened)->start(wanted);
      for (;;) pause();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(150 * job));
    ::kill(agent, SIGKILL);
    waitpid(agent, nullptr, 0);
    open_runtime();
    ASSERT_TRUE(runtime->adopt(wanted.key, wanted.folder));
    runtime->kill(wanted.key);
    const auto end = ends.wait_for(wanted.key);
    ASSERT_TRUE(end) << "moment " << job;
    const bool ran = end->signal == SIGKILL;
    EXPECT_TRUE(ran || end->cause == ExitCause::shim_lost) << end->detail;
    EXPECT_EQ(ran, adapters::process::read_identity(wanted.folder).has_value());
  }
}

TEST_F(ProcessRuntimeTest, AnAdoptedFolderWithoutAShimIsLost) {
  open_runtime();
  const auto never = launch({"true"}, 1);
  ASSERT_TRUE(runtime->adopt(never.key, never.folder));
  EXPECT_EQ(ends.wait_for(never.key)->detail, "it was never really started");
  const RankKey nowhere{.job = {2}, .attempt = 1, .rank = 0};
  ASSERT_TRUE(runtime->adopt(nowhere, root / "no" / "folder"));
  EXPECT_EQ(ends.wait_for(nowhere)->cause, ExitCause::shim_lost);
}

TEST_F(ProcessRuntimeTest, NeverSignalsAProcessThatOnlyHasThePid) {
  const pid_t stranger = fork();
  ASSERT_GE(stranger, 0);
  if (stranger == 0) {
    setsid();
    for (;;) pause();
  }
  const ProcessId id = adapters::process::read_process(stranger)->id;
  open_runtime();
  const auto pretend = [](const std::string& folder, const std::string& identity) {
    std::string text = identity + '\n';
    text.resize(300);
    std::ofstream(folder + "/shim.alive") << text;
  };
  const std::string boot = adapters::process::boot_id();
  const auto reused = launch({"true"}, 1);
  pretend(reused.folder, fmt::format("{} {} {}", stranger, id.start_ticks - 1, boot));
  ASSERT_TRUE(runtime->adopt(reused.key, reused.folder));
  runtime->kill(reused.key);
  EXPECT_EQ(ends.wait_for(reused.key)->detail, "its shim is gone");
  const auto rebooted = launch({"true"}, 2);
  pretend(rebooted.folder, fmt::format("{} {} other", stranger, id.start_ticks));
  ASSERT_TRUE(runtime->adopt(rebooted.key, rebooted.folder));
  EXPECT_EQ(ends.wait_for(rebooted.key)->detail, "the machine was restarted");
  EXPECT_TRUE(is_alive(stranger));
  ::kill(stranger, SIGKILL);
  waitpid(stranger, nullptr, 0);
}

TEST_F(ProcessRuntimeTest, MeasuresWhatARankUses) {
  open_runtime();
  const auto wanted = script("head -c 4096 /dev/zero > out; while :; do :; done");
  ASSERT_TRUE(runtime->start(wanted));
  ASSERT_TRUE(eventually([&] { return runtime->usage(wanted.key)->cpu_ms >= 100; }));
  EXPECT_GT(runtime->usage(wanted.key)->memory_bytes, 100'000);
  runtime->kill(wanted.key);
  ASSERT_TRUE(ends.wait_for(wanted.key));
  EXPECT_EQ(runtime->usage(wanted.key).error().code, ErrorCode::not_found);
}

TEST_F(ProcessRuntimeTest, LimitsMemoryAndSaysSo) {
  open_runtime();
  if (!runtime->limits_enforced()) GTEST_SKIP() << "cgroups of cpu and memory are not writable";
  auto direct = launch({"tail", "/dev/zero"}, 1);
  direct.limits = {.gpus = 0, .cpu_millis = 1000, .memory_bytes = 32 << 20};
  EXPECT_EQ(run(direct).cause, ExitCause::out_of_memory);
  // A shell that passes the death of its child on.
  auto wrapped = script("tail /dev/zero; exit $?", 2);
  wrapped.limits = direct.limits;
  const RankEnd end = run(wrapped);
  EXPECT_EQ(end.exit_code, 137);
  EXPECT_EQ(end.cause, ExitCause::out_of_memory);
  // The same exit without the kernel's doing.
  auto innocent = script("exit 137", 3);
  innocent.limits = direct.limits;
  EXPECT_EQ(run(innocent).cause, ExitCause::failed);
}

TEST_F(ProcessRuntimeTest, LimitsCoresAndRemovesTheCgroup) {
  open_runtime();
  if (!runtime->limits_enforced()) GTEST_SKIP() << "cgroups of cpu and memory are not writable";
  auto wanted = launch({"sleep", "300"});
  wanted.limits = {.gpus = 0, .cpu_millis = 1500, .memory_bytes = 1 << 30};
  ASSERT_TRUE(runtime->start(wanted));
  const auto cgroup = adapters::process::read_cgroup(wanted.folder);
  ASSERT_FALSE(cgroup.folders.empty());
  const std::string cpu = cgroup.folders.front();
  const std::string quota = content_of(cpu + (cgroup.unified ? "/cpu.max" : "/cpu.cfs_quota_us"));
  EXPECT_TRUE(quota.starts_with("150000")) << quota;
  ASSERT_TRUE(eventually([&] { return adapters::process::pids_in(cgroup).size() >= 1; }));
  runtime->kill(wanted.key);
  ASSERT_TRUE(ends.wait_for(wanted.key));
  EXPECT_TRUE(eventually([&] { return !files::exists(cpu); }));
}

/// Microseconds that the machine takes now to spawn /bin/true and see it end, without any of ours.
double bare_spawn_micros(int times) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) {
    char name[] = "true";
    char* const argv[] = {name, nullptr};
    char* const envp[] = {nullptr};
    pid_t pid = 0;
    EXPECT_EQ(posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv, envp), 0);
    waitpid(pid, nullptr, 0);
  }
  const std::chrono::duration<double, std::micro> total = std::chrono::steady_clock::now() - begin;
  return total.count() / times;
}

TEST_F(ProcessRuntimeTest, PrintsTheTimeOfShortRanks) {
  open_runtime();
  constexpr int kRanks = 200;
  for (const std::int64_t cpu_millis : {0, 1000}) {
    std::vector<ports::Launch> launches;
    for (int i = 0; i < kRanks; ++i) {
      launches.push_back(launch({"/bin/true"}, 1000 + cpu_millis + i));
      launches.back().limits.cpu_millis = cpu_millis;
    }
    const double bare = bare_spawn_micros(kRanks);
    const auto begin = std::chrono::steady_clock::now();
    std::chrono::duration<double, std::micro> in_start{0};
    for (const ports::Launch& each : launches) {
      const auto before = std::chrono::steady_clock::now();
      ASSERT_TRUE(runtime->start(each));
      in_start += std::chrono::steady_clock::now() - before;
      ASSERT_EQ(ends.wait_for(each.key)->cause, ExitCause::success);
    }
    const std::chrono::duration<double, std::micro> total =
        std::chrono::steady_clock::now() - begin;
    std::printf("%d ranks in a row, %s: %.0f us each (%.0f us in start), bare spawn %.0f us\n",
                kRanks, cpu_millis == 0 ? "no limits" : "cores limited", total.count() / kRanks,
                in_start.count() / kRanks, bare);
  }
}

/// Counts the SIGTERMs that it gets, and goes on.
constexpr char kStubborn[] =
    "trap 'echo x >> terms' TERM\n"
    "echo $$ >> pids\n"
    "while :; do sleep 300 & wait $!; done\n";

/// Ranks under a lease. `booted` is 0, so that times are milliseconds since the machine's start.
class RankLeaseTest : public ProcessRuntimeTest {
 protected:
  static domain::Time now() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return {now.tv_sec * 1000 + now.tv_nsec / 1'000'000};
  }
  void renew(domain::Duration left, domain::Duration longest_grace = domain::kMinute) {
    kill_at = now() + left;
    const auto renewed = runtime->renew({kill_at, longest_grace});
    ASSERT_TRUE(renewed) << renewed.error().message;
  }
  static bool passes(domain::Time moment) {
    return eventually([&] { return now() > moment; });
  }
  std::size_t terms() const { return content_of(root / "terms").size() / 2; }
  ports::Launch stubborn(domain::Duration grace) const {
    auto wanted = script(kStubborn);
    wanted.grace = grace;
    return wanted;
  }
  void start(const ports::Launch& wanted, std::size_t processes = 1) {
    ASSERT_TRUE(runtime->start(wanted));
    ASSERT_TRUE(eventually([&] { return pids().size() == processes; }));
  }
  void adopt(const ports::Launch& wanted) {
    open_runtime();
    ASSERT_TRUE(runtime->adopt(wanted.key, wanted.folder));
  }

  domain::Time kill_at;
};

TEST_F(RankLeaseTest, ARankOfAKilledAgentIsGoneByTheEndOfTheLease) {
  auto wanted = script(std::string("trap 'echo x >> terms' TERM\n") + kDaemons +
                       "echo $$ >> pids; while :; do sleep 300 & wait $!; done");
  wanted.grace = domain::Duration{500};
  kill_at = now() + domain::Duration{1'500};
  const pid_t agent = fork();
  if (agent == 0) {
    open_runtime(false);
    (void)runtime->renew({kill_at, domain::kMinute});
    (void)runtime->start(wanted);
    pause();
    _exit(0);
  }
  ASSERT_TRUE(eventually([&] { return pids().size() == 5; }));
  ::kill(agent, SIGKILL);
  waitpid(agent, nullptr, 0);
  ASSERT_LT(now(), kill_at - wanted.grace) << "too slow a machine for this test";
  EXPECT_FALSE(all_dead());
  ASSERT_TRUE(eventually([&] { return terms() > 0; }));
  EXPECT_GE(now(), kill_at - wanted.grace);
  ASSERT_TRUE(eventually([&] { return all_dead(); }));
  EXPECT_GE(now(), kill_at);
  EXPECT_LT(now(), kill_at + domain::kSecond * 2);
  EXPECT_EQ(terms(), 1U);
  adopt(wanted);
  const auto end = ends.wait_for(wanted.key);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->cause, ExitCause::stopped);
  EXPECT_EQ(end->detail, "its agent was away for longer than the lease");
}

TEST_F(RankLeaseTest, ALaterAgentThatRenewsTheLeaseKeepsTheRank) {
  open_runtime();
  const auto wanted = stubborn(domain::Duration{200});
  renew(domain::kSecond);
  start(wanted);
  const domain::Time first_end = kill_at;
  runtime.reset();
  adopt(wanted);
  renew(domain::Duration{2'500});
  ASSERT_TRUE(passes(first_end + domain::Duration{500}));
  EXPECT_FALSE(all_dead());
  EXPECT_EQ(terms(), 0U);
  runtime.reset();  // And by the renewed lease it is stopped.
  ASSERT_TRUE(eventually([&] { return all_dead(); }));
  EXPECT_GE(now(), kill_at);
  EXPECT_EQ(terms(), 1U);
}

TEST_F(RankLeaseTest, AnAgentThatLivesSendsTheSigtermAndItsShimNoOther) {
  open_runtime();
  const auto wanted = stubborn(domain::Duration{1'200});
  renew(domain::Duration{1'500});
  start(wanted);
  ASSERT_TRUE(passes(kill_at - domain::Duration{600}));
  EXPECT_EQ(terms(), 0U);  // The agent has not sent it, and it lives.
  runtime->terminate(wanted.key);
  ASSERT_TRUE(eventually([&] { return terms() == 1; }));
  const auto noted = [&] {
    return content_of(wanted.folder + "/shim.alive").substr(192, 6) == "agent\n";
  };
  ASSERT_TRUE(eventually(noted));
  runtime.reset();
  ASSERT_TRUE(eventually([&] { return all_dead(); }));
  EXPECT_GE(now(), kill_at);
  EXPECT_EQ(terms(), 1U);
  adopt(wanted);
  const auto end = ends.wait_for(wanted.key);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->signal, SIGKILL);
  EXPECT_EQ(end->cause, ExitCause::crashed);  // Why, the agent's journal knows.
}

TEST_F(RankLeaseTest, WhatAShimHasStoppedStaysStoppedAndGetsNoSecondSigterm) {
  open_runtime();
  const auto wanted = stubborn(domain::Duration{1'000});
  renew(domain::Duration{1'500});
  start(wanted);
  const domain::Time first_end = kill_at;
  runtime.reset();
  ASSERT_TRUE(eventually([&] { return terms() == 1; }));
  adopt(wanted);
  renew(domain::kHour);
  runtime->terminate(wanted.key);
  const auto end = ends.wait_for(wanted.key);
  ASSERT_TRUE(end);
  EXPECT_GE(now(), first_end);
  EXPECT_EQ(end->cause, ExitCause::stopped);
  EXPECT_EQ(terms(), 1U);
}

TEST_F(RankLeaseTest, AHungAgentDoesNotKeepItsRanksAlive) {
  open_runtime();
  const auto wanted = stubborn(domain::Duration{100});
  renew(domain::Duration{600});
  start(wanted);
  const auto end = ends.wait_for(wanted.key);  // Nobody has asked for it.
  ASSERT_TRUE(end);
  EXPECT_GE(now(), kill_at);
  EXPECT_EQ(end->cause, ExitCause::stopped);
  EXPECT_EQ(terms(), 0U);
}

TEST_F(RankLeaseTest, WithoutALeaseARankLivesOnWithoutItsAgent) {
  open_runtime();
  const auto wanted = stubborn(domain::Duration{100});
  start(wanted);
  runtime.reset();
  ASSERT_TRUE(passes(now() + domain::Duration{300}));
  EXPECT_FALSE(all_dead());
  adopt(wanted);
  runtime->kill(wanted.key);
  EXPECT_TRUE(ends.wait_for(wanted.key));
}

}  // namespace
