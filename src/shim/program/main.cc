// Runs one rank and outlives the agent that started it. Usage: berth-shim FOLDER KEY, where KEY is
// only for people who read a process list. Static, without exceptions, streams or allocation: its
// start is what bounds short jobs.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "shim/rank_folder.h"
#include "shim/text.h"

namespace {

using shim::Step;

/// The spec, pointing into the bytes of the spec file.
struct Spec {
  const char* program = nullptr;
  const char* workdir = nullptr;
  const char* log_path = nullptr;
  char** zeros = nullptr;
  const char* unified_cgroup = nullptr;
  char** argv = nullptr;
  char** envp = nullptr;
};

/// What went wrong before the command ran; shared with the child, which writes it.
struct Failure {
  Step step = Step::none;
  int error = 0;
};

struct End {
  int exit_code = 0;
  int signal = 0;
  Failure failure;
};

char* map_memory(std::size_t bytes, int sharing) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

/// Walks NUL-terminated fields.
class Fields {
 public:
  Fields(char* begin, char* end) : next_(begin), end_(end) {}

  char* text() {
    if (next_ >= end_) {
      broken_ = true;
      return nullptr;
    }
    char* field = next_;
    next_ += strlen(field) + 1;
    return field;
  }

  /// A count and that many fields, as a list that ends with a null pointer.
  char** list() {
    const char* field = text();
    const long count = field == nullptr ? -1 : strtol(field, nullptr, 10);
    if (count < 0 || count > end_ - next_) {
      broken_ = true;
      return nullptr;
    }
    const auto slots = static_cast<std::size_t>(count) + 1;
    char** items = reinterpret_cast<char**>(map_memory(slots * sizeof(char*), MAP_PRIVATE));
    if (items == nullptr) broken_ = true;
    for (long i = 0; i < count && !broken_; ++i) items[i] = text();
    return items;
  }

  bool broken() const { return broken_; }

 private:
  char* next_;
  char* end_;
  bool broken_ = false;
};

bool parse(char* bytes, std::size_t size, Spec& spec) {
  if (size == 0 || bytes[size - 1] != '\0') return false;
  Fields fields(bytes, bytes + size);
  const char* format = fields.text();
  if (format == nullptr || strcmp(format, shim::kSpecFormat) != 0) return false;
  spec.program = fields.text();
  spec.workdir = fields.text();
  spec.log_path = fields.text();
  spec.zeros = fields.list();
  spec.unified_cgroup = fields.text();
  spec.argv = fields.list();
  spec.envp = fields.list();
  return !fields.broken();
}

Failure read_spec(Spec& spec) {
  struct stat status{};
  if (fstat(shim::kFileDescriptor, &status) != 0) return {Step::read_spec, errno};
  const std::int64_t size = status.st_size - shim::kSpecAt;
  if (size <= 0 || size > shim::kMaxSpecBytes) return {Step::read_spec, EINVAL};
  const auto capacity = static_cast<std::size_t>(size);
  char* bytes = map_memory(capacity, MAP_PRIVATE);
  if (bytes == nullptr) return {Step::read_spec, ENOMEM};
  const bool complete = pread(shim::kFileDescriptor, bytes, capacity, shim::kSpecAt) == size;
  if (!complete || !parse(bytes, capacity, spec)) return {Step::read_spec, EINVAL};
  return {};
}

bool write_identity(int folder) {
  char status[1024];
  char boot[64];
  const long status_size = shim::read_text("/proc/self/stat", status, sizeof status);
  const long boot_size = shim::read_text("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
  if (status_size <= 0 || boot_size <= 0) return false;
  shim::Line line;
  line.add(getpid()).add(" ").add(shim::start_ticks(status)).add(" ").add(boot);
  return line.write_to(shim::kFileDescriptor, shim::kIdentityAt) &&
         renameat(folder, shim::kWantedFile, folder, shim::kAliveFile) == 0;
}

bool write_end(int folder, const End& end) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  shim::Line line;
  line.add(end.exit_code).add(" ").add(end.signal).add(" ");
  line.add(now.tv_sec * 1000 + now.tv_nsec / 1'000'000).add(" ");
  line.add(static_cast<int>(end.failure.step)).add(" ").add(end.failure.error).add("\n");
  return line.write_to(shim::kFileDescriptor, shim::kEndAt) &&
         renameat(folder, shim::kAliveFile, folder, shim::kEndedFile) == 0;
}

bool write_zeros(char** files) {
  for (; *files != nullptr; ++files) {
    const int file = open(*files, O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, "0", 1) != 1) return false;
    close(file);
  }
  return true;
}

