#include "adapters/process/process_runtime.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>

#include "adapters/process/rank_files.h"
#include "base/check.h"
#include "shim/rank_folder.h"

namespace adapters::process {
namespace {

using base::ErrorCode;
using base::Result;
using namespace std::chrono_literals;

constexpr std::uint64_t kWakeSerial = 0;
constexpr auto kUsageTableAge = 300ms;

Cgroups open_cgroups(const RuntimeOptions& options) {
  if (!options.use_cgroups) return {};
  return Cgroups(find_cgroup_places(read_small_file("/proc/self/mountinfo"),
                                    read_small_file("/proc/self/cgroup"), options.cgroup_parent));
}

/// An agent protected from the OOM killer must not hand its protection to what it runs.
bool is_protected_from_oom() {
  return read_small_file("/proc/self/oom_score_adj").starts_with('-');
}

bool watch_descriptor(const Descriptor& epoll, const Descriptor& watched, std::uint64_t serial) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = serial;
  return epoll_ctl(epoll.get(), EPOLL_CTL_ADD, watched.get(), &event) == 0;
}

/// Attributes for a shim: no signal reaches it before it says so itself.
class SpawnAttributes {
 public:
  explicit SpawnAttributes(int file) {
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &all);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, file, shim::kFileDescriptor);
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

/// Bytes that reached storage, from /proc/PID/io: the process and the children it has reaped.
void add_io(pid_t pid, ports::RankUsage& usage) {
  std::istringstream in(read_small_file(fmt::format("/proc/{}/io", pid)));
  std::string name;
  for (std::int64_t value = 0; in >> name >> value;) {
    if (name == "read_bytes:") usage.read_bytes += value;
    if (name == "write_bytes:") usage.write_bytes += value;
  }
}

}  // namespace

Result<std::unique_ptr<ProcessRuntime>> ProcessRuntime::open(RuntimeOptions options) {
  if (access(options.shim_path.c_str(), X_OK) != 0) {
    return base::fail(ErrorCode::not_found, "no shim at {}: {}", options.shim_path,
                      strerror(errno));
  }
  if (access("/proc/thread-self/children", R_OK) != 0) {
    return base::fail(ErrorCode::unavailable, "/proc does not list children of processes here");
  }
  Descriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  Descriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const Descriptor self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  if (!self) return base::fail(ErrorCode::unavailable, "pidfd_open: {}", strerror(errno));
  if (!epoll || !wake || !watch_descriptor(epoll, wake, kWakeSerial)) {
    return base::fail(ErrorCode::resource_exhausted, "watch shims: {}", strerror(errno));
  }
  auto lease = LeaseFile::open(options.lease_path);
  if (!lease) return base::pass(lease);
  return std::unique_ptr<ProcessRuntime>(
      new ProcessRuntime(std::move(options), *std::move(lease), std::move(epoll), std::move(wake)));
}

ProcessRuntime::ProcessRuntime(RuntimeOptions options, LeaseFile lease, Descriptor epoll,
                               Descriptor wake)
    : options_(std::move(options)),
      cgroups_(open_cgroups(options_)),
      reset_oom_score_(is_protected_from_oom()),
      epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      lease_(std::move(lease)),
      thread_([this] { run(); }) {}

ProcessRuntime::~ProcessRuntime() {
  stopping_ = true;
  wake_thread();
  thread_.join();
}

void ProcessRuntime::on_end(OnEnd handler) {
  const std::scoped_lock lock(mutex_);
  handler_ = std::move(handler);
}

Result<> ProcessRuntime::start(const ports::Launch& launch) {
  auto rank = std::make_shared<Rank>();
  rank->key = launch.key;
  rank->folder = launch.folder;
  rank->trace.entries = rank_entries(launch.key, launch.folder);
  {
    const std::scoped_lock lock(mutex_);
    if (ended_.contains(launch.key) || !ranks_.emplace(launch.key, rank).second) return {};
  }
  auto launched = launch_shim(*rank, launch);
  const std::scoped_lock lock(mutex_);
  if (!launched && launched.error().code != ErrorCode::conflict) {
    rank->stage = Stage::ended;
    ranks_.erase(launch.key);
    return launched;
  }
  // A conflict is a shim that an earlier agent started here.
  rank->stage = Stage::looking;
  if (launched) watch(rank, open_child(rank->trace.shim.pid));
  if (is_busy(*rank)) wake_thread();  // Asked to stop meanwhile, or to be looked for.
  return {};
}

Result<> ProcessRuntime::launch_shim(Rank& rank, const ports::Launch& launch) {
  auto file = make_rank_file(launch.folder);
  if (!file) return base::pass(file);
  RankCgroup cgroup;
  auto pid = launch_into(*file, launch, cgroup);
  if (!pid) {
    (void)remove(cgroup);
    remove_rank_file(launch.folder);
    return base::pass(pid);
  }
  rank.trace.cgroup = std::move(cgroup);
  // Its pid is its own until this process reaps it, which happens in watch() at the earliest.
  if (const auto process = read_process(*pid)) rank.trace.shim = process->id;
  return {};
}

