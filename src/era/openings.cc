#include "era/openings.h"

#include <algorithm>
#include <bit>
#include <tuple>

namespace era {

using domain::Duration;
using domain::Time;

namespace {

constexpr std::size_t kMostOpenings = 6;
constexpr std::size_t kMostStarts = 192;

/// What the lane's sum lacks for the bid and what it costs, from the window's first slot up to each
/// of its stages: what an opening lacks is a difference.
class Sums {
 public:
  Sums(const Candidate& candidate, SlotRange window) {
    const Lane& lane = *candidate.lane;
    sums_.reserve(lane.runs().at(window.end) - lane.runs().at(window.first) + 1 +
                  static_cast<std::size_t>(lane.leads()));
    Sum sum{.from = window.first};
    for (Stages stage(lane, window.first); stage.from() < window.end; stage.next()) {
      add_stage(candidate, stage, sum);
      sum = at_end(sums_.back(), std::min(window.end, stage.end()));
    }
  }

  Opening opening(Time start, SlotRange slots) const {
    const Sum before = up_to(slots.first);
    const Sum after = up_to(slots.end);
    const std::int64_t missing = after.missing - before.missing;
    return {start, missing, missing == 0 ? after.cost - before.cost : 0};
  }

 private:
  /// Sums up to `from`, and by how much they grow from there on with each slot.
  struct Sum {
    std::int64_t from = 0;
    std::int64_t missing = 0;
    std::int64_t cost = 0;  ///< Of the slots that lack nothing.
    std::int64_t slot_missing = 0;
    std::int64_t slot_cost = 0;
  };
  void add_stage(const Candidate& candidate, const Stages& stage, Sum sum) {
    const Gang& gang = candidate.ask.gang;
    const std::int64_t gpus = std::max(0, gang.gpus - stage.run().gpus_free);
    const std::int64_t cores =
        std::max<std::int64_t>(0, gang.cpu_millis - stage.run().cpu_millis_free);
    const std::int64_t cost = candidate.lane->slot_cost(stage.run(), stage.lead(), gang);
    sum.slot_missing = gpus * 1000 + cores;
    sum.slot_cost = cost == Lane::kInfeasible ? 0 : cost;
    sums_.push_back(sum);
  }
  static Sum at_end(const Sum& sum, std::int64_t slot) {
    const std::int64_t length = slot - sum.from;
    return {.from = slot,
            .missing = sum.missing + sum.slot_missing * length,
            .cost = sum.cost + sum.slot_cost * length};
  }
  Sum up_to(std::int64_t slot) const {
    const auto after =
        std::upper_bound(sums_.begin() + 1, sums_.end(), slot,
                         [](std::int64_t wanted, const Sum& sum) { return wanted < sum.from; });
    return at_end(after[-1], slot);
  }

  std::vector<Sum> sums_;  ///< By stage; never empty.
};

/// The window's first time and those at which somebody begins or ends or would just not be met, in
/// their order. O(loose + slots in the window / 64).
std::vector<Time> starts_worth_trying(Duration slot, const Window& window,
                                      const std::vector<const Movable*>& loose) {
  std::vector<Time> starts{window.first};
  if (window.only_first) return starts;
  const std::int64_t first = window.first.ms / slot.ms + 1;
  const std::int64_t last = (window.finish_by - window.duration).ms / slot.ms;
  const std::int64_t length = (window.duration.ms + slot.ms - 1) / slot.ms;
  std::vector<std::uint64_t> marks(
      static_cast<std::size_t>(std::max<std::int64_t>(0, last - first) / 64 + 1));
  for (const Movable* movable : loose) {
    const SlotRange& held = movable->slots;
    for (const std::int64_t at : {held.first, held.end, held.first - length}) {
      if (at < first || at > last) continue;
      const auto bit = static_cast<std::uint64_t>(at - first);
      marks[bit / 64] |= std::uint64_t{1} << bit % 64;
    }
  }
  for (std::size_t word = 0; word < marks.size(); ++word) {
    for (std::uint64_t left = marks[word]; left != 0; left &= left - 1) {
      const std::int64_t bit = static_cast<std::int64_t>(word) * 64 + std::countr_zero(left);
      starts.push_back({(first + bit) * slot.ms});
    }
  }
  return starts;
}

}  // namespace

std::vector<Opening> openings(const Plan& plan, const Candidate& candidate, const Window& window,
                              const std::vector<const Movable*>& loose) {
  const Duration slot = plan.settings().slot;
  const std::vector<Time> starts = starts_worth_trying(slot, window, loose);
  std::vector<Opening> found;
  const Sums sums(candidate, touched(window.first, window.finish_by, slot));
  const std::size_t stride = starts.size() / kMostStarts + 1;
  for (std::size_t i = 0; i < starts.size(); i += stride) {
    const Time start = starts[i];
    found.push_back(sums.opening(start, touched(start, start + window.duration, slot)));
  }
  std::sort(found.begin(), found.end(), [](const Opening& a, const Opening& b) {
    return std::tie(a.missing, a.cost, a.start) < std::tie(b.missing, b.cost, b.start);
  });
  if (found.size() > kMostOpenings) found.resize(kMostOpenings);
  return found;
}

}  // namespace era
