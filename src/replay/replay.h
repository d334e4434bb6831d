#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "replay/policy.h"
#include "replay/workload.h"

namespace replay {

/// What became of a job.
struct Fate {
  enum class Kind { refused, on_time, late };
  static constexpr std::int32_t kNever = -1;
  Kind kind = Kind::refused;
  std::int32_t started = kNever;   ///< Its first slot.
  std::int32_t finished = kNever;  ///< The slot after its last; also where it was stopped.
  double price = 0;                ///< In credits; paid by whom was promised a place.
};

/// What a policy made of a workload.
struct Outcome {
  std::string policy;
  std::vector<Fate> fates;           ///< By job.
  std::vector<std::int32_t> in_use;  ///< GPUs in each slot, to the end of the last job.
  std::vector<double> price;  ///< Of one more GPU at the beginning of each slot of the trace.
  double value = 0;           ///< Of what was done by its deadline.
  double revenue = 0;
  double utilisation = 0;  ///< Of the capacity in the slots of the trace, whatever became of it.
  std::int64_t accepted = 0;
  std::int64_t on_time = 0;
  std::int64_t late = 0;
  double decide_us_p50 = 0;  ///< Time that an answer to a bid took.
  double decide_us_p99 = 0;
  double wall_s = 0;
};

/// Told now and then how many slots of how many are over.
using Progress = std::function<void(std::int32_t slot, std::int32_t slots)>;

/// Plays `workload` to `policy`, slot by slot, until every job has ended. Keeps the rules itself:
/// no more GPUs in use than there are, nothing starts before it has arrived, or after it was
/// refused; a policy that breaks one is a bug and CHECKs. O(slots + jobs log jobs), beside the
/// policy.
Outcome play(const Workload& workload, const Cluster& cluster, const NamedPolicy& policy,
             const Progress& progress = {});

}  // namespace replay
