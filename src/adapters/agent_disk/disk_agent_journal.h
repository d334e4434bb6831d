#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "ports/agent_journal.h"

namespace adapters::agent_disk {

/// Keeps an agent's journal in one file: a line of JSON per change, appended; rewritten as a whole
/// when most of it is out of date. A line is in the kernel's hands when a call returns, so kill -9
/// loses nothing; there is no fsync, since after a loss of power no rank is left to remember.
///
/// A half-written last line is dropped; any other line that cannot be read is `data_loss`. The file
/// is locked: a second agent on the same folder is refused with `conflict`.
class DiskAgentJournal final : public ports::AgentJournal {
 public:
  static base::Result<std::unique_ptr<DiskAgentJournal>> open(const std::string& path);
  ~DiskAgentJournal() override;
  DiskAgentJournal(const DiskAgentJournal&) = delete;
  DiskAgentJournal& operator=(const DiskAgentJournal&) = delete;

  base::Result<Contents> read() override;
  base::Result<> put(const ports::RankRecord& record) override;
  base::Result<> put_past(const ports::PastRank& past) override;
  base::Result<> put_lease(domain::Time end) override;

 private:
  DiskAgentJournal(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  base::Result<> load();
  base::Result<> take(const std::string& line);
  base::Result<> append(const std::string& line);
  base::Result<> rewrite();
  std::string whole() const;

  std::string path_;
  int lock_;
  int file_ = -1;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t live_bytes_ = 0;  ///< Size right after the last rewrite.
  std::map<ports::RankKey, ports::RankRecord> ranks_;
  std::vector<ports::PastRank> past_;
  std::size_t first_past_ = 0;  ///< Those before it are dropped at the next rewrite.
  domain::Time lease_end_;
};

}  // namespace adapters::agent_disk
