#pragma once
#include <cstdint>
#include <string>

#include "domain/time.h"

namespace adapters::system {

/// What this computer is.
struct MachineFacts {
  std::string boot_id;          ///< Of the kernel; empty where it says none.
  std::int64_t cpu_millis = 0;  ///< Thousandths of the cores that this process may use.
  std::int64_t memory_bytes = 0;
};
MachineFacts read_machine_facts();

/// The address from which this machine talks to `peer` ("host:port" or "host"); "127.0.0.1" if
/// there is no way to it. Sends nothing.
std::string address_towards(const std::string& peer);

/// Counters of the machine. All but the last two only grow, from boot on.
struct MachineCounters {
  std::int64_t cpu_busy_ticks = 0;
  std::int64_t cpu_all_ticks = 0;
  std::int64_t disk_read_bytes = 0;  ///< Of whole disks.
  std::int64_t disk_write_bytes = 0;
  std::int64_t net_receive_bytes = 0;  ///< Without the loopback.
  std::int64_t net_send_bytes = 0;
  std::int64_t memory_used_bytes = 0;  ///< What is not to be had by programs.
  std::int64_t disk_free_bytes = 0;    ///< Where `folder` lies.
};
/// Reads /proc; what cannot be read is 0. Takes some tens of microseconds.
MachineCounters read_machine_counters(const std::string& folder);

/// A clock for leases: it starts at the wall clock's time, never goes back or jumps, and counts
/// while the machine sleeps. A value.
class SteadyClock {
 public:
  SteadyClock();
  /// Goes on with the clock that the first process of this boot noted in the file `path`, so that
  /// times that another process has written down mean the same here, wherever the wall clock was
  /// set to in between. Where that cannot be read or noted, it is a clock of its own.
  static SteadyClock of_boot(const std::string& path);
  domain::Time now() const;
  /// When the machine started, in this clock's time: what CLOCK_BOOTTIME counts from.
  domain::Time booted() const { return {offset_ms_}; }

 private:
  std::int64_t offset_ms_;
};

}  // namespace adapters::system
