#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "adapters/process/descriptor.h"
#include "base/result.h"

namespace adapters::provider {

/// One run of a program, in a process group of its own. Must be ended by finish().
class ProgramRun {
 public:
  enum class Seen { ended, late, stopped };
  using Clock = std::chrono::steady_clock;

  /// Starts `arguments`, whose first is the path. Output and errors go into one pipe.
  static base::Result<ProgramRun> start(std::vector<std::string> arguments,
                                        std::vector<std::string> environment);

  /// Reads its output until it ends, it is `until`, or `stop` (none if negative) can be read.
  Seen wait(Clock::time_point until, int stop);

  void signal_group(int signal) const;

  /// Waits for its end and returns what waitpid() says of it.
  int finish();

  /// The last line that is not blank, as at most 300 bytes of UTF-8 without control characters.
  std::string last_line() const;

 private:
  ProgramRun(pid_t pid, process::Descriptor process, process::Descriptor output);
  void read_output();

  pid_t pid_;
  process::Descriptor process_;
  process::Descriptor output_;
  std::string tail_;  ///< Of its output, at most 64 KiB.
};

}  // namespace adapters::provider
