#include "era/cheapest.h"

#include <algorithm>

namespace era {
namespace {

/// One end of the stretch: the run it lies in, and what a slot of that run costs. Does what
/// Lane::slot_cost does, but looks prices up only where the capacity changes, and at cores only for
/// gangs that ask for some.
template <bool kCores>
class Edge {
 public:
  Edge(const Lane& lane, const Gang& gang, std::size_t run)
      : lane_(&lane), gang_(gang), step_(&lane.runs().all()[run]) {
    look();
  }
  std::int64_t cost() const { return cost_; }
  bool infeasible() const { return cost_ == Lane::kInfeasible; }
  std::int64_t end() const { return step_[1].from; }
  // Inlined by force: these few lines are run for every step of the lane.
  [[gnu::always_inline]] void next() {
    ++step_;
    look();
  }
  /// To a run that is known not to be too full.
  [[gnu::always_inline]] void next_feasible() {
    ++step_;
    look_up_prices();
  }

 private:
  [[gnu::always_inline]] void look() {
    const Run& run = step_->value;
    look_up_prices();
    const bool full =
        gang_.gpus > run.gpus_free || (kCores && gang_.cpu_millis > run.cpu_millis_free);
    if (full) cost_ = Lane::kInfeasible;
  }
  [[gnu::always_inline]] void look_up_prices() {
    const Run& run = step_->value;
    if (run.capacity != capacity_) [[unlikely]] {
      capacity_ = run.capacity;
      gpu_totals_ = lane_->capacity_of(run).gpu_prices->totals();
    }
    if (gang_.gpus <= run.gpus_free) [[likely]] {
      const std::int64_t* promised = gpu_totals_ + run.gpus_promised;
      cost_ = promised[gang_.gpus] - promised[0];
    }
    if constexpr (kCores) {
      cost_ += lane_->capacity_of(run).core_prices->cost(run.core_units, gang_.core_units);
    }
  }

  const Lane* lane_;
  Gang gang_;
  const Steps<Run>::Step* step_;
  std::int32_t capacity_ = -1;
  const std::int64_t* gpu_totals_ = nullptr;
  std::int64_t cost_ = 0;
};

/// A stretch that is slid along the lane, from one moment at which an end crosses a step to the
/// next.
template <bool kCores>
class Slide {
 public:
  Slide(const Lane& lane, const Gang& gang, const Starts& starts)
      : starts_(starts),
        start_(starts.first),
        tail_(lane, gang, lane.runs().at(starts.first)),
        head_(tail_) {
    gather();
  }

  bool done() const { return start_ > starts_.last; }
  Stretch here() const { return {start_, cost_}; }

  /// The soonest start from here to the next crossing that costs at most `limit`.
  std::optional<Stretch> soonest_within(std::int64_t limit) const {
    if (cost_ <= limit) return here();
    const std::int64_t slope = slope_here();
    if (slope >= 0) return std::nullopt;
    const std::int64_t steps = (cost_ - limit - slope - 1) / -slope;
    if (steps >= room() || start_ + steps > starts_.last) return std::nullopt;
    return Stretch{start_ + steps, cost_ + steps * slope};
  }

  /// Goes to the next crossing, or past what is too full.
  [[gnu::always_inline]] void advance() {
    if (start_ >= starts_.last) {
      start_ = starts_.last + 1;
    } else if (head_.infeasible()) {
      skip_to(head_.end());
    } else {
      const std::int64_t tail_end = tail_.end();
      const std::int64_t head_end = head_.end() - starts_.length;
      const std::int64_t next = std::min({tail_end, head_end, starts_.last});
      cost_ += (next - start_) * (head_.cost() - tail_.cost());
      start_ = next;
      if (tail_end == next) tail_.next_feasible();
      if (head_end == next) head_.next();
    }
  }

 private:
  std::int64_t slope_here() const { return head_.infeasible() ? 0 : head_.cost() - tail_.cost(); }
  std::int64_t room() const {
    return std::min(tail_.end() - start_, head_.end() - start_ - starts_.length);
  }

  /// Starts anew at `slot`, where head_'s run ends.
  void skip_to(std::int64_t slot) {
    if (slot > starts_.last) {
      start_ = starts_.last + 1;
      return;
    }
    start_ = slot;
    head_.next();
    tail_ = head_;
    gather();
  }

  /// Sums the stretch that starts at start_, in tail_'s run; further on if something there is too
  /// full. Leaves head_ at the run that holds the first slot after the stretch.
  void gather() {
    cost_ = 0;
    std::int64_t at = start_;
    while (at < start_ + starts_.length) {
      const std::int64_t until = std::min(head_.end(), start_ + starts_.length);
      if (head_.infeasible()) {
        start_ = at = head_.end();
        if (start_ > starts_.last) return;
        head_.next();
        tail_ = head_;
        cost_ = 0;
        continue;
      }
      cost_ += (until - at) * head_.cost();
      at = until;
      if (head_.end() == until) head_.next();
    }
  }

  Starts starts_;
  std::int64_t start_;
  std::int64_t cost_ = 0;
  Edge<kCores> tail_;
  Edge<kCores> head_;
};

template <bool kCores>
std::optional<Stretch> find(Slide<kCores> slide, const Goal& goal, std::int64_t least) {
  if (goal.soonest) {
    std::optional<Stretch> found;
    for (; !slide.done() && !found; slide.advance()) found = slide.soonest_within(goal.limit);
    return found;
  }
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  Stretch best{0, kNone};
  for (; !slide.done() && best.cost > least; slide.advance()) {
    if (slide.here().cost < best.cost) best = slide.here();
  }
  if (best.cost == kNone || best.cost > goal.limit) return std::nullopt;
  return best;
}

}  // namespace

std::optional<Stretch> cheapest_stretch(const Lane& lane, const Gang& gang, const Starts& starts,
                                        const Goal& goal) {
  if (starts.last < starts.first) return std::nullopt;
  const std::int64_t least = lane.least_slot_cost(gang) * starts.length;
  if (least > goal.limit) return std::nullopt;
  const bool cores = gang.cpu_millis > 0;
  return cores ? find(Slide<true>(lane, gang, starts), goal, least)
               : find(Slide<false>(lane, gang, starts), goal, least);
}

std::optional<std::int64_t> cost_over(const Lane& lane, const Gang& gang, SlotRange slots) {
  std::int64_t sum = 0;
  const auto runs = lane.runs().all();
  for (std::size_t i = lane.runs().at(slots.first); runs[i].from < slots.end; ++i) {
    const std::int64_t cost = lane.slot_cost(runs[i].value, gang);
    if (cost == Lane::kInfeasible) return std::nullopt;
    sum += cost * (std::min(slots.end, runs[i + 1].from) - std::max(slots.first, runs[i].from));
  }
  return sum;
}

}  // namespace era
