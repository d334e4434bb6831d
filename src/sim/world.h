#pragma once
#include <map>
#include <string>
#include <vector>

#include "ledger/ledger.h"

namespace sim {

/// What may go wrong in a world.
struct Perils {
  bool controller = false;  ///< The controller dies and comes back, also inside a write.
  bool agents = false;      ///< Agents die and come back within their lease.
  bool network = false;     ///< Delays, lost and half-open connections, partitions of any length.
  bool machines = false;    ///< Machines boot again; shims are killed.
  bool disks = false;       ///< The log's disk fails, is full, or loses a reply; journals fill up.
  bool programs = true;     ///< Programs crash, fail, overrun and ignore SIGTERM.

  /// True if work can be lost that nobody could have kept.
  bool loses_hardware() const { return network || machines; }
};
/// Every fifth seed is calm, every fifth has restarts alone, and so on; the rest has everything.
Perils perils_of(std::uint64_t seed);

/// A promise that did not hold.
struct Violation {
  std::string promise;  ///< "P1" to "P9", "liveness" or "rebuild".
  std::string what;
};

struct Outcome {
  std::vector<Violation> violations;  ///< The first of each promise.
  std::vector<ledger::Fact> facts;
  std::uint64_t hash = 0;             ///< Of the last state.
  domain::Duration length;            ///< In virtual time.
  std::map<std::string, int> counts;  ///< How often each kind of fact came about.
};

/// Lives through one world, decided by its seed alone: half an hour of bids and faults, then peace
/// until every job has ended.
Outcome live(std::uint64_t seed, const Perils& perils);

}  // namespace sim
