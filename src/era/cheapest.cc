#include "era/cheapest.h"

#include <algorithm>
#include <memory>
#include <span>

namespace era {
namespace {

using Step = Steps<Run>::Step;

/// How many runs are laid out before the stretch is slid over them: a search that stops early does
/// not lay out the rest.
constexpr std::ptrdiff_t kRunsAtOnce = 256;
/// A line of slots is used up to so many slots a run, a line of segments above.
constexpr std::int64_t kSlotsARun = 4;

/// What a slot of a run costs one gang: the only place where the search turns a run into a cost.
/// Does what Lane::slot_cost does, but looks tables up only where the capacity changes, and at
/// cores only for gangs that ask for some.
template <bool kCores>
class Costs {
 public:
  Costs(const Lane& lane, const Gang& gang, std::int64_t slot)
      : lane_(lane), gang_(gang), lead_(lane.lead_of(slot)), lead_end_(lane.lead_end(lead_)) {}

  const Lane& lane() const { return lane_; }
  /// Where the present lead ends, and with it its prices.
  std::int64_t lead_end() const { return lead_end_; }
  /// Goes on to the lead of `slot`.
  void go_to(std::int64_t slot) {
    while (slot >= lead_end_) {
      lead_end_ = lane_.lead_end(++lead_);
      capacity_ = -1;
    }
  }

  // Inlined by force: these few lines are run for every run of the lane.
  [[gnu::always_inline]] std::int64_t of(const Run& run) {
    const bool full =
        gang_.gpus > run.gpus_free || (kCores && gang_.cpu_millis > run.cpu_millis_free);
    if (full) return Lane::kInfeasible;
    if (run.capacity != capacity_) [[unlikely]]
      look_up(run);
    const std::int64_t* promised = gpu_totals_ + run.gpus_promised;
    std::int64_t cost = promised[gang_.gpus] - promised[0];
    if constexpr (kCores) cost += core_prices_->cost(run.core_units, gang_.core_units);
    return cost;
  }

 private:
  [[gnu::always_inline]] void look_up(const Run& run) {
    const Capacity& capacity = lane_.capacity_of(run);
    capacity_ = run.capacity;
    gpu_totals_ = capacity.gpu_prices[lead_]->totals();
    core_prices_ = capacity.core_prices[lead_].get();
  }

  const Lane& lane_;
  const Gang gang_;
  std::size_t lead_;
  std::int64_t lead_end_;
  std::int32_t capacity_ = -1;
  const std::int64_t* gpu_totals_ = nullptr;
  const PriceTable* core_prices_ = nullptr;
};

/// The best stretch so far, and whether it is good enough to stop.
class Best {
 public:
  Best(const Goal& goal, std::int64_t least) : goal_(goal), enough_(least) {
    if (goal.limit < kNone) best_.cost = goal.limit + 1;
    if (goal.soonest) enough_ = goal.limit;
  }
  bool beaten_by(std::int64_t cost) const { return cost < best_.cost; }
  /// Returns true if there is nothing more to look for.
  bool take(const Stretch& better) {
    best_ = better;
    any_ = true;
    return better.cost <= enough_;
  }
  /// Takes the best between two starts, from which on and up to which the cost is linear.
  bool take_between(const Stretch& before, const Stretch& after) {
    if (!goal_.soonest) return take(after);
    const std::int64_t slope = (after.cost - before.cost) / (after.first - before.first);
    const std::int64_t steps = (before.cost - goal_.limit - slope - 1) / -slope;
    return take({before.first + steps, before.cost + steps * slope});
  }
  std::optional<Stretch> found() const { return any_ ? std::optional(best_) : std::nullopt; }

