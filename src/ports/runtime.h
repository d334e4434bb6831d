#pragma once
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"
#include "domain/job.h"
#include "domain/resources.h"
#include "domain/time.h"

namespace ports {

/// One rank of one attempt of one job; what an agent starts and stops.
struct RankKey {
  domain::JobId job;
  std::int32_t attempt = 1;  ///< From 1.
  std::int32_t rank = 0;     ///< From 0.
  friend auto operator<=>(const RankKey&, const RankKey&) = default;
};

/// Everything needed to start one rank on this node, already rendered.
struct Launch {
  RankKey key;
  std::vector<std::string> command;  ///< argv; found on the PATH of `env`. Never given to a shell.
  std::map<std::string, std::string> env;  ///< The whole environment, nothing inherited.
  std::string workdir;                     ///< Absolute; must exist.
  std::string folder;        ///< The rank's own folder, made by the caller: shim files and the log.
  std::string log_path;      ///< stdout and stderr, appended.
  domain::Resources limits;  ///< cgroup limits where the machine allows; 0 means no limit.
  domain::Duration grace;    ///< What it would like between SIGTERM and SIGKILL.
};

/// Until when ranks may run without their agent.
struct RankLease {
  domain::Time kill_at;            ///< SIGKILL to every rank that is left.
  domain::Duration longest_grace;  ///< SIGTERM comes earlier by the rank's grace or by this.
  friend bool operator==(const RankLease&, const RankLease&) = default;
};

/// How a rank ended. `exit_code` is meaningful when `signal` is 0.
struct RankEnd {
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  domain::ExitCause cause = domain::ExitCause::success;
  std::string detail;  ///< One sentence for a person.
  domain::Time at;
  friend bool operator==(const RankEnd&, const RankEnd&) = default;
};

/// What a rank used since it started.
struct RankUsage {
  std::int64_t cpu_ms = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t read_bytes = 0;
  std::int64_t write_bytes = 0;
};

/// Runs ranks on this machine, each under a shim that outlives the agent.
///
/// Fake: fakes/scripted_runtime.h. Real: adapters/process. Thread-safe: `on_end` is called from a
/// thread of the runtime's own.
class Runtime {
 public:
  using OnEnd = std::function<void(RankKey, RankEnd)>;

  virtual ~Runtime() = default;

  /// Sets who is told when a rank has ended: once a rank, and only after every process of the rank
  /// is verified gone (P4). Call before anything else.
  virtual void on_end(OnEnd handler) = 0;

  /// Starts a rank; the shim's identity (pid, start time, boot id) is on disk in `launch.folder`
  /// before the command runs, so that a crash in between loses nothing. A key is started once; a
  /// second start of the same folder finds the first and returns success. Fails with `not_found`
  /// or `permission_denied` if the command cannot run there at all.
  virtual base::Result<> start(const Launch& launch) = 0;

  /// Finds again a rank that an earlier agent started in `folder`: watches it if it is alive,
  /// reports its end through `on_end` if it is not (also when it was never really started, with
  /// cause `shim_lost`).
  virtual base::Result<> adopt(const RankKey& key, const std::string& folder) = 0;

  /// Sends SIGTERM to all processes of the rank. Unknown or ended keys are ignored.
  virtual void terminate(const RankKey& key) = 0;

  /// Sends SIGKILL to all processes of the rank, again and again until they are gone.
  virtual void kill(const RankKey& key) = 0;

  virtual base::Result<RankUsage> usage(const RankKey& key) = 0;

  /// Lets ranks live until then. What guards a rank stops it by this lease also where the agent is
  /// gone, unless a later one has renewed the lease; such a rank ends with cause `stopped`. Holds
  /// for ranks started from now on and for those alive that were started under a lease. After an
  /// error the earlier lease holds.
  virtual base::Result<> renew(const RankLease& lease) = 0;
};

}  // namespace ports
