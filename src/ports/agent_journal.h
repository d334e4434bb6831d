#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ports/agent_link.h"
#include "ports/runtime.h"

namespace ports {

/// What an agent must still know of a rank after a restart of its own.
struct RankRecord {
  RankKey key;
  RankPhase phase = RankPhase::starting;
  domain::Time started;
  std::optional<RankEnd> end;
  domain::Duration grace;
  std::string stop_reason;  ///< Not empty once Berth has begun to stop it.
  std::string workdir;
  std::vector<std::string> outputs;
  std::vector<std::string> gpu_uuids;
  friend bool operator==(const RankRecord&, const RankRecord&) = default;
};

/// A rank whose story is over; kept so that it is never started again. The end has no `detail`.
struct PastRank {
  RankKey key;
  RankEnd end;
  friend bool operator==(const PastRank&, const PastRank&) = default;
};

/// So many ranks that are over are remembered; the oldest go first.
inline constexpr std::size_t kPastRanks = 65'536;

/// An agent's memory of what it was ordered to run.
///
/// Survives kill -9 of the agent, but not a loss of power: that one ends every rank too. Fake:
/// fakes/memory_agent_journal.h. Real: adapters/agent_disk. Blocking; call it from one thread.
class AgentJournal {
 public:
  struct Contents {
    std::vector<RankRecord> ranks;  ///< By key.
    std::vector<PastRank> past;     ///< Oldest first, at most kPastRanks.
    domain::Time lease_end;         ///< 0: there was none yet.
    friend bool operator==(const Contents&, const Contents&) = default;
  };
  virtual ~AgentJournal() = default;

  virtual base::Result<Contents> read() = 0;

  /// Remembers a rank in place of what was known of it. Fails with `resource_exhausted` if the
  /// disk is full; the rank must then not be started.
  virtual base::Result<> put(const RankRecord& record) = 0;

  /// Replaces a rank's record by its end.
  virtual base::Result<> put_past(const PastRank& past) = 0;

  /// Remembers until when this agent may run ranks without the controller.
  virtual base::Result<> put_lease(domain::Time end) = 0;
};

}  // namespace ports
