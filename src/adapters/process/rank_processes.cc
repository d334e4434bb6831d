#include "adapters/process/rank_processes.h"

#include <algorithm>
#include <map>

#include "adapters/process/rank_files.h"

namespace adapters::process {
namespace {

/// True if the session numbered like the shim's pid can still be the one that the shim made.
bool session_is_ours(const ProcessId& shim, const ProcessTable& table) {
  const Process* holder = table.find(shim.pid);
  return shim.pid != 0 && (holder == nullptr || holder->id == shim);
}

/// What a lost shim left, as far as sessions and environments tell.
void add_by_traces(const RankTrace& trace, const ProcessTable& table,
                   std::map<pid_t, Process>& found) {
  const bool by_session = session_is_ours(trace.shim, table);
  for (const auto& [pid, process] : table.all()) {
    if (process.id.start_ticks < trace.shim.start_ticks || process.session == 0) continue;
    const bool in_session = by_session && process.session == trace.shim.pid;
    // A process of another rank says so itself, whatever number its session has.
    const bool ours = in_session ? environment_holds(pid, trace.entries) ||
                                       !environment_names(pid, kRankKeyVariable)
                                 : environment_holds(pid, trace.entries);
    if (ours) found.emplace(pid, process);
  }
}

}  // namespace

std::vector<ProcessId> processes_of(const RankTrace& trace, const ProcessTable& table) {
  std::map<pid_t, Process> found;
  const Process* shim = table.find(trace.shim);
  const bool shim_lives = shim != nullptr && shim->alive();
  if (shim_lives) found.emplace(shim->id.pid, *shim);
  if (!shim_lives && !trace.entries.empty()) add_by_traces(trace, table, found);
  for (const int pid : pids_in(trace.cgroup)) {
    // What the kernel lists there now is ours even if it is younger than the table.
    if (const auto process = read_process(pid)) found.insert_or_assign(pid, *process);
  }
  table.add_descendants(found);
  std::vector<ProcessId> processes;
  for (const auto& [pid, process] : found) {
    if (process.id != trace.shim && process.alive()) processes.push_back(process.id);
  }
  return processes;
}

}  // namespace adapters::process
