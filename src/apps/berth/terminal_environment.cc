#include "apps/berth/terminal_environment.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "adapters/beast/http_client.h"
#include "adapters/system/file.h"
#include "adapters/system/secrets.h"
#include "adapters/system/system_clock.h"

namespace apps {
namespace {

using base::ErrorCode;
using base::Result;

volatile std::sig_atomic_t interrupted = 0;
int interrupt_pipe[2] = {-1, -1};

extern "C" void on_interrupt(int) {
  interrupted = interrupted + 1;
  const char byte = 1;
  static_cast<void>(!::write(interrupt_pipe[1], &byte, 1));
}

void write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(file, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return;  // Whoever read it has gone; there is nobody to tell.
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

/// Does not show what is typed, as long as it lives.
class HiddenInput {
 public:
  HiddenInput() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
  }
  ~HiddenInput() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

Result<> make_folders_above(const std::string& path) {
  std::error_code error;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error)
    return base::fail(ErrorCode::permission_denied, "make {}: {}", folder.string(),
                      error.message());
  return {};
}

}  // namespace

TerminalEnvironment::TerminalEnvironment() {
  if (::pipe2(interrupt_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return;
  struct sigaction action{};
  action.sa_handler = on_interrupt;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Result<std::unique_ptr<ports::HttpClient>> TerminalEnvironment::connect(
    const cli::ServerAddress& to) {
  adapters::beast::HttpClientOptions options;
  options.ca_pem = to.ca_pem;
  auto client = adapters::beast::HttpClient::open(to.url, std::move(options));
  if (!client) return base::pass(client);
  return std::unique_ptr<ports::HttpClient>(*std::move(client));
}

void TerminalEnvironment::write_out(std::string_view text) { write_all(STDOUT_FILENO, text); }
void TerminalEnvironment::write_error(std::string_view text) { write_all(STDERR_FILENO, text); }
bool TerminalEnvironment::out_is_terminal() const { return ::isatty(STDOUT_FILENO) == 1; }
bool TerminalEnvironment::error_is_terminal() const { return ::isatty(STDERR_FILENO) == 1; }
bool TerminalEnvironment::in_is_terminal() const { return ::isatty(STDIN_FILENO) == 1; }

int TerminalEnvironment::width() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

std::optional<std::string> TerminalEnvironment::read_line(bool secret) {
  std::optional<HiddenInput> hidden;
  if (secret && in_is_terminal()) hidden.emplace();
  std::string line;
  for (;;) {
    char byte = 0;
    const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR && interrupted == 0) continue;
    if (got <= 0) break;
    if (byte == '\n') return line;
    line += byte;
  }
  if (line.empty()) return std::nullopt;
  return line;
}

std::optional<std::string> TerminalEnvironment::variable(const std::string& name) const {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody sets one.
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

std::string TerminalEnvironment::current_folder() const {
  std::error_code error;
  return std::filesystem::current_path(error).string();
}

domain::Time TerminalEnvironment::now() const { return adapters::system::SystemClock().now(); }

domain::Duration TerminalEnvironment::local_offset(domain::Time at) const {
  const std::time_t seconds = at.ms / 1'000;
  std::tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) return {};
  return {local.tm_gmtoff * 1'000};
}

void TerminalEnvironment::wait(domain::Duration length) {
  pollfd ready{interrupt_pipe[0], POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(length.ms)) <= 0) return;
  char bytes[16];
  static_cast<void>(!::read(interrupt_pipe[0], bytes, sizeof bytes));
}

int TerminalEnvironment::interrupts() const { return interrupted; }

std::string TerminalEnvironment::random_key() { return adapters::system::random_id(); }

Result<std::string> TerminalEnvironment::read_file(const std::string& path) {
  return adapters::system::read_file(path);
}

Result<> TerminalEnvironment::write_private_file(const std::string& path, std::string_view text) {
  if (auto made = make_folders_above(path); !made) return made;
  return adapters::system::write_file_atomically(path, text, 0600);
}

Result<> TerminalEnvironment::write_file(const std::string& path, std::string_view text,
                                         bool append) {
  if (auto made = make_folders_above(path); !made) return made;
  std::ofstream file(path, std::ios::binary | (append ? std::ios::app : std::ios::trunc));
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) return base::fail(ErrorCode::unavailable, "write {}: {}", path, std::strerror(errno));
  return {};
}

}  // namespace apps
