#pragma once
#include <map>
#include <string>
#include <vector>

#include "ledger/ledger.h"

namespace sim {

/// What may go wrong in a world.
struct Perils {
  bool controller = false;  ///< The controller dies and comes back, also inside a write.
  bool agents = false;      ///< Agents die and come back, alone within their lease.
  bool clocks = false;      ///< Wall clocks of machines are wrong, and are set.
  bool network = false;     ///< Delays, lost and half-open connections, partitions of any length.
  bool machines = false;    ///< Machines boot again; shims are killed; agents stay away for long.
  bool gpus = false;        ///< GPUs break, with or without the driver saying so, and are repaired.
  bool disks = false;       ///< The log's disk fails, is full, or loses a reply; journals fill up.
  bool closures = false;    ///< Operators close nodes for a time.
  bool power = false;       ///< Nodes are switched off while nobody needs them.
  bool programs = true;     ///< Programs crash, fail, overrun and ignore SIGTERM.

  bool any() const {
    return controller || agents || clocks || network || machines || gpus || disks;
  }
  /// True if work can be lost that nobody could have kept.
  bool loses_hardware() const { return network || machines || gpus; }
};
/// By the last digit of the seed: calm worlds, restarts alone, and so on; the rest has everything.
Perils perils_of(std::uint64_t seed);

/// A promise that did not hold.
struct Violation {
  std::string promise;  ///< "P1" to "P10", "resume", "grace", "liveness" or "rebuild".
  std::string what;
};

struct Outcome {
  std::vector<Violation> violations;  ///< The first of each promise.
  std::vector<ledger::Fact> facts;
  std::uint64_t hash = 0;             ///< Of the last state.
  domain::Duration length;            ///< In virtual time.
  std::map<std::string, int> counts;  ///< How often each kind of fact, and of fault, came about.
};

/// Lives through one world, decided by its seed alone: half an hour of bids and faults, then peace
/// until every job has ended.
Outcome live(std::uint64_t seed, const Perils& perils);

}  // namespace sim
