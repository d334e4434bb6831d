#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ports {

struct FileEntry {
  std::string path;  ///< Relative to the folder that was listed.
  std::uint64_t size = 0;
  friend bool operator==(const FileEntry&, const FileEntry&) = default;
};

/// How far a listing goes.
struct ListLimits {
  std::int32_t depth = 32;     ///< 1: the folder's own entries alone.
  std::size_t files = 10'000;  ///< So many files at most; what is found first.
};

/// The files of ranks on an agent's machine. Paths are absolute.
///
/// Fake: fakes/memory_rank_files.h. Real: adapters/agent_disk. Blocking; call it from one thread.
class RankFiles {
 public:
  virtual ~RankFiles() = default;

  /// Makes a folder and those above it, for this user alone; one that exists is fine.
  virtual base::Result<> make_folder(const std::string& path) = 0;

  /// True for a file or a folder.
  virtual bool exists(const std::string& path) = 0;

  /// Size of a plain file; `not_found` for anything else.
  virtual base::Result<std::uint64_t> size(const std::string& path) = 0;

  /// At most `most` bytes from `offset` on; none past the end. Never follows a symbolic link in
  /// the last place, since the files are written by users.
  virtual base::Result<std::string> read(const std::string& path, std::uint64_t offset,
                                         std::size_t most) = 0;

  virtual base::Result<> append(const std::string& path, std::string_view bytes) = 0;

  /// Puts `bytes` in the place of the file, at once.
  virtual base::Result<> replace(const std::string& path, std::string_view bytes) = 0;

  /// Plain files below a folder, by path; links are neither listed nor followed. A folder that does
  /// not exist has none.
  virtual base::Result<std::vector<FileEntry>> list(const std::string& folder,
                                                    ListLimits limits) = 0;

  /// Names of the folders in a folder, by name. A folder that does not exist has none.
  virtual base::Result<std::vector<std::string>> folders(const std::string& folder) = 0;

  /// Empties a folder but for these subfolders, which are left empty, and for this file, which is
  /// left without bytes if it is there. Fails where a subfolder is not there, or is not as
  /// `make_folder` makes it.
  virtual base::Result<> empty_folder(const std::string& folder,
                                      const std::vector<std::string>& subfolders,
                                      const std::string& file) = 0;

  /// Gives a file or a folder another path on the same disk, where nothing is yet.
  virtual base::Result<> rename(const std::string& from, const std::string& to) = 0;

  /// Removes a file, or a folder with all that is in it; nothing there is fine.
  virtual base::Result<> remove(const std::string& path) = 0;
};

}  // namespace ports