 private:
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  Goal goal_;
  std::int64_t enough_;
  Stretch best_{0, kNone};
  bool any_ = false;
};

/// Where a line is laid out: on the stack, unless it is very long. Not filled beforehand.
template <class Unit>
class Space {
 public:
  explicit Space(std::int64_t size) {
    if (size > kNear) far_ = std::make_unique_for_overwrite<Unit[]>(static_cast<std::size_t>(size));
  }
  Unit* units() { return far_ ? far_.get() : near_; }

 private:
  static constexpr std::int64_t kNear = 128 * 1024 / sizeof(Unit);
  Unit near_[kNear];
  std::unique_ptr<Unit[]> far_;
};

/// Slots without a full one, as the sums of their costs: what a stretch costs is a difference. For
/// lanes in which nearly every slot differs.
class SlotLine {
 public:
  using Unit = std::int64_t;
  static std::int64_t size(std::int64_t slots, std::int64_t /*runs*/) { return slots + 1; }
  SlotLine(std::int64_t length, Unit* sums) : length_(length), sums_(sums) {}

  void restart(std::int64_t at) {
    begin_ = at;
    laid_ = 0;
    slid_ = 0;
    sums_[0] = total_ = 0;
  }
  [[gnu::always_inline]] void lay(std::int64_t slots, std::int64_t cost) {
    const std::int64_t until = laid_ + slots;
    while (laid_ < until) sums_[++laid_] = total_ += cost;
  }
  /// Looks at all starts that were not looked at before; true if there is nothing more to find.
  [[gnu::always_inline]] bool slide(Best& best) {
    const std::int64_t* tail = sums_;
    const std::int64_t* head = sums_ + length_;
    for (; slid_ + length_ <= laid_; ++slid_) {
      const std::int64_t cost = head[slid_] - tail[slid_];
      if (best.beaten_by(cost)) [[unlikely]] {
        if (best.take({begin_ + slid_, cost})) return true;
      }
    }
    return false;
  }

 private:
  std::int64_t length_;
  std::int64_t* sums_;
  std::int64_t begin_ = 0;
  std::int64_t laid_ = 0;
  std::int64_t total_ = 0;
  std::int64_t slid_ = 0;
};

/// Slots without a full one, as segments of equal cost. The stretch is slid from one moment at
/// which an end crosses into another segment to the next.
class SegmentLine {
 public:
  struct Segment {
    std::int64_t from;
    std::int64_t cost;
  };
  using Unit = Segment;
  static std::int64_t size(std::int64_t /*slots*/, std::int64_t runs) { return runs + 1; }
  SegmentLine(std::int64_t length, Unit* segments) : length_(length), segments_(segments) {}

  void restart(std::int64_t at) {
    end_ = segments_;
    *end_ = {at, 0};
    tail_ = head_ = segments_;
    filled_ = 0;
    here_ = {at, 0};
  }
  [[gnu::always_inline]] void lay(std::int64_t slots, std::int64_t cost) {
    end_->cost = cost;
    end_[1].from = end_->from + slots;
    ++end_;
  }
  [[gnu::always_inline]] bool slide(Best& best) {
    if (filled_ < length_ && fill(best)) return true;
    if (filled_ < length_) return false;
    const Segment* tail = tail_;
    const Segment* head = head_;
    Stretch here = here_;
    while (head < end_) {
      // Without a jump: which end crosses first cannot be foreseen.
      const std::int64_t tail_end = tail[1].from;
      const std::int64_t head_end = head[1].from - length_;
      const std::int64_t next = std::min(tail_end, head_end);
      const Stretch before = here;
      here = {next, here.cost + (next - here.first) * (head->cost - tail->cost)};
      tail += tail_end == next ? 1 : 0;
      head += head_end == next ? 1 : 0;
      if (best.beaten_by(here.cost)) [[unlikely]] {
        if (best.take_between(before, here)) return true;
      }
    }
    tail_ = tail;
    head_ = head;
    here_ = here;
    return false;
  }

