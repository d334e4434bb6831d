#pragma once
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "agent/layout.h"
#include "ports/rank_files.h"

namespace agent {

/// The ranks' own folders on the disk. Making and removing folders is what a short rank costs most,
/// so the folders of ranks that are over are emptied and given to later ones.
class RankFolders {
 public:
  RankFolders(ports::RankFiles& files, std::string data_dir)
      : files_(files), data_dir_(std::move(data_dir)) {}

  /// Removes the folders of all ranks but these, such as an agent leaves that was killed.
  void keep_only(const std::set<ports::RankKey>& known);

  /// Makes a rank's folder, with its output folder and its work folder in it, both empty. There may
  /// be a log without bytes, too.
  base::Result<> make(const ports::RankKey& key);

  /// Removes everything that a rank had of its own.
  void remove(const ports::RankKey& key);

 private:
  bool reuse(const std::string& folder);

  ports::RankFiles& files_;
  std::string data_dir_;
  std::vector<std::string> spare_;  ///< Paths of emptied folders.
  std::size_t emptied_ = 0;         ///< So many had such a name already.
};

}  // namespace agent
