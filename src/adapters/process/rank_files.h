#pragma once
#include <optional>
#include <string>
#include <vector>

#include "adapters/process/cgroups.h"
#include "adapters/process/descriptor.h"
#include "adapters/process/process_table.h"
#include "base/result.h"
#include "ports/runtime.h"
#include "shim/rank_folder.h"

namespace adapters::process {

/// The variables that name a rank in its own environment and so in /proc.
inline constexpr char kRankKeyVariable[] = "BERTH_RANK_KEY";
inline constexpr char kRankFolderVariable[] = "BERTH_RANK_FOLDER";

/// `<job>.<attempt>.<rank>`
std::string text_of(const ports::RankKey& key);

/// The two entries, as in the environment of the rank's processes.
std::vector<std::string> rank_entries(const ports::RankKey& key, const std::string& folder);

/// Names a rank's cgroup: its key, and its folder, because several clusters may share a machine.
std::string cgroup_name(const ports::RankKey& key, const std::string& folder);

/// Finds the program of a launch as an absolute path, on the PATH of its environment; relative
/// paths start at its workdir. `not_found` or `permission_denied` if it cannot run there.
base::Result<std::string> find_program(const ports::Launch& launch);

/// The lease that a rank is started under; an empty path is none.
struct LeaseTerms {
  std::string path;
  shim::LeaseRecord record;
};

/// What the shim needs to know of a launch.
struct SpecParts {
  const ports::Launch& launch;
  const std::string& program;
  const RankCgroup& cgroup;
  LeaseTerms lease;
  bool reset_oom_score;  ///< Give it the OOM score 0 where it would inherit a protected agent's.
};

/// The text of it; see shim/rank_folder.h.
base::Result<std::string> encode_spec(const SpecParts& parts);

/// Makes the file of a rank that was never started, empty and locked. `conflict` if the rank was
/// started before. The lock lasts until every copy of the descriptor is closed.
base::Result<Descriptor> make_rank_file(const std::string& folder);

/// Writes the spec into the file.
base::Result<> write_spec(const Descriptor& file, const std::string& spec);

/// Removes the file of a rank whose start failed.
void remove_rank_file(const std::string& folder);

/// True if a shim holds the folder's lock: one lives, or is about to.
base::Result<bool> has_shim(const std::string& folder);

/// The cgroup in a folder's spec; empty if there is no spec.
RankCgroup read_cgroup(const std::string& folder);

struct ShimIdentity {
  ProcessId id;
  std::string boot;
  friend bool operator==(const ShimIdentity&, const ShimIdentity&) = default;
};

/// Nothing if the shim has not written it.
std::optional<ShimIdentity> read_identity(const std::string& folder);

/// Notes that the runtime has sent the rank its SIGTERM. Unnoted, the shim may send it again.
void note_stop(const std::string& folder);

/// True if the shim has stopped the rank because its agent's lease was over.
bool was_stopped_by_lease(const std::string& folder);

/// How the rank ended, as its shim saw it; nothing if it has not ended, or its shim was lost.
std::optional<ports::RankEnd> read_end(const std::string& folder);

}  // namespace adapters::process
