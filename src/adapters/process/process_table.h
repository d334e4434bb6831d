#pragma once
#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/process/descriptor.h"

namespace adapters::process {

/// One process of this boot, whatever later gets the same pid.
struct ProcessId {
  pid_t pid = 0;
  std::int64_t start_ticks = 0;  ///< Field 22 of /proc/PID/stat.
  friend auto operator<=>(const ProcessId&, const ProcessId&) = default;
};

/// What /proc/PID/stat says.
struct Process {
  ProcessId id;
  char state = '?';
  pid_t parent = 0;
  pid_t session = 0;
  std::int64_t cpu_ticks = 0;  ///< Its own and that of the children it has reaped.
  std::int64_t threads = 0;
  std::int64_t resident_bytes = 0;

  /// False for a zombie. A zombie leader whose other threads go on is alive.
  bool alive() const { return (state != 'Z' && state != 'X') || threads > 1; }
};

/// All processes, read one after another in one pass over /proc: a few microseconds each.
class ProcessTable {
 public:
  static ProcessTable read();

  const Process* find(pid_t pid) const;
  const Process* find(const ProcessId& id) const;
  const std::map<pid_t, Process>& all() const { return processes_; }
  /// Adds to `family` every descendant of its members.
  void add_descendants(std::map<pid_t, Process>& family) const;

 private:
  std::map<pid_t, Process> processes_;
};

/// Nothing if there is no such process.
std::optional<Process> read_process(pid_t pid);

/// Decodes the text of a stat file.
std::optional<Process> decode_stat(const std::string& text);

/// Opens a pidfd of exactly this process; empty, with errno ESRCH, if it is gone or its pid belongs
/// to another process now.
Descriptor open_process(const ProcessId& id);

/// Opens a pidfd of a child that this process has not reaped, so its pid is still its own.
Descriptor open_child(pid_t pid);

/// Sends a signal to exactly this process. False if there is no such process any more.
bool send_signal(const ProcessId& id, int signal);

/// True if the process' initial environment holds all of these `NAME=value` entries.
bool environment_holds(pid_t pid, const std::vector<std::string>& entries);

/// True if the process' initial environment names this variable.
bool environment_names(pid_t pid, const std::string& name);

/// Names this boot of the machine.
std::string boot_id();

/// The whole of a small file, such as one of /proc; empty if it cannot be read.
std::string read_small_file(const std::string& path);

}  // namespace adapters::process
