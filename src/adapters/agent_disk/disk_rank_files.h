#pragma once
#include "ports/rank_files.h"

namespace adapters::agent_disk {

/// Ranks' files on the machine's own disks. Stateless.
class DiskRankFiles final : public ports::RankFiles {
 public:
  base::Result<> make_folder(const std::string& path) override;
  bool exists(const std::string& path) override;
  base::Result<std::uint64_t> size(const std::string& path) override;
  base::Result<std::string> read(const std::string& path, std::uint64_t offset,
                                 std::size_t most) override;
  base::Result<> append(const std::string& path, std::string_view bytes) override;
  base::Result<> replace(const std::string& path, std::string_view bytes) override;
  base::Result<std::vector<ports::FileEntry>> list(const std::string& folder,
                                                   ports::ListLimits limits) override;
  base::Result<std::vector<std::string>> folders(const std::string& folder) override;
  base::Result<> empty_folder(const std::string& folder, const std::vector<std::string>& subfolders,
                              const std::string& file) override;
  base::Result<> rename(const std::string& from, const std::string& to) override;
  base::Result<> remove(const std::string& path) override;
};

}  // namespace adapters::agent_disk
