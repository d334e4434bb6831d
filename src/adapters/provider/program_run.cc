#include "adapters/provider/program_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/json.h"

namespace adapters::provider {
namespace {

using base::ErrorCode;
using base::Result;
using process::Descriptor;

constexpr std::size_t kMostOutput = 65'536;
constexpr std::size_t kMostShown = 300;

/// A group of its own, no input, output into `output`, no other file, every signal as by default:
/// the threads that start it block some.
class SpawnAttributes {
 public:
  explicit SpawnAttributes(int output) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    posix_spawn_file_actions_addchdir_np(&actions_, "/");
  }
  ~SpawnAttributes() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;

  const posix_spawnattr_t* attributes() const { return &attributes_; }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> found;
  for (std::string& text : texts) found.push_back(text.data());
  found.push_back(nullptr);
  return found;
}

/// Milliseconds to wait, rounded up; at most a minute.
int rest(ProgramRun::Clock::time_point until) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(until - ProgramRun::Clock::now());
  return static_cast<int>(std::clamp(left, milliseconds(0), milliseconds(60'000)).count());
}

bool is_control(char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }

}  // namespace

ProgramRun::ProgramRun(pid_t pid, Descriptor process, Descriptor output)
    : pid_(pid), process_(std::move(process)), output_(std::move(output)) {}

Result<ProgramRun> ProgramRun::start(std::vector<std::string> arguments,
                                     std::vector<std::string> environment) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return base::fail(ErrorCode::unavailable, "pipe: {}", strerror(errno));
  Descriptor output(ends[0]);
  const Descriptor input(ends[1]);
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
  const SpawnAttributes spawn(input.get());
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, arguments.front().c_str(), spawn.actions(), spawn.attributes(),
                    pointers(arguments).data(), pointers(environment).data());
  if (error != 0)
    return base::fail(ErrorCode::unavailable, "cannot be started: {}", strerror(error));
  Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const int no_process = errno;
  ProgramRun run(pid, std::move(process), std::move(output));
  if (run.process_) return run;
  run.signal_group(SIGKILL);
  run.finish();
  return base::fail(ErrorCode::unavailable, "pidfd_open: {}", strerror(no_process));
}

/// What is there now, which is bounded by the pipe unless somebody goes on writing.
void ProgramRun::read_output() {
  char bytes[4'096];
  for (std::size_t taken = 0; output_ && taken < kMostOutput;) {
    const ssize_t count = ::read(output_.get(), bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      process::close(output_);
      return;
    }
    taken += static_cast<std::size_t>(count);
    tail_.append(bytes, static_cast<std::size_t>(count));
    if (tail_.size() > kMostOutput) tail_.erase(0, tail_.size() - kMostOutput);
  }
}

ProgramRun::Seen ProgramRun::wait(Clock::time_point until, int stop) {
  for (;;) {
    pollfd watched[] = {{process_.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}, {stop, POLLIN, 0}};
    ::poll(watched, std::size(watched), rest(until));
    if (watched[1].revents != 0 || watched[0].revents != 0) read_output();
    if (watched[0].revents != 0) return Seen::ended;
    if (watched[2].revents != 0) return Seen::stopped;
    if (Clock::now() >= until) return Seen::late;
  }
}

void ProgramRun::signal_group(int signal) const { ::kill(-pid_, signal); }

int ProgramRun::finish() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string ProgramRun::last_line() const {
  std::string text = tail_;
  std::ranges::replace(text, '\r', '\n');
  const std::size_t end = text.find_last_not_of(" \t\n");
  if (end == std::string::npos) return {};
  text.resize(end + 1);
  text.erase(0, text.rfind('\n') + 1);
  std::ranges::replace_if(text, is_control, ' ');
  text = base::valid_utf8(text);
  if (text.size() <= kMostShown) return text;
  std::size_t most = kMostShown;
  while ((static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  text.resize(most);
  return text;
}

}  // namespace adapters::provider
