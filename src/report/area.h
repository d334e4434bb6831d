#pragma once
#include <boost/describe/class.hpp>

#include "domain/resources.h"
#include "domain/time.h"

namespace report {

/// The time that is reported on: [from, to).
struct Period {
  domain::Time from;
  domain::Time to;

  bool has(domain::Time at) const { return from <= at && at < to; }
  /// How much of [since, until) lies inside.
  domain::Duration overlap(domain::Time since, domain::Time until) const;
};
BOOST_DESCRIBE_STRUCT(Period, (), (from, to))

/// Resources by how long they were there or in use.
struct ResourceHours {
  double gpu_hours = 0;
  double core_hours = 0;
  double memory_gib_hours = 0;
};
BOOST_DESCRIBE_STRUCT(ResourceHours, (), (gpu_hours, core_hours, memory_gib_hours))

/// The same while it is added up: exact, in whole units and milliseconds, whatever the sizes.
struct Area {
  __int128 gpu_ms = 0;
  __int128 cpu_milli_ms = 0;
  __int128 memory_byte_ms = 0;

  void add(const domain::Resources& amount, domain::Duration length);
  ResourceHours hours() const;
  friend Area operator+(const Area& a, const Area& b) {
    return {a.gpu_ms + b.gpu_ms, a.cpu_milli_ms + b.cpu_milli_ms,
            a.memory_byte_ms + b.memory_byte_ms};
  }
  friend Area operator-(const Area& a, const Area& b) {
    return {a.gpu_ms - b.gpu_ms, a.cpu_milli_ms - b.cpu_milli_ms,
            a.memory_byte_ms - b.memory_byte_ms};
  }
};

}  // namespace report
