#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/resources.h"

namespace adapters::process {

/// Where this process stands in the cgroup hierarchies that limit cores and memory: absolute
/// folders, empty where there is none.
struct CgroupPlaces {
  bool unified = false;  ///< Version 2: cpu and memory are the same folder.
  std::string cpu;
  std::string memory;
  friend bool operator==(const CgroupPlaces&, const CgroupPlaces&) = default;
};

/// Finds the places from the texts of /proc/self/mountinfo and /proc/self/cgroup. `parent`, if not
/// empty, takes the place of this process's own cgroup in each hierarchy ("/berth.slice").
CgroupPlaces find_cgroup_places(std::string_view mountinfo, std::string_view own,
                                std::string_view parent);

/// The cgroup folders of one rank, one a hierarchy; none where nothing is limited.
struct RankCgroup {
  std::vector<std::string> folders;
  bool unified = false;
};

/// Makes cgroups below `berth/` in the hierarchies of this machine that may be written.
class Cgroups {
 public:
  /// Limits nothing.
  Cgroups() = default;
  /// Takes what `places` can really be written; on version 2 this may move this process into a
  /// leaf `berth-agent`, because only leaves hold processes there.
  explicit Cgroups(const CgroupPlaces& places);
  Cgroups(Cgroups&&) = default;
  Cgroups& operator=(Cgroups&&) = default;
  /// Removes `berth/` where it is empty.
  ~Cgroups();

  bool limits_cpu() const { return !cpu_.empty(); }
  bool limits_memory() const { return !memory_.empty(); }

  /// Makes `berth/<name>` with these limits. A limit that this machine cannot set is left out.
  base::Result<RankCgroup> create(const std::string& name, const domain::Resources& limits) const;

 private:
  bool unified_ = false;
  std::string cpu_;  ///< The berth/ folder, empty: not available.
  std::string memory_;
};

/// The pids in the rank's cgroups and in cgroups that the rank made below.
std::vector<int> pids_in(const RankCgroup& cgroup);

/// How many of its processes the kernel killed for want of memory within its limit.
std::int64_t count_oom_kills(const RankCgroup& cgroup);

/// Memory that could not be dropped at once; -1 if the cgroup does not say.
std::int64_t memory_in_use(const RankCgroup& cgroup);

/// Removes the cgroup; false if something is still in it.
bool remove(const RankCgroup& cgroup);

}  // namespace adapters::process