/// Becomes the command, or says in `failure` why not.
[[noreturn]] void become(const Spec& spec, int log, pid_t parent, volatile Failure& failure) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // The shim died before the line above.
  setpgid(0, 0);
  const auto give_up = [&failure](Step step) {
    failure.error = errno;
    failure.step = step;
    _exit(127);
  };
  if (!write_zeros(spec.zeros)) give_up(Step::join_cgroup);
  if (dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0) give_up(Step::open_log);
  if (chdir(spec.workdir) != 0) give_up(Step::enter_workdir);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(spec.program, spec.argv, spec.envp);
  give_up(Step::exec);
  __builtin_unreachable();
}

/// Forks, into the unified cgroup if there is one: a process born there costs the kernel much less
/// than one that moves there.
pid_t fork_into(const char* unified_cgroup) {
  clone_args args{};
  args.exit_signal = SIGCHLD;
  const int cgroup =
      *unified_cgroup == '\0' ? -1 : open(unified_cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (*unified_cgroup != '\0') {
    if (cgroup < 0) return -1;
    args.flags = CLONE_INTO_CGROUP;
    args.cgroup = static_cast<unsigned>(cgroup);
  }
  return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
}

/// Sends SIGKILL to every direct child. Their pids are safe: only this process reaps them.
void kill_children() {
  const int file = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  char text[4096];
  long pid = 0;
  for (long size = 0; (size = read(file, text, sizeof text)) > 0;) {
    for (long i = 0; i < size; ++i) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (text[i] - '0');
      } else if (pid > 0) {
        kill(static_cast<pid_t>(pid), SIGKILL);
        pid = 0;
      }
    }
  }
  close(file);
}

/// Waits until the main process has ended, reaping every orphan meanwhile, then ends its group.
int wait_for(pid_t main_process) {
  for (;;) {
    siginfo_t ended{};
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) != 0) continue;
    // Its group's number is certainly still its own until it is reaped.
    if (ended.si_pid == main_process) kill(-main_process, SIGKILL);
    int status = 0;
    if (waitpid(ended.si_pid, &status, 0) == main_process) return status;
  }
}

/// Kills and reaps until no descendant is left. Orphans come to this process, their subreaper.
void end_descendants() {
  timespec pause{.tv_sec = 0, .tv_nsec = 200'000};
  for (;;) {
    const pid_t reaped = waitpid(-1, nullptr, WNOHANG);
    if (reaped < 0) return;
    if (reaped > 0) continue;
    kill_children();
    // Never a blocking wait: a child stuck in the kernel must not hide an orphan that arrives.
    nanosleep(&pause, nullptr);
    if (pause.tv_nsec < 50'000'000) pause.tv_nsec *= 2;
  }
}

End run(const Spec& spec) {
  const int log = open(spec.log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (log < 0) return {127, 0, {Step::open_log, errno}};
  auto* failure = reinterpret_cast<Failure*>(map_memory(sizeof(Failure), MAP_SHARED));
  if (failure == nullptr) return {127, 0, {Step::create_process, errno}};
  const pid_t parent = getpid();
  const pid_t child = fork_into(spec.unified_cgroup);
  if (child < 0) return {127, 0, {Step::create_process, errno}};
  if (child == 0) become(spec, log, parent, *failure);
  close(log);
  const int status = wait_for(child);
  end_descendants();
  if (WIFSIGNALED(status)) return {0, WTERMSIG(status), *failure};
  return {WEXITSTATUS(status), 0, *failure};
}

void leave_agent() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  const int nothing = open("/dev/null", O_RDWR);
  for (int standard = 0; standard <= 2; ++standard) dup2(nothing, standard);
  fcntl(shim::kFileDescriptor, F_SETFD, FD_CLOEXEC);
  close_range(shim::kFileDescriptor + 1, ~0U, 0);
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  leave_agent();
  const int folder = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || chdir("/") != 0 || !write_identity(folder)) return shim::kCannotRecord;
  Spec spec;
  const Failure unread = read_spec(spec);
  const End end = unread.step == Step::none ? run(spec) : End{127, 0, unread};
  return write_end(folder, end) ? 0 : shim::kCannotRecord;
}
