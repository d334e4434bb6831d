#pragma once
#include <cstdint>

/// The files by which a runtime and its shims talk. The program in shim/program uses this header
/// too, so nothing here may need the C++ library.
///
/// A rank's own is one file in its folder that gets a new name as the rank goes on, because making
/// a file is what costs most of a start. It is locked with flock from before the shim is spawned
/// for as long as the shim lives: who gets the lock knows that there is no shim, not even one about
/// to start.
namespace shim {

/// Its name until the shim has written its identity: nothing has run.
inline constexpr char kWantedFile[] = "shim.wanted";
/// Its name from before the command runs.
inline constexpr char kAliveFile[] = "shim.alive";
/// Its name when every process of the rank has been reaped.
inline constexpr char kEndedFile[] = "shim.ended";

/// Where the shim writes who it is: `pid start_ticks boot_id`.
inline constexpr std::int64_t kIdentityAt = 0;
/// Where it writes how the rank ended: `exit_code signal end_ms step errno`. `step` is a Step.
inline constexpr std::int64_t kEndAt = 128;
/// Where whoever sends the rank its SIGTERM notes that: kStopByAgent or kStopByLease. Only one of
/// runtime and shim sends it, and a rank that was stopped for its lease is known by this.
inline constexpr std::int64_t kStopAt = 192;
inline constexpr char kStopByAgent[] = "agent\n";
inline constexpr char kStopByLease[] = "lease\n";
/// Where the runtime has written what to run: NUL-terminated fields, in order: format, program,
/// workdir, log path, count and paths of files into which the new process writes "0" (which makes
/// it join a cgroup, or resets its OOM score), the unified cgroup folder to be born in or "", the
/// path of the lease file or "", kill_at_ms and longest_grace_ms of the lease as they were then,
/// the rank's own grace in ms, count and arguments, count and `NAME=value` variables. Before it are
/// zeros, so the room for the records is on the disk before anything runs.
inline constexpr std::int64_t kSpecAt = 256;
inline constexpr char kSpecFormat[] = "berth-spec-2";

/// The open, locked file is the shim's only inherited descriptor beside 0, 1 and 2.
inline constexpr int kFileDescriptor = 3;

/// Longest spec that is read; beyond what Linux accepts as arguments and environment.
inline constexpr std::int64_t kMaxSpecBytes = 8 << 20;

/// What an agent's lease file holds: until when its ranks may live without it. All times count the
/// milliseconds since the machine's start, its sleep included (CLOCK_BOOTTIME). An agent that lives
/// holds a write lock on the file (F_OFD_SETLK), and stops its ranks itself.
struct LeaseRecord {
  std::int64_t kill_at_ms = 0;        ///< SIGKILL to every rank; 0: no lease, ranks live on.
  std::int64_t longest_grace_ms = 0;  ///< SIGTERM comes before that by the rank's grace or by this.
  std::int64_t not_kill_at_ms = 0;    ///< The two inverted: half a write shows.
  std::int64_t not_longest_grace_ms = 0;

  static constexpr LeaseRecord of(std::int64_t kill_at_ms, std::int64_t longest_grace_ms) {
    return {kill_at_ms, longest_grace_ms, ~kill_at_ms, ~longest_grace_ms};
  }
  constexpr bool is_whole() const {
    return kill_at_ms == ~not_kill_at_ms && longest_grace_ms == ~not_longest_grace_ms;
  }
};

/// What the shim was doing when it could not run the command.
enum class Step : int {
  none,
  read_spec,
  open_log,
  create_process,
  join_cgroup,
  enter_workdir,
  exec,
};

/// Exit status of a shim that could not write its records; 0 otherwise.
inline constexpr int kCannotRecord = 70;

}  // namespace shim
