// Runs one rank and outlives the agent that started it. Usage: berth-shim FOLDER KEY, where KEY is
// only for people who read a process list. It has no C library, and neither allocates nor throws:
// its start is what bounds short jobs.
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cerrno>

#include "shim/descendants.h"
#include "shim/kernel.h"
#include "shim/lease_watch.h"
#include "shim/rank_folder.h"
#include "shim/spec.h"
#include "shim/text.h"

// The compiler calls these by itself. It must not see their own loops as calls of them.
extern "C" {
[[clang::no_builtin]] void* memset(void* to, int value, std::size_t size) {
  auto* bytes = static_cast<unsigned char*>(to);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(value);
  return to;
}
[[clang::no_builtin]] void* memcpy(void* to, const void* from, std::size_t size) {
  auto* bytes = static_cast<unsigned char*>(to);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<const unsigned char*>(from)[i];
  return to;
}
}

namespace {

namespace kernel = shim::kernel;
using shim::Failure;
using shim::Spec;
using shim::Step;

struct End {
  int exit_code = 0;
  int signal = 0;
  Failure failure;
};

/// What the child that becomes the command works with; it shares the shim's memory until then.
struct Birth {
  const Spec& spec;
  int log;
  long parent;
  volatile Step failed_step = Step::none;
  volatile int error = 0;
};

constexpr std::size_t kBirthStackBytes = 16 * 1024;
alignas(16) char birth_stack[kBirthStackBytes];

bool rename(int folder, const char* from, const char* to) {
  return kernel::call(SYS_renameat2, folder, from, folder, to, 0) == 0;
}

bool write_identity(int folder) {
  char status[1024];
  char boot[64];
  const long status_size = shim::read_text("/proc/self/stat", status, sizeof status);
  const long boot_size = shim::read_text("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
  if (status_size <= 0 || boot_size <= 0) return false;
  shim::Line line;
  line.add(kernel::call(SYS_getpid)).add(" ");
  line.add(shim::stat_field(status, shim::kStatStartTicks)).add(" ").add(boot);
  return line.write_to(shim::kFileDescriptor, shim::kIdentityAt) &&
         rename(folder, shim::kWantedFile, shim::kAliveFile);
}

bool write_end(int folder, const End& end) {
  shim::Line line;
  line.add(end.exit_code).add(" ").add(end.signal).add(" ");
  line.add(kernel::clock_ms(CLOCK_REALTIME)).add(" ");
  line.add(static_cast<int>(end.failure.step)).add(" ").add(end.failure.error).add("\n");
  return line.write_to(shim::kFileDescriptor, shim::kEndAt) &&
         rename(folder, shim::kAliveFile, shim::kEndedFile);
}

/// The kernel's answer as what a step needs; a negative one ends the child.
void expect(long answer, Birth& birth, Step step) {
  if (answer >= 0) return;
  birth.error = static_cast<int>(-answer);
  birth.failed_step = step;
  kernel::exit(127);
}

void write_zeros(Birth& birth) {
  for (char** path = birth.spec.zeros; *path != nullptr; ++path) {
    const int file = kernel::open(*path, O_WRONLY);
    expect(file, birth, Step::join_cgroup);
    expect(kernel::call(SYS_write, file, "0", 1), birth, Step::join_cgroup);
    kernel::close(file);
  }
}

/// Becomes the command, or says in the birth why not.
void become(void* argument) {
  Birth& birth = *static_cast<Birth*>(argument);
  kernel::call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (kernel::call(SYS_getppid) != birth.parent) kernel::exit(127);  // The shim died before that.
  kernel::call(SYS_setpgid, 0, 0);
  write_zeros(birth);
  expect(kernel::call(SYS_dup3, birth.log, 1, 0), birth, Step::open_log);
  expect(kernel::call(SYS_dup3, birth.log, 2, 0), birth, Step::open_log);
  expect(kernel::call(SYS_chdir, birth.spec.workdir), birth, Step::enter_workdir);
  kernel::block_signals(0);
  expect(kernel::call(SYS_execve, birth.spec.program, birth.spec.argv, birth.spec.envp), birth,
         Step::exec);
  kernel::exit(127);
}

/// Starts the command, in the unified cgroup if there is one: a process born there costs the kernel
/// much less than one that moves there. Its pid, or a negative errno.
long spawn(Birth& birth) {
  clone_args how{};
  how.exit_signal = SIGCHLD;
  how.stack = reinterpret_cast<std::uint64_t>(birth_stack);
  how.stack_size = kBirthStackBytes;
  if (*birth.spec.unified_cgroup == '\0') return kernel::spawn(how, become, &birth);
  const int cgroup = kernel::open(birth.spec.unified_cgroup, O_PATH | O_DIRECTORY);
  if (cgroup < 0) return cgroup;
  how.flags = CLONE_INTO_CGROUP;
  how.cgroup = static_cast<std::uint64_t>(cgroup);
  return kernel::spawn(how, become, &birth);
}

/// Reaps every child that has ended; true once the main process is among them, whose status this
/// is. Its group ends with it.
bool reap(long main_process, int& status) {
  for (;;) {
    siginfo_t ended{};
    const long failed =
        kernel::call(SYS_waitid, P_ALL, 0, &ended, WEXITED | WNOWAIT | WNOHANG, nullptr);
    if (failed != 0 || ended.si_pid == 0) return false;
    // Its group's number is certainly still its own until it is reaped.
    if (ended.si_pid == main_process) kernel::call(SYS_kill, -main_process, SIGKILL);
    if (kernel::call(SYS_wait4, ended.si_pid, &status, 0, nullptr) == main_process) return true;
  }
}

/// Kills and reaps until no descendant is left. Orphans come to this process, their subreaper.
void end_descendants() {
  timespec pause{.tv_sec = 0, .tv_nsec = 200'000};
  for (;;) {
    const long reaped = kernel::call(SYS_wait4, -1, nullptr, WNOHANG, nullptr);
    if (reaped < 0) return;
    if (reaped > 0) continue;
    shim::kill_children();
    // Never a blocking wait: a child stuck in the kernel must not hide an orphan that arrives.
    kernel::call(SYS_nanosleep, &pause, nullptr);
    if (pause.tv_nsec < 50'000'000) pause.tv_nsec *= 2;
  }
}

End run(const Spec& spec) {
  const int log = kernel::open(spec.log_path, O_WRONLY | O_APPEND | O_CREAT, 0644);
  if (log < 0) return {127, 0, {Step::open_log, -log}};
  shim::LeaseWatch lease(spec);
  Birth birth{.spec = spec, .log = log, .parent = kernel::call(SYS_getpid)};
  const long child = spawn(birth);
  if (child < 0) return {127, 0, {Step::create_process, static_cast<int>(-child)}};
  kernel::close(log);
  int status = 0;
  while (!reap(child, status)) lease.wait();
  end_descendants();
  const Failure failure{birth.failed_step, birth.error};
  if (WIFSIGNALED(status)) return {0, WTERMSIG(status), failure};
  return {WEXITSTATUS(status), 0, failure};
}

void leave_agent() {
  kernel::block_signals(kernel::kAllSignals);
  const int nothing = kernel::open("/dev/null", O_RDWR);
  for (int standard = 0; standard <= 2; ++standard) {
    kernel::call(SYS_dup3, nothing, standard, 0);
  }
  kernel::call(SYS_fcntl, shim::kFileDescriptor, F_SETFD, FD_CLOEXEC);
  kernel::call(SYS_close_range, shim::kFileDescriptor + 1, -1, 0);
  kernel::call(SYS_setsid);
  kernel::call(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
}

int run_shim(char** arguments) {
  leave_agent();
  const int folder = kernel::open(arguments[1], O_PATH | O_DIRECTORY);
  const bool ready = folder >= 0 && kernel::call(SYS_chdir, "/") == 0 && write_identity(folder);
  if (!ready) return shim::kCannotRecord;
  Spec spec;
  const Failure unread = shim::read_spec(spec);
  const End end = unread.step == Step::none ? run(spec) : End{127, 0, unread};
  return write_end(folder, end) ? 0 : shim::kCannotRecord;
}

}  // namespace

/// Where it begins: the kernel has put the count of arguments and then the arguments on the stack.
extern "C" [[noreturn, gnu::used]] void shim_begin(long* stack) {
  constexpr int kUsage = 64;
  kernel::exit(*stack < 2 ? kUsage : run_shim(reinterpret_cast<char**>(stack + 1)));
}

#if defined(__x86_64__)
asm(".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call shim_begin\n");
#elif defined(__aarch64__)
asm(".globl _start\n"
    "_start:\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  mov x0, sp\n"
    "  bl shim_begin\n");
#endif
