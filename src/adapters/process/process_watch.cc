// The thread of ProcessRuntime: sees shims end, finds what lost shims left, repeats signals.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "adapters/process/process_runtime.h"
#include "adapters/process/rank_files.h"
#include "shim/rank_folder.h"

namespace adapters::process {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kFirstPause{1};
constexpr std::chrono::milliseconds kLongestPause{250};
constexpr std::size_t kEndsRemembered = 10'000;
/// A process in the middle of an exec shows no environment for a moment, and one forked behind the
/// back of a look is not in it: one empty look proves nothing.
constexpr int kCleanPassesWanted = 2;

domain::Time now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()};
}

bool means_out_of_memory(const ports::RankEnd& end, const RankCgroup& cgroup) {
  const bool killed = end.signal == SIGKILL || end.exit_code == 128 + SIGKILL;
  return killed && count_oom_kills(cgroup) > 0;
}

/// Reaps a shim and says how it ended, if it is a child of this process; one that an earlier agent
/// started is not.
std::string reap(const Descriptor& shim) {
  siginfo_t ended{};
  const int failed = waitid(P_PIDFD, static_cast<id_t>(shim.get()), &ended, WEXITED | WNOHANG);
  if (failed != 0 || ended.si_pid == 0) return "its shim is gone";
  if (ended.si_code != CLD_EXITED) return fmt::format("its shim got signal {}", ended.si_status);
  if (ended.si_status == shim::kCannotRecord) return "its shim could not write to its folder";
  return fmt::format("its shim exited with code {}", ended.si_status);
}

/// True if it reached a process.
bool send_to_all(const RankTrace& trace, int signal) {
  bool reached = false;
  for (const ProcessId& id : processes_of(trace, ProcessTable::read())) {
    reached = send_signal(id, signal) || reached;
    // A stopped process hears of SIGTERM only when it goes on.
    if (signal == SIGTERM) send_signal(id, SIGCONT);
  }
  if (signal == SIGKILL) send_signal(trace.shim, SIGCONT);
  return reached;
}

}  // namespace

void ProcessRuntime::run() {
  while (!stopping_) {
    std::array<epoll_event, 64> events;
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                 pause_until_next_pass());
    for (int i = 0; i < count && !stopping_; ++i) {
      std::uint64_t drained = 0;
      const std::uint64_t serial = events[static_cast<std::size_t>(i)].data.u64;
      if (serial != 0) handle_shim_end(serial);
      if (serial == 0) (void)!::read(wake_.get(), &drained, sizeof drained);
    }
    if (!stopping_) run_due_passes();
    remove_leftovers();
  }
}

/// True if the thread has to come back to this rank by itself.
bool ProcessRuntime::is_busy(const Rank& rank) {
  if (rank.stage == Stage::starting || rank.stage == Stage::ended) return false;
  return rank.stage != Stage::watched || rank.kill_asked || rank.terminate_asked;
}

/// Milliseconds for epoll_wait; -1 if nothing is to be repeated.
int ProcessRuntime::pause_until_next_pass() {
  const std::scoped_lock lock(mutex_);
  std::optional<Moment> next;
  for (const auto& [key, rank] : ranks_) {
    if (is_busy(*rank)) next = next ? std::min(*next, rank->next_pass) : rank->next_pass;
  }
  if (!next) return leftovers_.empty() ? -1 : static_cast<int>(kLongestPause.count());
  const Moment moment = std::chrono::steady_clock::now();
  if (*next <= moment) return 0;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*next - moment).count());
}

void ProcessRuntime::handle_shim_end(std::uint64_t serial) {
  RankPtr rank;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = watched_.find(serial);
    if (found == watched_.end()) return;
    rank = found->second;
    watched_.erase(found);
  }
  const auto end = read_end(rank->folder);
  const std::string why = reap(rank->shim);
  {
    const std::scoped_lock lock(mutex_);
    // Closing is not enough: a child that is being started has a copy of it until its exec, and
    // would have this thread woken again and again until then.
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, rank->shim.get(), nullptr);
    close(rank->shim);
    if (!end) lose(*rank, why);
  }
  if (end) finish(rank, *end);
}

void ProcessRuntime::lose(Rank& rank, std::string why) {
  rank.stage = Stage::orphaned;
  rank.lost_because = std::move(why);
  rank.next_pass = {};
  rank.pause = 0ms;
}

