#pragma once
#include <cstdint>

/// The files by which a runtime and a shim talk, all in the rank's own folder. The program in
/// shim/program uses this header too, so nothing here may need the C++ library.
namespace shim {

/// What to run; written by the runtime before the shim starts. NUL-terminated fields, in order:
/// format, program, workdir, log path, count and paths of files into which the new process writes
/// "0" (which makes it join a cgroup, or resets its OOM score), the unified cgroup folder to be
/// born in or "", count and arguments, count and `NAME=value` variables.
inline constexpr char kSpecFile[] = "spec";
inline constexpr char kSpecFormat[] = "berth-spec-1";

/// Who the shim is: `pid start_ticks boot_id`. Appears by rename before the command runs.
inline constexpr char kIdentityFile[] = "identity";

/// How the rank ended: `exit_code signal end_ms step errno`. Appears by rename when every process
/// of the rank has been reaped. `step` is a Step: 0, or what failed before the command ran.
inline constexpr char kEndFile[] = "end";

/// Locked with flock for as long as a shim lives, from before it is spawned: who gets the lock
/// knows that there is no shim, not even one about to start.
inline constexpr char kLockFile[] = "lock";

/// The open, locked kLockFile is the shim's only inherited descriptor beside 0, 1 and 2.
inline constexpr int kLockDescriptor = 3;

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

/// Exit status of a shim that could not write its files; 0 otherwise.
inline constexpr int kCannotRecord = 70;

}  // namespace shim
