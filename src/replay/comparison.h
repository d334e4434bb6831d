#pragma once
#include <boost/describe/class.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "replay/replay.h"

namespace replay {

/// A bid that a cluster was asked, and as much of its job's life as is known.
struct LivedBid {
  std::int64_t at_ms = 0;
  std::int64_t earliest_ms = 0;
  std::optional<std::int64_t> deadline_ms;
  std::int32_t gpus = 0;
  std::int64_t stated_ms = 0;          ///< How long it would run, as its owner said.
  std::optional<std::int64_t> ran_ms;  ///< How long it did; none: it did not succeed.
  std::optional<double> value;         ///< In credits; none: not said.
  bool preemptible = false;
  std::int64_t restart_ms = 0;
};

/// What a policy would have made of the bids.
struct ComparedPolicy {
  std::string name;
  bool economy = false;    ///< Whether it asks what a bid is worth.
  double value = 0;        ///< In credits, of what was done by its deadline.
  double value_share = 0;  ///< Of what all bids are worth together.
  std::int64_t on_time = 0;
  double on_time_share = 0;  ///< Of all bids.
  std::int64_t late = 0;
  double started_share = 0;       ///< Of all bids.
  double utilisation = 0;         ///< Of the GPUs, from the first bid until the last job is done.
  std::int64_t mean_wait_ms = 0;  ///< From a bid to its start, of those that started.
  /// GPU-hours that the cluster stood there, for each that a job done by its deadline needed; none
  /// if no job was.
  std::optional<double> unit_cost;
  double paid_per_gpu_hour = 0;  ///< In credits, by GPU-hours used; nothing was used: 0.
};
BOOST_DESCRIBE_STRUCT(ComparedPolicy, (),
                      (name, economy, value, value_share, on_time, on_time_share, late,
                       started_share, utilisation, mean_wait_ms, unit_cost, paid_per_gpu_hour))

/// The same bids with the economy and without. Simulated: no figure here was measured.
struct Comparison {
  std::int64_t bids = 0;
  std::int64_t left_out = 0;  ///< Without GPUs, or with more than there are.
  std::int32_t gpus = 0;
  std::int32_t slot_s = 0;
  std::vector<ComparedPolicy> policies;
};
BOOST_DESCRIBE_STRUCT(Comparison, (), (bids, left_out, gpus, slot_s, policies))

/// Plays `bids` (by when they came) on `nodes` to what Berth does, to reservations for nothing
/// (first-fit) and to a queue (backfill). A bid without a deadline is due in seven days, or in ten
/// times its length where that is longer; one without a value is worth a credit a GPU-hour. Slots
/// are of a minute up to two days of bids, else of ten. A bid comes when it may first start. None
/// if no bid has GPUs that fit. `progress` is told the policy and how far it is. Costs what play()
/// does.
using CompareProgress =
    std::function<void(std::string_view policy, std::int32_t slot, std::int32_t slots)>;
std::optional<Comparison> compare(const std::vector<LivedBid>& bids,
                                  const std::vector<NodeSize>& nodes,
                                  const CompareProgress& progress = {});

}  // namespace replay
