#pragma once
#include <string>
#include <vector>

#include "adapters/process/cgroups.h"
#include "adapters/process/process_table.h"

namespace adapters::process {

/// Everything by which the processes of a rank can be found.
struct RankTrace {
  ProcessId shim;                    ///< pid 0: not known.
  std::vector<std::string> entries;  ///< In the environment of every process that kept it.
  RankCgroup cgroup;
};

/// The living processes of a rank, without its shim. While the shim lives, these are its
/// descendants (it adopts every orphan). When it is gone they are found by cgroup, session and
/// environment, with the descendants of what was found.
std::vector<ProcessId> processes_of(const RankTrace& trace, const ProcessTable& table);

}  // namespace adapters::process
