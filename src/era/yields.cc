#include "era/yields.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace era {

using domain::Placement;
using domain::Resources;
using domain::Shape;

namespace {

class Harder {
 public:
  explicit Harder(const Shape& shape) : packed_(shape.placement == Placement::packed) {}
  bool operator()(const Yield& a, const Yield& b) const {
    const auto gain = [](const Yield& y) { return std::int64_t{y.ranks_then - y.ranks_now}; };
    if (packed_ && a.ranks_then != b.ranks_then) return a.ranks_then < b.ranks_then;
    const std::int64_t left = a.in_the_way * gain(b);
    const std::int64_t right = b.in_the_way * gain(a);
    return std::tie(left, a.line) > std::tie(right, b.line);  // Lines lie in the order of ids.
  }

 private:
  bool packed_;
};

}  // namespace

Loose::Loose(const Lane& lane, std::vector<const Movable*> bookings)
    : bookings_(std::move(bookings)) {
  for (std::size_t position = 0; const NodeLine& line : lane.nodes()) {
    if (line.number >= positions_.size()) positions_.resize(line.number + 1, kNowhere);
    positions_[line.number] = position++;
  }
}

std::optional<Yields> Yields::find(const Candidate& candidate, SlotRange slots,
                                   const Loose& loose) {
  const Shape& shape = candidate.ask.shape;
  const bool spread = shape.placement == Placement::spread;
  const auto counted = [&](std::int32_t ranks) { return spread ? std::min(ranks, 1) : ranks; };
  Yields found(candidate, slots);
  found.find_bookings(loose);
  found.find_nodes(loose);
  found.missing_ = shape.ranks;
  std::int64_t missing_then = shape.ranks;
  for (const Yield& yield : found.others_) {
    found.missing_ -= counted(yield.ranks_now);
    missing_then -= counted(yield.ranks_then);
  }
  if (missing_then > 0) return std::nullopt;
  std::erase_if(found.others_, [](const Yield& y) { return y.ranks_then <= y.ranks_now; });
  std::make_heap(found.others_.begin(), found.others_.end(), Harder(shape));
  return found;
}

void Yields::find_bookings(const Loose& loose) {
  for (const Movable* movable : loose.bookings()) {
    const SlotRange& held = movable->slots;
    if (held.first < slots_.end && slots_.first < held.end) in_the_way_.push_back(movable);
  }
}

/// What every node would yield at most: only those that may hold a rank as things are are looked
/// at.
void Yields::find_nodes(const Loose& loose) {
  const Lane& lane = *candidate_.lane;
  const Shape& shape = candidate_.ask.shape;
  const std::vector<std::uint8_t> most_free = lane.free_blocks().most_free(slots_);
  others_.resize(lane.nodes().size());
  for (const Movable* movable : in_the_way_) {
    for (const std::uint32_t number : movable->nodes) {
      const std::size_t position = loose.position_of(number);
      if (position == Loose::kNowhere) continue;
      others_[position].freed = others_[position].freed + movable->booking->per_rank;
    }
  }
  for (std::size_t i = 0; i < others_.size(); ++i) {
    Yield& yield = others_[i];
    yield.line = &lane.nodes()[i];
    if (!yield.line->open_over(slots_)) continue;
    yield.in_the_way = std::int64_t{yield.freed.gpus} * 1000 + yield.freed.cpu_millis;
    const std::uint8_t most = most_free[yield.line->column];
    if (may_hold(most, shape.per_rank.gpus)) {
      look(yield);
      continue;
    }
    yield.free = yield.line->node.capacity;
    yield.free.gpus = most;
    if (yield.in_the_way > 0) yield.ranks_then = ranks_in(yield.free + yield.freed, shape);
  }
}

/// Looks at what is promised on the node, instead of what it has free at most.
void Yields::look(Yield& yield) const {
  yield.known = true;
  yield.free = yield.line->free_over(slots_);
  yield.ranks_now = ranks_in(yield.free, candidate_.ask.shape);
  yield.ranks_then = ranks_in(yield.free + yield.freed, candidate_.ask.shape);
}

const Yield* Yields::after(std::size_t easier) {
  const Harder harder(candidate_.ask.shape);
  while (easiest_.size() <= easier && !others_.empty()) {
    std::pop_heap(others_.begin(), others_.end(), harder);
    Yield next = others_.back();
    others_.pop_back();
    if (next.known) {
      easiest_.push_back(next);
      continue;
    }
    look(next);
    if (next.ranks_then <= next.ranks_now) continue;
    others_.push_back(next);
    std::push_heap(others_.begin(), others_.end(), harder);
  }
  return easier < easiest_.size() ? &easiest_[easier] : nullptr;
}

std::vector<Part> Yields::smallest_on(const NodeLine& line) const {
  std::vector<Part> found;
  for (const Movable* movable : in_the_way_) {
    const auto ranks = std::ranges::count(movable->nodes, line.number);
    if (ranks > 0) found.push_back({movable->booking, ranks});
  }
  std::sort(found.begin(), found.end(), [](const Part& left, const Part& right) {
    const Booking* a = left.booking;
    const Booking* b = right.booking;
    return std::tuple(a->nodes.size(), a->per_rank.gpus, b->job) <
           std::tuple(b->nodes.size(), b->per_rank.gpus, a->job);
  });
  return found;
}

std::size_t Yields::evictions_needed(std::size_t most) {
  std::set<const Booking*> gone;
  std::int64_t missing = missing_;
  for (std::size_t i = 0; missing > 0 && gone.size() < most; ++i) {
    const Yield* yield = after(i);
    if (yield == nullptr) return most;
    Resources free = yield->free;
    for (const auto& [booking, ranks] : smallest_on(*yield->line)) {
      if (ranks_in(free, candidate_.ask.shape) >= yield->ranks_then) break;
      free = free + booking->per_rank * ranks;
      gone.insert(booking);
    }
    missing -= ranks_in(free, candidate_.ask.shape) - yield->ranks_now;
  }
  return std::min(gone.size(), most);
}

}  // namespace era