 private:
  /// Sums the first stretch, as far as it is laid out.
  bool fill(Best& best) {
    while (filled_ < length_ && head_ < end_) {
      const std::int64_t until = std::min(head_[1].from, here_.first + length_);
      here_.cost += (until - here_.first - filled_) * head_->cost;
      filled_ = until - here_.first;
      if (head_[1].from == until) ++head_;
    }
    return filled_ == length_ && best.beaten_by(here_.cost) && best.take(here_);
  }

  std::int64_t length_;
  Segment* segments_;
  Segment* end_ = nullptr;  ///< Where what is laid out ends; only its `from` is known.
  const Segment* tail_ = nullptr;
  const Segment* head_ = nullptr;
  std::int64_t filled_ = 0;  ///< How many slots of the first stretch are summed.
  Stretch here_;
};

/// Lays out what the runs cost and slides the stretch over it, anew after each full slot.
template <class Line, bool kCores>
std::optional<Stretch> sweep(Costs<kCores> costs, std::span<const Step> runs, const Starts& starts,
                             Best best) {
  const std::int64_t end = starts.last + starts.length;
  const std::int64_t most_segments = std::ssize(runs) + costs.lane().leads();
  Space<typename Line::Unit> space(Line::size(end - starts.first, most_segments));
  Line line(starts.length, space.units());
  std::int64_t at = starts.first;
  line.restart(at);
  const Step* const last = runs.data() + runs.size();
  for (const Step* run = runs.data(); run < last;) {
    const Step* const pause = run + std::min(kRunsAtOnce, last - run);
    std::int64_t cost = 0;
    for (; run < pause; ++run) {
      cost = costs.of(run->value);
      if (cost == Lane::kInfeasible) break;
      const std::int64_t until = std::min(end, run[1].from);
      while (until >= costs.lead_end()) [[unlikely]] {
        line.lay(costs.lead_end() - at, cost);
        at = costs.lead_end();
        costs.go_to(at);
        cost = costs.of(run->value);
      }
      if (until > at) line.lay(until - at, cost);
      at = until;
    }
    if (line.slide(best)) break;
    if (cost != Lane::kInfeasible) continue;
    if (++run == last) break;
    at = run->from;
    costs.go_to(at);
    line.restart(at);
  }
  return best.found();
}

template <bool kCores>
std::optional<Stretch> search(const Lane& lane, const Gang& gang, const Starts& starts,
                              const Best& best) {
  const std::int64_t end = starts.last + starts.length;
  const std::size_t first = lane.runs().at(starts.first);
  const std::size_t count = lane.runs().at(end - 1) + 1 - first;
  const auto runs = lane.runs().all().subspan(first, count);
  const bool jagged = end - starts.first <= kSlotsARun * std::ssize(runs);
  const Costs<kCores> costs(lane, gang, starts.first);
  return jagged ? sweep<SlotLine>(costs, runs, starts, best)
                : sweep<SegmentLine>(costs, runs, starts, best);
}

}  // namespace

std::optional<Stretch> cheapest_stretch(const Lane& lane, const Gang& gang, const Starts& starts,
                                        const Goal& goal) {
  if (starts.last < starts.first) return std::nullopt;
  const std::int64_t least = lane.least_slot_cost(gang) * starts.length;
  if (least > goal.limit) return std::nullopt;
  const Best best(goal, least);
  const bool cores = gang.cpu_millis > 0;
  return cores ? search<true>(lane, gang, starts, best) : search<false>(lane, gang, starts, best);
}

std::optional<std::int64_t> cost_over(const Lane& lane, const Gang& gang, SlotRange slots) {
  std::int64_t sum = 0;
  for (Stages stage(lane, slots.first); stage.from() < slots.end; stage.next()) {
    const std::int64_t cost = lane.slot_cost(stage.run(), stage.lead(), gang);
    if (cost == Lane::kInfeasible) return std::nullopt;
    sum += cost * (std::min(slots.end, stage.end()) - stage.from());
  }
  return sum;
}

}  // namespace era
