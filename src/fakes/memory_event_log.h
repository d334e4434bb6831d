#pragma once
#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ports/event_log.h"

namespace fakes {

/// Keeps facts in memory, and fails when it is told to. What it holds outlives its users, as a disk
/// does, so a "restart" is a new controller on the same log.
class MemoryEventLog final : public ports::EventLog {
 public:
  enum class Fault {
    none,
    write_fails,    ///< Nothing is written: `unavailable`.
    reply_is_lost,  ///< Everything is written, yet the answer is `unavailable`.
    disk_full,      ///< Nothing is written: `resource_exhausted`.
    stale,          ///< Nothing is written, as if another writer had been quicker: `conflict`.
  };

  /// What goes wrong in the next `times` appends.
  void inject(Fault fault, int times = 1) {
    fault_ = fault;
    times_ = times;
  }

  base::Result<std::uint64_t> append(std::uint64_t expected_size,
                                     std::span<const std::string> facts) override {
    const Fault fault = times_ > 0 ? fault_ : Fault::none;
    if (times_ > 0) --times_;
    if (fault == Fault::write_fails) {
      return base::fail(base::ErrorCode::unavailable, "append: the disk fails");
    }
    if (fault == Fault::disk_full) {
      return std::unexpected(
          base::Error{base::ErrorCode::resource_exhausted, "append: the disk is full", "disk"});
    }
    if (fault == Fault::stale || expected_size != facts_.size()) {
      return base::fail(base::ErrorCode::conflict, "append: the log has {} facts, not {}",
                        facts_.size() + (fault == Fault::stale ? 1 : 0), expected_size);
    }
    facts_.insert(facts_.end(), facts.begin(), facts.end());
    if (fault == Fault::reply_is_lost) {
      return base::fail(base::ErrorCode::unavailable, "append: the reply was lost");
    }
    return facts_.size();
  }

  base::Result<std::vector<std::string>> read(std::uint64_t from, std::size_t most) override {
    if (from >= facts_.size()) return std::vector<std::string>();
    const auto first = facts_.begin() + static_cast<std::ptrdiff_t>(from);
    const std::size_t count = std::min<std::size_t>(most, facts_.size() - from);
    return std::vector<std::string>(first, first + static_cast<std::ptrdiff_t>(count));
  }

  base::Result<std::uint64_t> size() override { return facts_.size(); }

  base::Result<> save_snapshot(const ports::Snapshot& snapshot) override {
    if (snapshot.position > facts_.size()) {
      return base::fail(base::ErrorCode::invalid_argument,
                        "save a snapshot: the log has {} facts, the snapshot {}", facts_.size(),
                        snapshot.position);
    }
    if (!snapshot_ || snapshot_->position <= snapshot.position) snapshot_ = snapshot;
    return {};
  }

  base::Result<std::optional<ports::Snapshot>> load_snapshot() override { return snapshot_; }

 private:
  std::vector<std::string> facts_;
  std::optional<ports::Snapshot> snapshot_;
  Fault fault_ = Fault::none;
  int times_ = 0;
};

}  // namespace fakes
