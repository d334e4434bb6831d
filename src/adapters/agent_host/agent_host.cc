#include "adapters/agent_host/agent_host.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include "adapters/agent_disk/disk_agent_journal.h"
#include "adapters/agent_disk/disk_checkpoint_store.h"
#include "adapters/agent_disk/disk_rank_files.h"
#include "adapters/agent_host/local_machine.h"
#include "adapters/process/process_runtime.h"
#include "agent/agent.h"

namespace adapters::agent_host {
namespace {

using base::Result;
using domain::Time;

constexpr std::size_t kMostWaiting = 4'096;
constexpr domain::Duration kLongestRest = domain::kSecond;

/// What may stand in a rank's environment of the agent's own.
std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> env;
  for (const char* name : {"HOME", "USER", "LANG", "PATH", "TZ"}) {
    if (const char* value = std::getenv(name)) env[name] = value;
  }
  env.try_emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  env.try_emplace("LANG", "C.UTF-8");
  return env;
}

/// Work for the control thread, in order.
class Inbox {
 public:
  using Task = std::function<void(Time)>;

  /// Waits while the inbox is full, unless it is closed.
  void post(Task task) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || tasks_.size() < kMostWaiting; });
    if (closed_) return;
    tasks_.push_back(std::move(task));
    changed_.notify_one();
  }

  /// Everything that waits, after a rest of at most `rest`; nothing once it is closed.
  std::deque<Task> take(domain::Duration rest) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(rest.ms),
                      [&] { return closed_ || !tasks_.empty(); });
    room_.notify_all();
    return std::exchange(tasks_, {});
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    tasks_.clear();
    changed_.notify_all();
    room_.notify_all();
  }

  bool is_closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable room_;
  std::deque<Task> tasks_;
  bool closed_ = false;
};

Result<> make_private_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || ::chmod(path.c_str(), 0700) != 0) {
    return base::fail(base::ErrorCode::permission_denied, "{}: cannot be made private", path);
  }
  return {};
}

}  // namespace

/// Everything of a running agent. Members are destroyed from the last to the first: whoever calls
/// into another goes before it.
class AgentHost::Room {
 public:
  Room(AgentHostOptions options, std::unique_ptr<ports::ControllerLink> link,
       std::function<void(std::string)> on_rejected)
      : options_(std::move(options)),
        on_rejected_(std::move(on_rejected)),
        link_(std::move(link)) {}

  Result<> open();
  void stop();

 private:
  Result<> open_parts();
  Result<> open_agent();
  void open_link();
  void run();
  domain::Duration rest(Time now) const;

  const AgentHostOptions options_;
  const std::function<void(std::string)> on_rejected_;
  system::SteadyClock clock_;
  Inbox inbox_;
  std::unique_ptr<agent_disk::DiskAgentJournal> journal_;
  agent_disk::DiskRankFiles files_;
  std::unique_ptr<LocalMachine> machine_;
  std::unique_ptr<ports::ControllerLink> link_;
  std::unique_ptr<agent_disk::DiskCheckpointStore> checkpoints_;
  std::unique_ptr<process::ProcessRuntime> runtime_;
  std::unique_ptr<agent::Agent> agent_;
  std::thread thread_;
};

Result<> AgentHost::Room::open_parts() {
  if (auto made = make_private_folder(options_.data_dir); !made) return made;
  clock_ = system::SteadyClock::of_boot(options_.data_dir + "/clock");
  auto journal = agent_disk::DiskAgentJournal::open(options_.data_dir + "/journal");
  if (!journal) return base::pass(journal);
  journal_ = *std::move(journal);
  auto runtime = process::ProcessRuntime::open({.shim_path = options_.shim_path,
                                                .use_cgroups = options_.use_cgroups,
                                                .cgroup_parent = {},
                                                .lease_path = options_.data_dir + "/lease",
                                                .booted = clock_.booted()});
  if (!runtime) return base::pass(runtime);
  runtime_ = *std::move(runtime);
  auto simulated = nvml::parse_simulated_gpus(options_.simulated_gpus);
  if (!simulated) return base::pass(simulated);
  const bool is_simulated = !simulated->empty();
  machine_ = std::make_unique<LocalMachine>(domain::Inventory{.address = options_.address,
                                                              .boot_id = {},
                                                              .pool = options_.pool,
                                                              .cpu_millis = options_.cpu_millis,
                                                              .gpus = *std::move(simulated),
                                                              .simulated = is_simulated,
                                                              .version = options_.version},
                                            options_.data_dir);
  checkpoints_ = std::make_unique<agent_disk::DiskCheckpointStore>(*link_);
  return {};
}

