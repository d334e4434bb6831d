#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "domain/time.h"

namespace era {

/// Slots are numbered from the Unix epoch. Past every slot that can be asked for.
inline constexpr std::int64_t kEndOfTime = std::numeric_limits<std::int64_t>::max();

/// The slots [first, end).
struct SlotRange {
  std::int64_t first = 0;
  std::int64_t end = 0;
  friend bool operator==(const SlotRange&, const SlotRange&) = default;
};

/// Every slot that [start, finish) touches.
constexpr SlotRange touched(domain::Time start, domain::Time finish, domain::Duration slot) {
  return {start.ms / slot.ms, (finish.ms + slot.ms - 1) / slot.ms};
}

/// A value over time that changes at few moments: a sorted list of steps without equal neighbours.
/// Finding is O(log steps), changing a range is O(steps). A copy shares the steps until either
/// changes: copying is O(1), and both belong to one thread.
template <class Value>
class Steps {
 public:
  struct Step {
    std::int64_t from;
    Value value;
    friend bool operator==(const Step&, const Step&) = default;
  };

  Steps(std::int64_t begin, const Value& value)
      : steps_(std::make_shared<List>(List{{begin, value}, {kEndOfTime, value}})), all_(*steps_) {}

  /// All steps, and one more that starts at kEndOfTime, so that step i always ends at [i + 1].from.
  std::span<const Step> all() const { return all_; }
  std::size_t size() const { return all_.size() - 1; }
  std::int64_t begin() const { return all_.front().from; }

  /// The step that holds `slot`; the first one for slots before the beginning.
  std::size_t at(std::int64_t slot) const {
    const auto after =
        std::upper_bound(all_.begin() + 1, all_.end() - 1, slot,
                         [](std::int64_t wanted, const Step& step) { return wanted < step.from; });
    return static_cast<std::size_t>(after - all_.begin()) - 1;
  }

  /// Applies `modify` to the value of every step in `range`. It must keep different values
  /// different, as adding a constant does. What lies before the beginning is left out.
  template <class Modify>
  void change(SlotRange range, const Modify& modify) {
    range.first = std::max(range.first, begin());
    if (range.first >= range.end) return;
    List& steps = own();
    const std::size_t first = split(steps, range.first);
    const std::size_t end = split(steps, range.end);
    for (std::size_t i = first; i < end; ++i) modify(steps[i].value);
    join(steps, end);
    join(steps, first);
    all_ = steps;
  }

  /// Forgets the steps that end at or before `slot`. Waits until that halves the list, so that the
  /// cost is O(1) a step.
  void trim(std::int64_t slot) {
    const std::size_t kept_from = at(slot);
    if (kept_from * 2 < all_.size()) return;
    List& steps = own();
    steps.erase(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(kept_from));
    all_ = steps;
  }

 private:
  using List = std::vector<Step>;

  /// The steps, not shared with any copy.
  List& own() {
    if (steps_.use_count() > 1) steps_ = std::make_shared<List>(*steps_);
    return *steps_;
  }

  std::size_t split(List& steps, std::int64_t slot) {
    all_ = steps;
    if (slot == kEndOfTime) return steps.size() - 1;
    const std::size_t i = at(slot);
    if (steps[i].from == slot) return i;
    const Step later{slot, steps[i].value};
    steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(i) + 1, later);
    return i + 1;
  }

  static void join(List& steps, std::size_t i) {
    if (i == 0 || i + 1 >= steps.size() || !(steps[i - 1].value == steps[i].value)) return;
    steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(i));
  }

  std::shared_ptr<List> steps_;
  std::span<const Step> all_;  ///< Of steps_: reading is one look-up less.
};

}  // namespace era
