#include "shim/lease_watch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "shim/descendants.h"
#include "shim/kernel.h"
#include "shim/text.h"

namespace shim {
namespace {

/// How often to look whether an agent that lives past the time of SIGTERM still does.
constexpr std::int64_t kLookAgainMs = 500;
constexpr std::int64_t kKillAgainMs = 20;
/// Where the kernel gives no timer, the wait itself ends as often.
constexpr timespec kWithoutTimer{.tv_sec = 1, .tv_nsec = 0};
constexpr kernel::Signals kWaking = kernel::set_of(SIGCHLD) | kernel::set_of(SIGALRM);

std::int64_t now_ms() { return kernel::clock_ms(CLOCK_BOOTTIME); }

bool is_locked(int file) {
  struct flock lock{};
  lock.l_type = F_RDLCK;
  return kernel::call(SYS_fcntl, file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool agent_sent_the_signal() {
  char first = '\0';
  return kernel::call(SYS_pread64, kFileDescriptor, &first, 1, kStopAt) == 1 &&
         first == kStopByAgent[0];
}

void note_the_signal() {
  Line line;
  line.add(kStopByLease).write_to(kFileDescriptor, kStopAt);
}

}  // namespace

LeaseWatch::LeaseWatch(const Spec& spec)
    : path_(spec.lease_path),
      kill_at_ms_(*spec.lease_path == '\0' ? 0 : spec.kill_at_ms),
      longest_grace_ms_(spec.longest_grace_ms),
      grace_ms_(spec.grace_ms) {
  if (kill_at_ms_ == 0) return;
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  if (kernel::call(SYS_timer_create, CLOCK_BOOTTIME, &event, &timer_) < 0) timer_ = -1;
  wake_at(terminate_at_ms());
}

void LeaseWatch::wait() {
  const timespec* limit = wake_at_ms_ != 0 && timer_ < 0 ? &kWithoutTimer : nullptr;
  // Both are blocked since the start, so whatever came before this line is still waiting here.
  kernel::call(SYS_rt_sigtimedwait, &kWaking, nullptr, limit, static_cast<long>(sizeof kWaking));
  if (wake_at_ms_ != 0 && now_ms() >= wake_at_ms_) act();
}

void LeaseWatch::act() {
  if (!terminated_) refresh();
  const std::int64_t now = now_ms();
  if (now >= kill_at_ms_) return kill();
  if (now < terminate_at_ms()) return wake_at(terminate_at_ms());
  if (!agent_lives_ && !terminated_ && !agent_sent_the_signal()) terminate();
  wake_at(terminated_ || now + kLookAgainMs > kill_at_ms_ ? kill_at_ms_ : now + kLookAgainMs);
}

/// Takes what the agent has written since; where that cannot be read, what was known holds.
void LeaseWatch::refresh() {
  const int file = kernel::open(path_, O_RDONLY);
  agent_lives_ = file >= 0 && is_locked(file);
  LeaseRecord record;
  constexpr int kTries = 100;  // Half a write is seen once in a lifetime, and never twice.
  for (int i = 0; i < kTries && file >= 0; ++i) {
    const long size = kernel::call(SYS_pread64, file, &record, sizeof record, 0);
    if (size != static_cast<long>(sizeof record)) break;
    if (!record.is_whole() || record.kill_at_ms == 0) continue;
    kill_at_ms_ = record.kill_at_ms;
    longest_grace_ms_ = record.longest_grace_ms;
    break;
  }
  if (file >= 0) kernel::close(file);
}

void LeaseWatch::terminate() {
  terminated_ = true;
  note_the_signal();
  terminate_descendants();
}

void LeaseWatch::kill() {
  if (!killed_ && !agent_sent_the_signal()) note_the_signal();
  killed_ = terminated_ = true;
  kill_children();
  wake_at(now_ms() + kKillAgainMs);
}

std::int64_t LeaseWatch::terminate_at_ms() const {
  return kill_at_ms_ - (grace_ms_ < longest_grace_ms_ ? grace_ms_ : longest_grace_ms_);
}

void LeaseWatch::wake_at(std::int64_t at_ms) {
  wake_at_ms_ = at_ms;
  if (timer_ < 0) return;
  itimerspec when{};
  when.it_value.tv_sec = at_ms / 1000;
  // A millisecond more, so that it is not early by less than one.
  when.it_value.tv_nsec = at_ms % 1000 * 1'000'000 + 999'999;
  kernel::call(SYS_timer_settime, timer_, TIMER_ABSTIME, &when, nullptr);
}

}  // namespace shim
