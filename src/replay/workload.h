#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "domain/width.h"
#include "replay/trace.h"

namespace replay {

/// A bid as a policy sees it. Times are in slots from the beginning of the workload.
struct Bid {
  std::int32_t job = 0;  ///< Its place in Workload::jobs.
  std::int32_t arrival = 0;
  std::int32_t deadline = 0;  ///< Done by the end of the slot before.
  std::int32_t length = 1;    ///< Slots that its owner says it runs.
  std::int32_t gpus = 1;
  double value = 0;  ///< In credits.
  bool preemptible = false;
  std::int32_t restart = 0;  ///< Slots that going on after a pause or a change costs.
  domain::Widths widths{};   ///< Elastic: how many GPUs it may have, `gpus` among them.

  /// What its owner would pay for one GPU and slot.
  double rate() const { return value / (static_cast<double>(gpus) * length); }
};

/// A bid and what only time tells.
struct Job {
  Bid bid;
  std::int32_t needed = 1;  ///< Slots that it really runs.
};

enum class Deadlines {
  a,      ///< 1.05 to 2 times the duration after arrival, evenly.
  b,      ///< 1.2, 2 or 10 times, a third each (Gavel).
  c,      ///< 1.0 to 3.4 times, as users said in the survey of Chronus.
  given,  ///< The trace's own.
};

enum class Values {
  i,      ///< Rate 1.
  ii,     ///< Rate 1 for the tenth of jobs with most GPU-hours, 10 for the others (ERA).
  iii,    ///< Rate 1, 2, 4 or 10, a quarter each.
  iv,     ///< One such rate for each group.
  given,  ///< The trace's own.
};

/// How the jobs of a trace bid.
enum class Bids {
  rigid,
  preemptible,  ///< May pause, at the cost of a restart.
  elastic,      ///< The same, and has a quarter to four times its GPUs; see README.md.
};

/// How owners misjudge how long their jobs run.
enum class EstimateError {
  none,
  survey,  ///< They say exp(N(ln 1.25, 0.4)) times what it is, within the window; see README.md.
};

struct Drawing {
  Deadlines deadlines = Deadlines::a;
  Values values = Values::i;
  EstimateError estimate_error = EstimateError::none;
  Bids bids = Bids::rigid;
  std::int32_t restart_s = 0;  ///< What a break costs a preemptible job; rounded up to slots.
  std::uint64_t seed = 1;
  std::int32_t slot_s = 600;
  double load = 1.3;  ///< GPU-time asked for by capacity, if `gpus` is not given.
  std::optional<std::int32_t> gpus;
};

struct Workload {
  std::vector<Job> jobs;  ///< By arrival.
  std::int32_t gpus = 0;
  std::int32_t slots = 0;  ///< From the first arrival to the last.
  std::int32_t slot_s = 600;
  double load = 0;  ///< Of all jobs, also those left out.
  double requested_value = 0;
  std::int64_t too_wide = 0;  ///< Left out: more GPUs than there are.
};

/// Makes bids of a trace: durations cut at 14 days, deadlines and values drawn by `drawing.seed`,
/// the same ones for the same trace and seed. An error names the option that cannot be had.
/// O(jobs log jobs).
base::Result<Workload> draw(const Trace& trace, const Drawing& drawing);

base::Result<Deadlines> deadlines_of(std::string_view name);
base::Result<Values> values_of(std::string_view name);
base::Result<EstimateError> estimate_error_of(std::string_view name);
base::Result<Bids> bids_of(std::string_view name);

}  // namespace replay
