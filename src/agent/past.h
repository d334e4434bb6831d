#pragma once
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "ports/agent_journal.h"

namespace agent {

/// The ranks whose story is over, newest kPastRanks of them.
class PastRanks {
 public:
  void add(ports::PastRank past) {
    if (!ends_.emplace(past.key, std::move(past.end)).second) return;
    order_.push_back(past.key);
    if (order_.size() <= ports::kPastRanks) return;
    ends_.erase(order_.front());
    order_.pop_front();
  }

  const ports::RankEnd* find(const ports::RankKey& key) const {
    const auto at = ends_.find(key);
    return at == ends_.end() ? nullptr : &at->second;
  }

 private:
  std::map<ports::RankKey, ports::RankEnd> ends_;
  std::deque<ports::RankKey> order_;
};

}  // namespace agent
