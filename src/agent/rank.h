#pragma once
#include <cstdint>
#include <optional>

#include "ports/agent_journal.h"
#include "ports/agent_link.h"

namespace agent {

/// One rank as the agent knows it: what was ordered, what is seen, what is being done about it.
struct Rank {
  ports::RankRecord record;  ///< What the journal has, once it has been started.
  ports::RankOrder order;    ///< As last wanted; after a restart only once it is wanted again.
  bool wanted = false;
  bool must_adopt = false;  ///< From before a restart, and the runtime has not found it yet.
  bool is_past = false;     ///< Over and forgotten, but wanted again: only its end is told.
  std::optional<domain::Time> kill_at;  ///< Set while stopping.
  bool killed = false;
  domain::Time next_sample;
  std::optional<std::uint64_t> log_bytes;  ///< Of the whole log, once it has ended.
  std::uint64_t told_in = 0;  ///< Report that first told its present state; 0: not told yet.
};

/// True while it may have processes.
constexpr bool is_alive(const Rank& rank) {
  return rank.record.phase == ports::RankPhase::running ||
         rank.record.phase == ports::RankPhase::stopping;
}

constexpr bool has_ended(const Rank& rank) { return rank.record.phase == ports::RankPhase::ended; }

}  // namespace agent
