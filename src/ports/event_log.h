#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace ports {

/// The encoded state after the first `position` facts.
struct Snapshot {
  std::uint64_t position = 0;
  std::string state;
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

/// The controller's memory: an append-only list of encoded facts that survives a crash.
///
/// Fake: fakes/memory_event_log.h. Real: adapters/sql. Every implementation passes
/// tests/contract/event_log_contract_test.cc. Blocking; call it from one thread.
class EventLog {
 public:
  virtual ~EventLog() = default;

  /// Adds `facts` after the first `expected_size`, all of them or none, and returns the new size
  /// once they are durable. Fails with `conflict` if the log has another size (somebody else is
  /// writing), `resource_exhausted` if the disk is full, `unavailable` when it cannot tell whether
  /// the facts were written.
  virtual base::Result<std::uint64_t> append(std::uint64_t expected_size,
                                             std::span<const std::string> facts) = 0;

  /// At most `most` facts from position `from` on, oldest first; none past the end.
  virtual base::Result<std::vector<std::string>> read(std::uint64_t from, std::size_t most) = 0;

  virtual base::Result<std::uint64_t> size() = 0;

  /// Keeps `snapshot` in place of older ones; durable when it returns.
  virtual base::Result<> save_snapshot(const Snapshot& snapshot) = 0;
  virtual base::Result<std::optional<Snapshot>> load_snapshot() = 0;
};

}  // namespace ports
