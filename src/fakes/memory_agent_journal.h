#pragma once
#include <map>
#include <vector>

#include "ports/agent_journal.h"

namespace fakes {

/// Keeps an agent's journal in memory. It outlives its agents, as a disk does: a "restart" is a new
/// agent on the same journal.
class MemoryAgentJournal final : public ports::AgentJournal {
 public:
  /// From now on nothing can be written: `resource_exhausted`.
  void fill_disk(bool full = true) { full_ = full; }

  base::Result<Contents> read() override {
    Contents contents{.ranks = {}, .past = past_, .lease_end = lease_end_};
    for (const auto& [key, record] : ranks_) contents.ranks.push_back(record);
    return contents;
  }

  base::Result<> put(const ports::RankRecord& record) override {
    if (full_) return no_space();
    ranks_[record.key] = record;
    return {};
  }

  base::Result<> put_past(const ports::PastRank& past) override {
    if (full_) return no_space();
    ranks_.erase(past.key);
    past_.push_back(past);
    if (past_.size() > ports::kPastRanks) past_.erase(past_.begin());
    return {};
  }

  base::Result<> put_lease(domain::Time end) override {
    if (full_) return no_space();
    lease_end_ = end;
    return {};
  }

 private:
  static base::Result<> no_space() {
    return base::fail(base::ErrorCode::resource_exhausted, "No space left on device");
  }

  std::map<ports::RankKey, ports::RankRecord> ranks_;
  std::vector<ports::PastRank> past_;
  domain::Time lease_end_;
  bool full_ = false;
};

}  // namespace fakes