Result<> AgentHost::Room::open_agent() {
  runtime_->on_end([this](ports::RankKey key, ports::RankEnd end) {
    inbox_.post(
        [this, key, end = std::move(end)](Time now) { agent_->on_rank_end(key, end, now); });
  });
  checkpoints_->on_ready([this](domain::JobId job, std::string name, Result<> whole) {
    inbox_.post([this, job, name = std::move(name), whole = std::move(whole)](Time now) {
      agent_->on_checkpoint_ready(job, name, whole, now);
    });
  });
  agent::AgentOptions options{.facts = {.node = options_.node,
                                        .address = options_.address,
                                        .has_gpus = !machine_->inventory().gpus.empty(),
                                        .python_dir = options_.python_dir,
                                        .env = own_environment()},
                              .data_dir = options_.data_dir};
  auto agent = agent::Agent::open({.link = *link_,
                                   .runtime = *runtime_,
                                   .journal = *journal_,
                                   .files = files_,
                                   .machine = *machine_,
                                   .checkpoint_store = *checkpoints_},
                                  std::move(options), clock_.now());
  if (!agent) return base::pass(agent);
  agent_ = *std::move(agent);
  return {};
}

void AgentHost::Room::open_link() {
  link_->open({
      .connected = [this] { inbox_.post([this](Time now) { agent_->on_connected(now); }); },
      .message =
          [this](ports::ToAgent message) {
            inbox_.post([this, message = std::move(message)](Time now) {
              agent_->on_message(message, now);
            });
          },
      .disconnected =
          [this](const base::Error&) {
            inbox_.post([this](Time now) { agent_->on_disconnected(now); });
          },
  });
}

Result<> AgentHost::Room::open() {
  if (auto opened = open_parts(); !opened) return opened;
  if (auto opened = open_agent(); !opened) return opened;
  thread_ = std::thread([this] { run(); });
  open_link();
  return {};
}

domain::Duration AgentHost::Room::rest(Time now) const {
  return std::clamp(agent_->next_wake(now) - now, domain::Duration{0}, kLongestRest);
}

void AgentHost::Room::run() {
  bool told = false;
  while (!inbox_.is_closed()) {
    for (auto& task : inbox_.take(rest(clock_.now()))) task(clock_.now());
    agent_->tick(clock_.now());
    if (told || agent_->rejected().empty()) continue;
    told = true;
    if (on_rejected_) on_rejected_(agent_->rejected());
  }
}

void AgentHost::Room::stop() {
  inbox_.close();
  if (thread_.joinable()) thread_.join();
  link_->close();
}

Result<std::unique_ptr<AgentHost>> AgentHost::open(AgentHostOptions options,
                                                   std::unique_ptr<ports::ControllerLink> link,
                                                   std::function<void(std::string)> on_rejected) {
  auto room = std::make_unique<Room>(std::move(options), std::move(link), std::move(on_rejected));
  if (auto opened = room->open(); !opened) {
    room->stop();
    return base::pass(opened);
  }
  return std::unique_ptr<AgentHost>(new AgentHost(std::move(room)));
}

AgentHost::AgentHost(std::unique_ptr<Room> room) : room_(std::move(room)) {}
AgentHost::~AgentHost() { stop(); }
void AgentHost::stop() { room_->stop(); }

}  // namespace adapters::agent_host
