#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "adapters/process/cgroups.h"
#include "adapters/process/descriptor.h"
#include "adapters/process/lease_file.h"
#include "adapters/process/process_table.h"
#include "adapters/process/rank_files.h"
#include "adapters/process/rank_processes.h"
#include "ports/runtime.h"

namespace adapters::process {

struct RuntimeOptions {
  std::string shim_path;      ///< The berth-shim executable.
  bool use_cgroups = true;    ///< False: no limits, ranks are followed by their process tree.
  std::string cgroup_parent;  ///< Path inside each hierarchy; empty: this process's own cgroup.
  std::string lease_path;     ///< File by which shims know the lease; empty: ranks have none.
  domain::Time booted;        ///< When this machine started, on the clock that leases are told in.
};

/// Runs ranks as plain processes of this machine (Linux 5.7 or later). One thread of its own
/// watches all shims by pidfd and calls `on_end`. Destroying it leaves its ranks running (P5).
class ProcessRuntime final : public ports::Runtime {
 public:
  /// Fails with `not_found` if there is no shim, `unavailable` if the kernel lacks what it needs.
  static base::Result<std::unique_ptr<ProcessRuntime>> open(RuntimeOptions options);
  ~ProcessRuntime() override;

  void on_end(OnEnd handler) override;
  base::Result<> start(const ports::Launch& launch) override;
  base::Result<> adopt(const ports::RankKey& key, const std::string& folder) override;
  void terminate(const ports::RankKey& key) override;
  void kill(const ports::RankKey& key) override;
  base::Result<ports::RankUsage> usage(const ports::RankKey& key) override;
  base::Result<> renew(const ports::RankLease& lease) override;

  /// True if this machine lets Berth limit the cores and the memory of ranks.
  bool limits_enforced() const { return cgroups_.limits_cpu() && cgroups_.limits_memory(); }

 private:
  using Moment = std::chrono::steady_clock::time_point;

  enum class Stage {
    starting,  ///< start() is at work on it.
    looking,   ///< It is not known yet whether a shim is there.
    watched,   ///< Its shim lives and is watched.
    orphaned,  ///< Its shim was lost; what is left is being killed.
    ended,     ///< Reported; only still here for whoever holds it.
  };

  struct Rank {
    ports::RankKey key;
    std::string folder;
    RankTrace trace;
    Stage stage = Stage::starting;
    Descriptor shim;               ///< pidfd
    bool terminate_asked = false;  ///< SIGTERM has not reached any process yet.
    bool kill_asked = false;
    int clean_passes = 0;           ///< Looks in a row that found no process of an orphaned rank.
    std::vector<ProcessId> hunted;  ///< What the last look found.
    std::string lost_because;
    Moment next_pass;
    std::chrono::milliseconds pause{0};
  };
  using RankPtr = std::shared_ptr<Rank>;

  ProcessRuntime(RuntimeOptions options, LeaseFile lease, Descriptor epoll, Descriptor wake);

  base::Result<> launch_shim(Rank& rank, const ports::Launch& launch);
  base::Result<pid_t> launch_into(const Descriptor& file, const ports::Launch& launch,
                                  RankCgroup& cgroup);
  LeaseTerms lease_terms();
  base::Result<pid_t> spawn_shim(const ports::Launch& launch, const Descriptor& file) const;
  void watch(const RankPtr& rank, Descriptor shim);
  void wake_thread() const;

  void run();
  int pause_until_next_pass();
  static bool is_busy(const Rank& rank);
  void handle_shim_end(std::uint64_t serial);
  void run_due_passes();
  void look_for_shim(const RankPtr& rank);
  void signal_rank(const RankPtr& rank);
  void hunt(const RankPtr& rank);
  void lose(Rank& rank, std::string why);
  void finish(const RankPtr& rank, ports::RankEnd end);
  void remove_leftovers();
  void ask(const ports::RankKey& key, bool kill);

  const RuntimeOptions options_;
  const Cgroups cgroups_;
  const std::string boot_ = boot_id();
  const bool reset_oom_score_;
  const Descriptor epoll_;
  const Descriptor wake_;
  OnEnd handler_;

  std::mutex mutex_;  ///< Guards the ranks and what is in them, and the lease.
  LeaseFile lease_;
  std::map<ports::RankKey, RankPtr> ranks_;
  std::map<std::uint64_t, RankPtr> watched_;  ///< By the number that epoll gives back.
  std::uint64_t next_serial_ = 1;
  std::set<ports::RankKey> ended_;  ///< The latest ends, which are not reported again.
  std::deque<ports::RankKey> ended_order_;

  std::mutex usage_mutex_;  ///< Guards the table that usage() reads ranks from.
  std::optional<ProcessTable> usage_table_;
  Moment usage_read_;

  std::vector<RankCgroup> leftovers_;  ///< Cgroups that the kernel would not remove yet.
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace adapters::process
