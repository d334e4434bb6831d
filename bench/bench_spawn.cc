// The yardstick of everything that starts processes: posix_spawn of /bin/true, one at a time and
// eight at a time, with nothing around it.
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "base/check.h"

namespace {

using Clock = std::chrono::steady_clock;

void spawn() {
  std::string program = "/bin/true";
  char* const argv[] = {program.data(), nullptr};
  char* const envp[] = {nullptr};
  pid_t pid = 0;
  CHECK(posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv, envp) == 0, "a process starts");
}

void reap() {
  int status = 0;
  CHECK(::wait(&status) > 0 && status == 0, "/bin/true succeeds");
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void one_at_a_time(int count) {
  std::vector<double> took_us;
  for (int i = 0; i < count; ++i) {
    const auto start = Clock::now();
    spawn();
    reap();
    took_us.push_back(seconds_since(start) * 1e6);
  }
  std::ranges::sort(took_us);
  std::printf("posix_spawn of /bin/true, one at a time   p50 %6.0f us  p95 %6.0f us\n",
              took_us[took_us.size() / 2], took_us[took_us.size() * 95 / 100]);
}

void many_at_a_time(int count, int at_once) {
  const auto start = Clock::now();
  for (int started = 0; started < count; ++started) {
    if (started >= at_once) reap();
    spawn();
  }
  for (int left = std::min(count, at_once); left > 0; --left) reap();
  std::printf("posix_spawn of /bin/true, %d at a time     %6.0f /s\n", at_once,
              count / seconds_since(start));
}

}  // namespace

int main() {
  for (int round = 0; round < 3; ++round) {
    one_at_a_time(500);
    many_at_a_time(2'000, 8);
  }
}
