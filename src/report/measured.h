#pragma once
#include <boost/describe/class.hpp>

#include <map>
#include <span>
#include <vector>

#include "report/machines.h"
#include "report/runs.h"

namespace report {

/// What a rank was seen to use at a moment; processor time is since its start.
struct RankSample {
  domain::Time at;
  std::int64_t cpu_ms = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t gpu_permille = 0;  ///< Of all its GPUs together: two busy ones are 2,000.
};

/// A machine by what programs made of it.
struct MeasuredMachine {
  domain::NodeId node;
  ResourceHours used;
  double utilisation = 0;  ///< 0 to 1, of all that it has.
};
BOOST_DESCRIBE_STRUCT(MeasuredMachine, (), (node, used, utilisation))

struct MeasuredReport {
  double utilisation = 0;     ///< As report::utilisation(), of what was measured.
  double rank_hours = 0;      ///< That ranks ran, of those looked at.
  double measured_hours = 0;  ///< Of these, with samples. What has none counts as unused.
  std::vector<MeasuredMachine> machines;
};
BOOST_DESCRIBE_STRUCT(MeasuredReport, (), (utilisation, rank_hours, measured_hours, machines))

/// Adds up samples, rank by rank.
class Measured {
 public:
  /// `samples` by time. Between two of them a rank is taken to use what the later one says; further
  /// apart than five minutes nothing is known. O(samples).
  void add(const RankRun& run, std::span<const RankSample> samples);
  /// Against the machines of the same period.
  MeasuredReport report(const std::vector<Machine>& machines, const Ratios& ratios) const;

 private:
  std::map<domain::NodeId, Area> used_;
  domain::Duration ran_;
  domain::Duration measured_;
};

}  // namespace report
