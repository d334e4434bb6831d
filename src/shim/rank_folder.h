#pragma once
#include <cstdint>

/// The file by which a runtime and a shim talk, in the rank's own folder. It is one file that gets
/// a new name as the rank goes on, because making a file is what costs most of a start. The program
/// in shim/program uses this header too, so nothing here may need the C++ library.
///
/// It is locked with flock from before the shim is spawned for as long as the shim lives: who gets
/// the lock knows that there is no shim, not even one about to start.
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
/// Where the runtime has written what to run: NUL-terminated fields, in order: format, program,
/// workdir, log path, count and paths of files into which the new process writes "0" (which makes
/// it join a cgroup, or resets its OOM score), the unified cgroup folder to be born in or "", count
/// and arguments, count and `NAME=value` variables. Before it are zeros, so the room for the
/// records is on the disk before anything runs.
inline constexpr std::int64_t kSpecAt = 256;
inline constexpr char kSpecFormat[] = "berth-spec-1";

/// The open, locked file is the shim's only inherited descriptor beside 0, 1 and 2.
inline constexpr int kFileDescriptor = 3;

/// Longest spec that is read; beyond what Linux accepts as arguments and environment.
inline constexpr std::int64_t kMaxSpecBytes = 8 << 20;

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