Result<pid_t> ProcessRuntime::launch_into(const Descriptor& file, const ports::Launch& launch,
                                          RankCgroup& cgroup) {
  auto program = find_program(launch);
  if (!program) return base::pass(program);
  auto made = cgroups_.create(cgroup_name(launch.key, launch.folder), launch.limits);
  if (!made) return base::pass(made);
  cgroup = *std::move(made);
  auto spec = encode_spec({.launch = launch,
                           .program = *program,
                           .cgroup = cgroup,
                           .lease = lease_terms(),
                           .reset_oom_score = reset_oom_score_});
  if (!spec) return base::pass(spec);
  auto written = write_spec(file, *spec);
  if (!written) return base::pass(written);
  return spawn_shim(launch, file);
}

Result<pid_t> ProcessRuntime::spawn_shim(const ports::Launch& launch,
                                         const Descriptor& file) const {
  const SpawnAttributes spawn(file.get());
  std::string name = "berth-shim";
  std::string folder = launch.folder;
  std::string key = text_of(launch.key);
  char* const argv[] = {name.data(), folder.data(), key.data(), nullptr};
  char* const envp[] = {nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, options_.shim_path.c_str(), spawn.actions(),
                                spawn.attributes(), argv, envp);
  if (error == 0) return pid;
  const auto code =
      error == ENOENT || error == EACCES ? ErrorCode::internal : ErrorCode::resource_exhausted;
  return base::fail(code, "spawn {}: {}", options_.shim_path, strerror(error));
}

/// Goes from looking to watched. Where that fails for want of descriptors, it stays looking.
void ProcessRuntime::watch(const RankPtr& rank, Descriptor shim) {
  if (!shim) return;
  const std::uint64_t serial = next_serial_++;
  if (!watch_descriptor(epoll_, shim, serial)) return;
  rank->shim = std::move(shim);
  rank->stage = Stage::watched;
  watched_.emplace(serial, rank);
}

Result<> ProcessRuntime::adopt(const ports::RankKey& key, const std::string& folder) {
  auto rank = std::make_shared<Rank>();
  rank->key = key;
  rank->folder = folder;
  rank->stage = Stage::looking;
  rank->trace.entries = rank_entries(key, folder);
  rank->trace.cgroup = read_cgroup(folder);
  const auto identity = read_identity(folder);
  if (identity && identity->boot == boot_) rank->trace.shim = identity->id;
  {
    const std::scoped_lock lock(mutex_);
    if (ended_.contains(key)) return {};
    ranks_.emplace(key, rank);
  }
  wake_thread();
  return {};
}

void ProcessRuntime::terminate(const ports::RankKey& key) { ask(key, false); }

void ProcessRuntime::kill(const ports::RankKey& key) { ask(key, true); }

void ProcessRuntime::ask(const ports::RankKey& key, bool kill) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = ranks_.find(key);
    if (found == ranks_.end()) return;
    Rank& rank = *found->second;
    (kill ? rank.kill_asked : rank.terminate_asked) = true;
    rank.next_pass = {};
    rank.pause = 0ms;
  }
  wake_thread();
}

Result<ports::RankUsage> ProcessRuntime::usage(const ports::RankKey& key) {
  RankTrace trace;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = ranks_.find(key);
    if (found == ranks_.end() || found->second->stage == Stage::starting) {
      return base::fail(ErrorCode::not_found, "rank {} is not running here", text_of(key));
    }
    trace = found->second->trace;
  }
  const std::scoped_lock lock(usage_mutex_);
  const Moment now = std::chrono::steady_clock::now();
  if (!usage_table_ || now - usage_read_ > kUsageTableAge) {
    usage_table_ = ProcessTable::read();
    usage_read_ = now;
  }
  std::vector<ProcessId> processes = processes_of(trace, *usage_table_);
  processes.push_back(trace.shim);  // It holds what its reaped children used.
  ports::RankUsage usage;
  std::int64_t cpu_ticks = 0;
  std::int64_t resident_bytes = 0;
  for (const ProcessId& id : processes) {
    const Process* process = usage_table_->find(id);
    if (process == nullptr) continue;
    cpu_ticks += process->cpu_ticks;
    if (id != trace.shim) resident_bytes += process->resident_bytes;
    add_io(id.pid, usage);
  }
  usage.cpu_ms = cpu_ticks * 1000 / sysconf(_SC_CLK_TCK);
  const std::int64_t in_cgroup = memory_in_use(trace.cgroup);
  usage.memory_bytes = in_cgroup >= 0 ? in_cgroup : resident_bytes;
  return usage;
}

Result<> ProcessRuntime::renew(const ports::RankLease& lease) {
  const std::scoped_lock lock(mutex_);
  const domain::Duration kill_at = lease.kill_at - options_.booted;
  return lease_.write(shim::LeaseRecord::of(kill_at.ms, lease.longest_grace.ms));
}

LeaseTerms ProcessRuntime::lease_terms() {
  const std::scoped_lock lock(mutex_);
  return {.path = lease_.path(), .record = lease_.written()};
}

void ProcessRuntime::wake_thread() const {
  const std::uint64_t one = 1;
  // Full means that it is awake already.
  (void)!::write(wake_.get(), &one, sizeof one);
}

}  // namespace adapters::process