void ProcessRuntime::run_due_passes() {
  std::vector<std::pair<RankPtr, Stage>> due;
  {
    const std::scoped_lock lock(mutex_);
    const Moment moment = std::chrono::steady_clock::now();
    for (const auto& [key, rank] : ranks_) {
      if (!is_busy(*rank) || rank->next_pass > moment) continue;
      rank->pause = std::clamp(rank->pause * 2, kFirstPause, kLongestPause);
      rank->next_pass = moment + rank->pause;
      due.emplace_back(rank, rank->stage);
    }
  }
  for (const auto& [rank, stage] : due) {
    if (stage == Stage::looking) look_for_shim(rank);
    if (stage == Stage::watched) signal_rank(rank);
    if (stage == Stage::orphaned) hunt(rank);
  }
}

/// Finds out what became of a rank whose shim this runtime has not seen.
void ProcessRuntime::look_for_shim(const RankPtr& rank) {
  const auto locked = has_shim(rank->folder);
  // Read after the lock was tried: whoever finds it free finds all that the shim has written.
  const auto identity = read_identity(rank->folder);
  const auto end = read_end(rank->folder);
  const bool same_boot = identity && identity->boot == boot_;
  const bool shim_lives = locked ? *locked : same_boot && open_process(identity->id);
  if (!shim_lives && end) return finish(rank, *end);
  const std::scoped_lock guard(mutex_);
  if (same_boot) rank->trace.shim = identity->id;
  if (shim_lives) {
    // Without an identity it is about to write one, so this rank is looked at again.
    if (same_boot) watch(rank, open_process(rank->trace.shim));
    return;
  }
  if (!identity) return lose(*rank, "it was never really started");
  lose(*rank, same_boot ? "its shim is gone" : "the machine was restarted");
}

void ProcessRuntime::signal_rank(const RankPtr& rank) {
  bool kill = false;
  {
    const std::scoped_lock lock(mutex_);
    kill = rank->kill_asked;
  }
  // What its shim has stopped for an agent that was away has had its SIGTERM; a second one may mean
  // something else to it.
  bool reached = !kill && was_stopped_by_lease(rank->folder);
  if (!reached) {
    reached = send_to_all(rank->trace, kill ? SIGKILL : SIGTERM);
    if (reached && !kill) note_stop(rank->folder);
  }
  // A shim that has not forked yet has nobody to send to: that is tried again.
  const std::scoped_lock lock(mutex_);
  if (reached && !kill) rank->terminate_asked = false;
}

/// Kills what a lost shim left, and reports the end once nothing is left.
void ProcessRuntime::hunt(const RankPtr& rank) {
  const ProcessTable table = ProcessTable::read();
  std::vector<ProcessId> left = processes_of(rank->trace, table);
  // A process that is being torn down has lost its environment before its files, so those that were
  // found once are followed until they are gone.
  for (const ProcessId& id : rank->hunted) {
    const Process* process = table.find(id);
    if (process != nullptr && process->alive() && std::ranges::find(left, id) == left.end()) {
      left.push_back(id);
    }
  }
  for (const ProcessId& id : left) send_signal(id, SIGKILL);
  rank->hunted = left;
  rank->clean_passes = left.empty() ? rank->clean_passes + 1 : 0;
  if (rank->clean_passes < kCleanPassesWanted) return;
  ports::RankEnd end;
  end.exit_code = -1;
  end.cause = domain::ExitCause::shim_lost;
  end.detail = rank->lost_because;
  end.at = now();
  finish(rank, std::move(end));
}

void ProcessRuntime::finish(const RankPtr& rank, ports::RankEnd end) {
  if (means_out_of_memory(end, rank->trace.cgroup)) {
    end.cause = domain::ExitCause::out_of_memory;
    end.detail = "killed at its memory limit";
  }
  OnEnd handler;
  {
    const std::scoped_lock lock(mutex_);
    rank->stage = Stage::ended;
    ranks_.erase(rank->key);
    if (ended_.insert(rank->key).second) ended_order_.push_back(rank->key);
    if (ended_order_.size() > kEndsRemembered) {
      ended_.erase(ended_order_.front());
      ended_order_.pop_front();
    }
    handler = handler_;
  }
  if (handler) handler(rank->key, std::move(end));
  // Afterwards, because nobody waits for it: the cgroup is empty.
  if (!remove(rank->trace.cgroup)) leftovers_.push_back(rank->trace.cgroup);
}

void ProcessRuntime::remove_leftovers() {
  std::erase_if(leftovers_, [](const RankCgroup& cgroup) { return remove(cgroup); });
}

}  // namespace adapters::process
