#pragma once
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <string>
#include <vector>

#include "domain/ids.h"
#include "domain/resources.h"
#include "domain/time.h"

namespace domain {

struct Gpu {
  std::string uuid;   ///< As NVML names it; "SIM-..." for a simulated GPU.
  std::string model;  ///< Short model name, such as "A100".
  std::int64_t memory_bytes = 0;
  std::string driver;
  std::string compute_capability;
  bool enabled = true;
  std::string health = "ok";
  friend bool operator==(const Gpu&, const Gpu&) = default;
};
BOOST_DESCRIBE_STRUCT(Gpu, (),
                      (uuid, model, memory_bytes, driver, compute_capability, enabled, health))

enum class NodeState {
  joining,      ///< Known, but its agent has not reported yet.
  ready,        ///< Takes work.
  draining,     ///< Finishes what runs, takes nothing new.
  maintenance,  ///< Out of use until an operator resumes it.
  down,         ///< Its agent has not been heard of.
  quarantined,  ///< Taken out by Berth because its work kept failing.
  suspended,    ///< Switched off while nobody needs it.
  resuming,     ///< Being switched on; its agent has not reported yet.
};
BOOST_DESCRIBE_ENUM(NodeState, joining, ready, draining, maintenance, down, quarantined, suspended,
                    resuming)

/// When a node is switched off and on, so that it costs nothing while nobody needs it.
struct PowerPolicy {
  Duration idle;    ///< It is suspended when it has had nothing to do for so long.
  Duration resume;  ///< So long it takes until its agent reports, from when it is asked for.
  friend bool operator==(const PowerPolicy&, const PowerPolicy&) = default;
};
BOOST_DESCRIBE_STRUCT(PowerPolicy, (), (idle, resume))

/// What an agent says of its machine.
struct Inventory {
  std::string address;  ///< Where ranks on other nodes reach this one.
  std::string boot_id;  ///< Of the kernel; another one means that every process is gone.
  std::string pool;     ///< Empty: named after the GPU model, or "cpu".
  std::int64_t cpu_millis = 0;
  std::int64_t memory_bytes = 0;
  std::vector<Gpu> gpus;
  bool simulated = false;  ///< Its GPUs are declared, not real; shown wherever they are.
  std::string version;     ///< Of the agent.
  friend bool operator==(const Inventory&, const Inventory&) = default;
};
BOOST_DESCRIBE_STRUCT(Inventory, (),
                      (address, boot_id, pool, cpu_millis, memory_bytes, gpus, simulated, version))

}  // namespace domain
