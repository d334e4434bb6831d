#include "era/yields.h"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

namespace era {

using domain::Placement;
using domain::Resources;
using domain::Shape;

namespace {

constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();

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
    : bookings_(std::move(bookings)), ranges_(bookings_.size()) {
  for (std::uint32_t position = 0; const NodeLine& line : lane.nodes()) {
    if (line.number >= by_number_.size()) by_number_.resize(line.number + 1, kNowhere);
    by_number_[line.number] = position++;
  }
}

void Loose::look_up(std::size_t i) {
  Range& range = ranges_[i];
  if (range.known) return;
  range = {true, positions_.size(), 0};
  for (const std::uint32_t number : bookings_[i]->nodes) {
    const std::uint32_t position = number < by_number_.size() ? by_number_[number] : kNowhere;
    if (position != kNowhere) positions_.push_back(position);
  }
  range.size = positions_.size() - range.first;
}

std::optional<Yields> Yields::find(const Candidate& candidate, SlotRange slots, Loose& loose) {
  const Shape& shape = candidate.ask.shape;
  const bool spread = shape.placement == Placement::spread;
  const auto counted = [&](std::int32_t ranks) { return spread ? std::min(ranks, 1) : ranks; };
  Yields found(candidate, slots);
  found.find_bookings(loose);
  found.find_nodes();
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

void Yields::find_bookings(Loose& loose) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < loose.bookings().size(); ++i) {
    const SlotRange& held = loose.bookings()[i]->slots;
    if (held.first >= slots_.end || slots_.first >= held.end) continue;
    loose.look_up(i);
    found.push_back(i);
  }
  bookings_.reserve(found.size());
  for (const std::size_t i : found) {
    bookings_.push_back({loose.bookings()[i]->booking, loose.positions(i)});
  }
}

/// What every node would yield at most: only those that may hold a rank as things are are looked
/// at.
void Yields::find_nodes() {
  const Lane& lane = *candidate_.lane;
  const Shape& shape = candidate_.ask.shape;
  const std::vector<std::uint8_t> most_free = lane.free_blocks().most_free(slots_);
  others_.resize(lane.nodes().size());
  for (const auto& [booking, positions] : bookings_) {
    for (const std::uint32_t position : positions) {
      others_[position].freed = others_[position].freed + booking->per_rank;
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
  const auto at = static_cast<std::uint32_t>(&line - candidate_.lane->nodes().data());
  std::vector<Part> found;
  for (const auto& [booking, positions] : bookings_) {
    const auto ranks = std::count(positions.begin(), positions.end(), at);
    if (ranks > 0) found.push_back({booking, ranks});
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
