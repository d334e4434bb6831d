#include "era/plan.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/check.h"

namespace era {

using domain::JobId;
using domain::NodeId;
using domain::Time;

namespace {

/// Closed times are known for a while longer than the horizon, so that they need not be looked up
/// whenever it moves.
constexpr domain::Duration kKnownAhead = domain::kDay * 7;

/// The planned slots in which a node is closed or more is promised on it than it has.
std::vector<SlotRange> overloaded(const NodeLine& line, std::int64_t begin) {
  std::vector<SlotRange> slots;
  const auto steps = line.load.all();
  for (std::size_t i = line.load.at(begin); i < line.load.size(); ++i) {
    const Load& load = steps[i].value;
    if (!load.closed && load.promised.fits_in(line.node.capacity)) continue;
    slots.push_back({std::max(begin, steps[i].from), steps[i + 1].from});
  }
  return slots;
}

using Overloads = std::map<NodeId, std::vector<SlotRange>>;

/// True if a node on which something is held until `finish` is gone, closed or overloaded at a
/// planned time of it.
bool is_displaced(const Plan& plan, const Hold& held, Time finish, const Overloads& overloads) {
  if (finish <= plan.begin()) return false;
  return std::any_of(held.nodes.begin(), held.nodes.end(), [&](const NodeId& node) {
    const NodeLine* line = plan.ground().find(node);
    if (line == nullptr || !line->present) return true;
    const auto found = overloads.find(node);
    if (found == overloads.end()) return false;
    return std::any_of(found->second.begin(), found->second.end(), [&](const SlotRange& slots) {
      return held.slots.first < slots.end && slots.first < held.slots.end;
    });
  });
}

bool is_displaced(const Plan& plan, const Booking& booking, const Overloads& overloads) {
  const auto holds = plan.holds_of(booking);
  for (std::size_t i = 0; i < holds.size(); ++i) {
    const Time finish = i == 0 ? booking.finish : booking.later[i - 1].finish;
    if (is_displaced(plan, holds[i], finish, overloads)) return true;
  }
  return false;
}

}  // namespace

void go_to_next_piece(Booking& booking) {
  CHECK(!booking.later.empty(), "its last piece has no next");
  Piece next = std::move(booking.later.front());
  booking.later.erase(booking.later.begin());
  booking.start = next.start;
  booking.finish = next.finish;
  booking.nodes = std::move(next.nodes);
  booking.movable = true;
  booking.resumes = true;
}

domain::Shape shape_of(const Booking& booking) {
  domain::Shape shape = booking.shape;
  if (!booking.widths.empty()) shape.ranks = static_cast<std::int32_t>(booking.nodes.size());
  return shape;
}

domain::Duration length_of(const Booking& booking) {
  return booking.finish - booking.start + length_of(booking.later);
}

Plan::Plan(Settings settings) : settings_(settings), ground_(settings.slot) {
  CHECK(settings.horizon_slots > 0, "a plan looks ahead");
  know_closings();
}

Plan::Plan(const Plan& other)
    : settings_(other.settings_),
      ground_(other.ground_),
      bookings_(other.bookings_),
      movables_(other.movables_) {
  for (Movable& movable : movables_) movable.booking = &bookings_.at(movable.booking->job);
}

Plan& Plan::operator=(const Plan& other) { return *this = Plan(other); }

std::vector<Movable>::iterator Plan::movable_at(JobId job) {
  return std::lower_bound(
      movables_.begin(), movables_.end(), job,
      [](const Movable& movable, JobId wanted) { return movable.booking->job < wanted; });
}

void Plan::keep_movable(const Booking& booking) {
  if (!booking.movable && !booking.preemptible) return;
  const bool last = movables_.empty() || movables_.back().booking->job < booking.job;
  const auto at = last ? movables_.end() : movable_at(booking.job);
  Movable movable{booking.start, touched(booking.start, end_of(booking), settings_.slot), &booking};
  movable.nodes.reserve(booking.nodes.size());
  for (const NodeId& node : booking.nodes) movable.nodes.push_back(ground_.number_of(node));
  movables_.insert(at, std::move(movable));
}

void Plan::drop_movable(JobId job) {
  const auto at = movable_at(job);
  if (at != movables_.end() && at->booking->job == job) movables_.erase(at);
}

void Plan::set_prices(const PriceList& prices) { ground_.set_prices(prices); }
void Plan::set_forecast(const LaneKey& lane, const Forecast& forecast) {
  ground_.set_forecast(lane, forecast);
}
void Plan::put_nodes(const std::vector<PlanNode>& nodes) {
  std::set<NodeId> came;
  for (const PlanNode& node : nodes) {
    if (ground_.find(node.id) == nullptr) came.insert(node.id);
  }
  ground_.put_nodes(nodes);
  if (came.empty()) return;
  // Bookings restored or left before a node came (back) count on it again.
  for (const auto& [job, booking] : bookings_) {
    for (const Hold& held : holds_of(booking)) {
      std::vector<NodeId> here;
      std::ranges::copy_if(held.nodes, std::back_inserter(here),
                           [&](const NodeId& node) { return came.contains(node); });
      if (!here.empty()) ground_.add({held.per_rank, here, held.slots});
    }
  }
}
void Plan::remove_node(const NodeId& id) { ground_.remove_node(id); }

void Plan::advance(Time now) {
  const Time before = horizon_end();
  ground_.advance(now.ms / settings_.slot.ms);
  if (before.ms / kKnownAhead.ms != horizon_end().ms / kKnownAhead.ms) know_closings();
}

void Plan::know_closings() {
  const std::int64_t weeks = horizon_end().ms / kKnownAhead.ms + 1;
  ground_.know_until((kKnownAhead * weeks).ms / settings_.slot.ms);
}

Time Plan::begin() const { return {ground_.begin() * settings_.slot.ms}; }
Time Plan::horizon_end() const { return begin() + settings_.slot * settings_.horizon_slots; }

SlotRange Plan::slots_of(const Booking& booking) const {
  return touched(booking.start, booking.finish, settings_.slot);
}

std::vector<Hold> Plan::holds_of(const Booking& booking) const {
  std::vector<Hold> holds{{booking.per_rank, booking.nodes, slots_of(booking)}};
  for (const Piece& piece : booking.later) {
    holds.push_back(
        {booking.per_rank, piece.nodes, touched(piece.start, piece.finish, settings_.slot)});
  }
  return holds;
}

void Plan::book(const Booking& booking) {
  for (const Hold& held : holds_of(booking))
    CHECK(ground_.fits(held), "what a node has must not be promised twice");
  restore(booking);
}

void Plan::restore(const Booking& booking) {
  CHECK(booking.start < booking.finish, "a booking takes time");
  const auto [kept, is_new] = bookings_.emplace(booking.job, booking);
  CHECK(is_new, "a job is booked once");
  keep_movable(kept->second);
  for (const Hold& held : holds_of(booking)) ground_.add(held);
}

void Plan::unbook(JobId job) {
  const auto found = bookings_.find(job);
  if (found == bookings_.end()) return;
  const Booking& booking = found->second;
  for (const Hold& held : holds_of(booking)) ground_.release(held);
  drop_movable(job);
  bookings_.erase(found);
}

void Plan::pin(JobId job) {
  const auto found = bookings_.find(job);
  if (found == bookings_.end()) return;
  if (!found->second.preemptible) drop_movable(job);
  found->second.movable = false;
}

const Booking* Plan::find(JobId job) const {
  const auto found = bookings_.find(job);
  return found == bookings_.end() ? nullptr : &found->second;
}

std::vector<JobId> Plan::displaced() const {
  Overloads overloads;
  for (const auto& [key, lane] : ground_.lanes()) {
    for (const NodeLine& line : lane.nodes()) {
      auto slots = overloaded(line, ground_.begin());
      if (!slots.empty()) overloads.emplace(line.node.id, std::move(slots));
    }
  }
  std::vector<JobId> jobs;
  for (const auto& [job, booking] : bookings_) {
    if (is_displaced(*this, booking, overloads)) jobs.push_back(job);
  }
  return jobs;
}

}  // namespace era
