#include "era/search.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace era {

using domain::Duration;
using domain::Time;

namespace {

struct Context {
  const Lane& lane;
  const Ask& ask;
  const Window& window;
  Duration slot;
  Goal goal;
};

/// The start at the very beginning of the window, in the middle of a slot. It may touch one slot
/// more than all others do: whoever starts at once must not pay more than who waits for the next
/// minute.
std::variant<Found, RefusalReason> find_at_first(const Context& in) {
  const Time start = in.window.first;
  const auto cost = cost_from(in.lane, in.ask.gang, start, in.window.duration, in.slot);
  if (!cost || *cost > in.goal.limit) return RefusalReason::no_free_window;
  const SlotRange slots = touched(start, start + in.window.duration, in.slot);
  auto nodes = place(in.lane, in.ask, slots);
  if (!nodes) return RefusalReason::fragmented;
  return Found{start, slots, *cost, std::move(*nodes)};
}

Found found_at(const Context& in, const Stretch& stretch, std::vector<domain::NodeId> nodes) {
  const Time start{std::max(in.window.first.ms, stretch.first * in.slot.ms)};
  const SlotRange slots = touched(start, start + in.window.duration, in.slot);
  return {start, slots, stretch.cost, std::move(nodes)};
}

/// Starts next to each other, and the best stretch from them as far as the lane's sums tell.
struct Part {
  Starts starts;
  Stretch at_best;
};

/// How long a part is at most: a fraction of the stretch, so that what all its stretches have in
/// common tells which nodes not to look at, but not so little that there are too many.
std::int64_t part_length(const Starts& starts) {
  constexpr std::int64_t kLeast = 128;
  return std::max(kLeast, starts.length / 2);
}

bool better(const Stretch& a, const Stretch& b, bool soonest) {
  if (soonest) return a.first < b.first;
  return std::tie(a.cost, a.first) < std::tie(b.cost, b.first);
}

/// The parts of `starts` in which the nodes might hold the ranks, the most promising first.
std::vector<Part> parts_of(const Context& in, const Starts& starts) {
  std::vector<Part> parts;
  const std::int64_t length = part_length(starts);
  for (const Starts& possible : possible_starts(in.lane, in.ask, starts)) {
    for (std::int64_t first = possible.first; first <= possible.last; first += length) {
      const Starts part{starts.length, first, std::min(possible.last, first + length - 1)};
      const auto stretch = cheapest_stretch(in.lane, in.ask.gang, part, in.goal);
      if (stretch) parts.push_back({part, *stretch});
    }
  }
  std::sort(parts.begin(), parts.end(), [&](const Part& a, const Part& b) {
    return better(a.at_best, b.at_best, in.goal.soonest);
  });
  return parts;
}

/// The best stretch among all at which the nodes hold the ranks. Parts that could not be better
/// than what was found are not looked into.
std::optional<Stretch> best_placeable(const Context& in, const Starts& starts) {
  std::optional<Stretch> best;
  Goal goal = in.goal;
  for (const Part& part : parts_of(in, starts)) {
    if (best && better(*best, part.at_best, goal.soonest)) break;
    for (const Starts& open : placeable_starts(in.lane, in.ask, part.starts)) {
      const auto stretch = cheapest_stretch(in.lane, in.ask.gang, open, goal);
      if (!stretch || (best && !better(*stretch, *best, goal.soonest))) continue;
      best = stretch;
      if (goal.soonest) break;
      goal.limit = stretch->cost;
    }
  }
  return best;
}

std::variant<Found, RefusalReason> find_on_slots(const Context& in, const Starts& starts) {
  const auto stretch = cheapest_stretch(in.lane, in.ask.gang, starts, in.goal);
  if (!stretch) return RefusalReason::no_free_window;
  const SlotRange slots{stretch->first, stretch->first + starts.length};
  if (auto nodes = place(in.lane, in.ask, slots)) return found_at(in, *stretch, std::move(*nodes));

  const auto next_best = best_placeable(in, starts);
  if (!next_best) return RefusalReason::fragmented;
  auto nodes = place(in.lane, in.ask, {next_best->first, next_best->first + starts.length});
  CHECK(nodes.has_value(), "a start that was worked out as placeable has a place");
  return found_at(in, *next_best, std::move(*nodes));
}

}  // namespace

std::optional<std::int64_t> cost_from(const Lane& lane, const Gang& gang, Time start,
                                      Duration duration, Duration slot) {
  const SlotRange slots = touched(start, start + duration, slot);
  const auto cost = cost_over(lane, gang, slots);
  const std::int64_t needed = (duration.ms + slot.ms - 1) / slot.ms;
  if (!cost || slots.end - slots.first <= needed) return cost;
  const Duration before{start.ms - slots.first * slot.ms};
  const Duration after{slots.end * slot.ms - (start + duration).ms};
  const auto first = cost_over(lane, gang, {slots.first, slots.first + 1});
  const auto last = cost_over(lane, gang, {slots.end - 1, slots.end});
  return *cost - (*first * before.ms + *last * after.ms) / slot.ms;
}

std::variant<Found, RefusalReason> find_place(const Lane& lane, const Ask& ask,
                                              const Window& window, Duration slot,
                                              const Goal& goal) {
  Context in{lane, ask, window, slot, goal};
  if (window.first + window.duration > window.finish_by) return RefusalReason::no_free_window;
  if (window.only_first) return find_at_first(in);

  const Time last = window.finish_by - window.duration;
  Starts starts{(window.duration.ms + slot.ms - 1) / slot.ms, window.first.ms / slot.ms,
                last.ms / slot.ms};
  const SlotRange at_first = touched(window.first, window.first + window.duration, slot);
  if (at_first.end - at_first.first == starts.length) return find_on_slots(in, starts);

  auto first = find_at_first(in);
  const Found* found_first = std::get_if<Found>(&first);
  if (found_first != nullptr) {
    if (goal.soonest) return first;
    in.goal.limit = found_first->cost - 1;
  }
  ++starts.first;
  auto later = find_on_slots(in, starts);
  if (std::holds_alternative<Found>(later) || found_first == nullptr) {
    const bool fragmented = std::holds_alternative<RefusalReason>(later) &&
                            std::get<RefusalReason>(first) == RefusalReason::fragmented;
    return fragmented ? std::move(first) : std::move(later);
  }
  return first;
}

}  // namespace era
