#include "adapters/provider/program_provider.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "adapters/provider/program_run.h"

namespace adapters::provider {
namespace {

using base::ErrorCode;
using base::Result;
using Clock = ProgramRun::Clock;

/// Who can change the program can do what the controller's user can.
Result<> check_program(const std::string& path) {
  if (!path.starts_with('/'))
    return base::fail(ErrorCode::invalid_argument, "{} is not an absolute path", path);
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) {
    const auto code = errno == EACCES ? ErrorCode::permission_denied : ErrorCode::not_found;
    return base::fail(code, "{}: {}", path, strerror(errno));
  }
  if (!S_ISREG(found.st_mode))
    return base::fail(ErrorCode::invalid_argument, "{} is not a file", path);
  if (found.st_uid != 0 && found.st_uid != ::geteuid()) {
    return base::fail(ErrorCode::permission_denied,
                      "{} belongs to neither root nor the user that Berth runs as", path);
  }
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return base::fail(ErrorCode::permission_denied, "{} may be changed by others", path);
  if (::access(path.c_str(), X_OK) != 0)
    return base::fail(ErrorCode::permission_denied, "{} may not be executed", path);
  return {};
}

std::string end_of(int status) {
  if (WIFSIGNALED(status)) return fmt::format("signal {}", WTERMSIG(status));
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

}  // namespace

ProgramProvider::ProgramProvider(ProgramOptions options, process::Descriptor stopped)
    : options_(std::move(options)), stopped_(std::move(stopped)) {
  const char* const home = ::getenv("HOME");
  environment_ = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                  fmt::format("HOME={}", home == nullptr ? "/" : home), "LANG=C.UTF-8"};
}

Result<std::unique_ptr<ProgramProvider>> ProgramProvider::open(ProgramOptions options) {
  if (auto fits = check_program(options.path); !fits) return base::pass(fits);
  process::Descriptor stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stopped) return base::fail(ErrorCode::unavailable, "eventfd: {}", strerror(errno));
  return std::unique_ptr<ProgramProvider>(
      new ProgramProvider(std::move(options), std::move(stopped)));
}

Result<> ProgramProvider::resume(const domain::NodeId& node) { return run("resume", node); }
Result<> ProgramProvider::suspend(const domain::NodeId& node) { return run("suspend", node); }

void ProgramProvider::stop() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(stopped_.get(), &one, sizeof one));
}

bool ProgramProvider::is_stopped() const {
  pollfd watched{stopped_.get(), POLLIN, 0};
  return ::poll(&watched, 1, 0) > 0;
}

Result<> ProgramProvider::run(const std::string& word, const domain::NodeId& node) const {
  const std::string what = fmt::format("{} {} {}", options_.path, word, node.value);
  if (is_stopped()) return base::fail(ErrorCode::unavailable, "{}: Berth stops", what);
  auto environment = environment_;
  environment.push_back("BERTH_NODE=" + node.value);
  environment.push_back("BERTH_POWER=" + word);
  auto started = ProgramRun::start({options_.path, word, node.value}, std::move(environment));
  if (!started) return std::unexpected(std::move(started).error().while_doing(what));
  ProgramRun& program = *started;
  const auto seen = program.wait(Clock::now() + options_.limit, stopped_.get());
  if (seen != ProgramRun::Seen::ended) {
    program.signal_group(SIGTERM);
    program.wait(Clock::now() + options_.grace, -1);
    program.signal_group(SIGKILL);
  }
  const int status = program.finish();
  if (seen == ProgramRun::Seen::ended && status == 0) return {};
  std::string end = end_of(status);
  if (seen == ProgramRun::Seen::late)
    end = fmt::format("was ended after {} ms", options_.limit.count());
  if (seen == ProgramRun::Seen::stopped) end = "was ended because Berth stops";
  const std::string said = program.last_line();
  return base::fail(ErrorCode::unavailable, "{}: {}{}{}", what, end, said.empty() ? "" : ": ",
                    said);
}

}  // namespace adapters::provider
