#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "ports/rank_files.h"
#include "ports/runtime.h"

namespace fakes {

class ScriptedRuntime;

/// A file that a rank puts on its machine's disk, in place of what was there, if it lives so long.
struct ScriptedWrite {
  domain::Duration after;  ///< Its start.
  std::string path;
  std::string bytes;
};

/// What a simulated rank does when nobody stops it.
struct RankScript {
  domain::Duration length = domain::kNever - domain::Time{};  ///< Default: for ever.
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;  ///< Ends by this signal instead of an exit code.
  /// Said instead of the usual cause, unless it is success.
  domain::ExitCause cause = domain::ExitCause::success;
  bool ignores_terminate = false;
  domain::Duration cleanup;                            ///< Between SIGTERM and its end.
  std::optional<std::int32_t> exit_code_on_terminate;  ///< Exits with it instead of by SIGTERM.
  ports::RankUsage usage;
  std::vector<ScriptedWrite> writes;  ///< By time. Needs a disk: see Machine::set_disk.
};

/// How a rank was made to stop.
struct ScriptedStop {
  ports::RankKey key;
  std::optional<domain::Time> terminated;  ///< None: killed without a SIGTERM before.
  std::optional<domain::Time> killed;
  bool was_told = false;  ///< Its stop file was there when SIGTERM came.
};

/// A simulated machine: its ranks live on when a ScriptedRuntime (the agent) goes away, and a new
/// one finds them again by folder. Time passes only by advance_to. Not thread-safe: a simulated
/// world is one thread. `on_end` is called from inside advance_to, never from inside a port call.
class Machine {
 public:
  using Scripts = std::function<RankScript(const ports::Launch&)>;

  explicit Machine(domain::Time now = {}) : now_(now) {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Sets what ranks do from now on. Default: they run for ever.
  void set_scripts(Scripts scripts) { scripts_ = std::move(scripts); }

  /// Where the ranks' writes go; null: nowhere. Outlives its use here.
  void set_disk(ports::RankFiles* disk) { disk_ = disk; }

  /// Makes the next starts fail with this error, as often as called.
  void fail_next_start(base::Error error) { start_failures_.push_back(std::move(error)); }

  /// Kills the rank's shim, and with it the rank. False if no such rank is alive.
  bool lose_shim(const ports::RankKey& key);

  /// The rank ends now, by itself, with this exit code. False if no such rank is alive.
  bool end_now(const ports::RankKey& key, std::int32_t exit_code);

  /// Stops that an agent asked for, in the order of their first signals.
  const std::vector<ScriptedStop>& stops() const { return stops_; }

  /// Loses power: every rank is gone without a record, and so is every runtime's watch on it.
  void lose_power();

  domain::Time now() const { return now_; }

  /// When something will happen by itself next; kNever if nothing will.
  domain::Time next_event() const;

  /// Lets time pass: ranks end in the order of their ends, then of their keys, and whoever watches
  /// them is told. `to` may be now, which only tells what is due.
  void advance_to(domain::Time to);
  void advance(domain::Duration length) { advance_to(now_ + length); }

  /// Keys of the ranks that are alive, in order.
  std::vector<ports::RankKey> alive() const;
  bool is_alive(const ports::RankKey& key) const { return find_alive(key) != nullptr; }
  /// How the rank alive under this key was started; null if there is none.
  const ports::Launch* find_launch(const ports::RankKey& key) const;

 private:
  friend class ScriptedRuntime;

  struct Rank {
    ports::Launch launch;
    RankScript script;
    domain::Time started;
    std::size_t written = 0;    ///< Of its script's writes.
    bool lease_warned = false;  ///< Its shim has sent SIGTERM, because the lease runs out.
    domain::Time ends_at = domain::kNever;
    ports::RankEnd planned;             ///< What its end will be, if nothing else happens.
    std::optional<ports::RankEnd> end;  ///< What its shim wrote down.
    bool lost = false;                  ///< Gone without a record.
    ScriptedRuntime* watcher = nullptr;
    bool alive() const { return !end && !lost; }
    bool is_over(domain::Time now) const { return !alive() || ends_at <= now; }
  };

  const Rank* find_alive(const ports::RankKey& key) const;
  domain::Time next_write(const Rank& rank) const;
  void write_until(domain::Time time);
  domain::Time lease_acts_at(const Rank& rank) const;
  void end_leases(domain::Time to);
  ScriptedStop& stop_of(const ports::RankKey& key);
  Rank* watched_by(const ScriptedRuntime* watcher, const ports::RankKey& key);
  base::Result<> start(const ports::Launch& launch, ScriptedRuntime* watcher);
  void adopt(const ports::RankKey& key, const std::string& folder, ScriptedRuntime* watcher);
  void end_at(Rank& rank, domain::Time at, ports::RankEnd planned);
  void forget(const ScriptedRuntime* watcher);
  void settle(const std::string& folder);

  domain::Time now_;
  Scripts scripts_;
  ports::RankFiles* disk_ = nullptr;
  std::optional<ports::RankLease> lease_;  ///< In this machine's time.
  int agents_ = 0;
  std::vector<ScriptedStop> stops_;
  std::vector<base::Error> start_failures_;
  std::map<std::string, Rank> ranks_;  ///< By folder, as on a disk; for the machine's lifetime.
  std::set<std::string> active_;       ///< Folders of what is alive or has an end to tell.
};

/// An agent's view of a Machine, which must outlive it.
class ScriptedRuntime final : public ports::Runtime {
 public:
  /// `clock_ahead`: of the clock that leases are told in, against the machine's time.
  explicit ScriptedRuntime(Machine& machine, domain::Duration clock_ahead = {})
      : machine_(machine), clock_ahead_(clock_ahead) {
    ++machine_.agents_;
  }
  ~ScriptedRuntime() override {
    --machine_.agents_;
    machine_.forget(this);
  }
  ScriptedRuntime(const ScriptedRuntime&) = delete;
  ScriptedRuntime& operator=(const ScriptedRuntime&) = delete;

  void on_end(OnEnd handler) override { handler_ = std::move(handler); }

  base::Result<> start(const ports::Launch& launch) override {
    if (ended_.contains(launch.key)) return {};
    return machine_.start(launch, this);
  }

  base::Result<> adopt(const ports::RankKey& key, const std::string& folder) override {
    if (!ended_.contains(key)) machine_.adopt(key, folder, this);
    return {};
  }

  void terminate(const ports::RankKey& key) override;
  void kill(const ports::RankKey& key) override;
  base::Result<ports::RankUsage> usage(const ports::RankKey& key) override;
  base::Result<> renew(const ports::RankLease& lease) override {
    lease_ = lease;
    machine_.lease_ = {lease.kill_at - clock_ahead_, lease.longest_grace};
    return {};
  }
  /// The lease that was set last. The machine keeps it once this is gone.
  const std::optional<ports::RankLease>& lease() const { return lease_; }

 private:
  friend class Machine;

  void tell(const ports::RankKey& key, const ports::RankEnd& end) {
    CHECK(ended_.insert(key).second, "an end is told once");
    if (const OnEnd handler = handler_) handler(key, end);
  }

  Machine& machine_;
  domain::Duration clock_ahead_;
  OnEnd handler_;
  std::optional<ports::RankLease> lease_;
  std::set<ports::RankKey> ended_;
};

}  // namespace fakes
