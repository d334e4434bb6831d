#include "adapters/process/process_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "adapters/process/rank_processes.h"

namespace {

using namespace adapters::process;

/// A child that sleeps until it is killed; reaped at the end of the test.
class Sleeper {
 public:
  Sleeper() : pid(fork()) {
    if (pid != 0) return;
    for (;;) pause();
  }
  ~Sleeper() {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  const pid_t pid;
};

TEST(ProcessTable, ReadsNamesWithSpacesAndParentheses) {
  const auto process = decode_stat(
      "42 (a) b (c) S 7 8 9 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 5 0 777 4096 3 "
      "18446744073709551615 1 1 0");
  ASSERT_TRUE(process);
  EXPECT_EQ(process->id, (ProcessId{.pid = 42, .start_ticks = 777}));
  EXPECT_EQ(process->state, 'S');
  EXPECT_EQ(process->parent, 7);
  EXPECT_EQ(process->session, 9);
  EXPECT_EQ(process->cpu_ticks, 100);
  EXPECT_EQ(process->threads, 5);
  EXPECT_EQ(process->resident_bytes, 3 * sysconf(_SC_PAGESIZE));
  EXPECT_FALSE(decode_stat(""));
  EXPECT_FALSE(decode_stat("42 (short) S 7 8"));
}

TEST(ProcessTable, AZombieLeaderOfLivingThreadsIsAlive) {
  Process process{.state = 'Z', .threads = 1};
  EXPECT_FALSE(process.alive());
  process.threads = 2;
  EXPECT_TRUE(process.alive());
}

TEST(ProcessTable, FindsItselfAndItsDescendants) {
  const Sleeper child;
  const ProcessTable table = ProcessTable::read();
  const Process* self = table.find(getpid());
  ASSERT_NE(self, nullptr);
  EXPECT_EQ(self->parent, getppid());
  std::map<pid_t, Process> family{{self->id.pid, *self}};
  table.add_descendants(family);
  EXPECT_TRUE(family.contains(child.pid));
  EXPECT_FALSE(family.contains(getppid()));
}

TEST(ProcessTable, SignalsOnlyTheProcessThatWasMeant) {
  const Sleeper child;
  const ProcessId right = read_process(child.pid)->id;
  const ProcessId earlier{.pid = right.pid, .start_ticks = right.start_ticks - 1};
  EXPECT_FALSE(send_signal(earlier, SIGKILL));
  EXPECT_EQ(waitpid(child.pid, nullptr, WNOHANG), 0) << "a reused pid was signalled";
  EXPECT_TRUE(send_signal(right, SIGKILL));
  int status = 0;
  EXPECT_EQ(waitpid(child.pid, &status, 0), child.pid);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_FALSE(send_signal(right, SIGKILL));
  EXPECT_EQ(errno, ESRCH);
}

TEST(RankProcesses, ASessionWhoseNumberWasReusedIsNotTheRanks) {
  const Sleeper child;
  const ProcessTable table = ProcessTable::read();
  const Process* self = table.find(getpid());
  const Process* leader = table.find(self->session);
  if (leader == nullptr) GTEST_SKIP() << "the leader of this session is gone";
  // A shim that had the pid of this session's leader, and started a tick earlier.
  const RankTrace lost{.shim = {.pid = leader->id.pid, .start_ticks = leader->id.start_ticks - 1},
                       .entries = {"BERTH_RANK_KEY=9.9.9", "BERTH_RANK_FOLDER=/none"},
                       .cgroup = {}};
  EXPECT_TRUE(processes_of(lost, table).empty());
}

TEST(RankProcesses, AnEnvironmentMustMatchWhole) {
  EXPECT_FALSE(environment_holds(getpid(), {"BERTH_RANK_KEY=1.1.0"}));
  const pid_t child = fork();
  if (child == 0) {
    execle("/bin/sleep", "sleep", "300", nullptr,
           std::to_array<const char*>({"BERTH_RANK_KEY=1.1.0", "LAST=x", nullptr}).data());
    _exit(127);
  }
  while (!environment_names(child, "LAST")) usleep(100);
  EXPECT_TRUE(environment_holds(child, {"BERTH_RANK_KEY=1.1.0", "LAST=x"}));
  EXPECT_FALSE(environment_holds(child, {"BERTH_RANK_KEY=1.1.0", "LAST=y"}));
  EXPECT_FALSE(environment_holds(child, {"BERTH_RANK_KEY=1.1"}));
  EXPECT_FALSE(environment_holds(child, {"RANK_KEY=1.1.0"}));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

}  // namespace
