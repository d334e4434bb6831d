#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "domain/ids.h"

namespace adapters::control {

/// Who wants to know when files of a job grow. Thread-safe.
class FileWatch {
 public:
  void add(domain::JobId job, std::function<bool()> changed) {
    const std::scoped_lock lock(mutex_);
    watchers_[job].push_back(std::move(changed));
  }

  /// Tells the watchers of `job`, and forgets those that have seen enough. They are called without
  /// the lock, so they may add others.
  void tell(domain::JobId job) {
    std::vector<std::function<bool()>> told;
    {
      const std::scoped_lock lock(mutex_);
      const auto found = watchers_.find(job);
      if (found == watchers_.end()) return;
      told = std::move(found->second);
      watchers_.erase(found);
    }
    std::erase_if(told, [](const auto& changed) { return !changed(); });
    if (told.empty()) return;
    const std::scoped_lock lock(mutex_);
    auto& kept = watchers_[job];
    for (auto& changed : told) kept.push_back(std::move(changed));
  }

 private:
  std::mutex mutex_;
  std::map<domain::JobId, std::vector<std::function<bool()>>> watchers_;  ///< Guarded by mutex_.
};

}  // namespace adapters::control
