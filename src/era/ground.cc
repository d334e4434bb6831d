#include "era/ground.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace era {

using domain::NodeId;
using domain::Resources;

std::map<NodeId, std::int32_t> ranks_by_node(const std::vector<NodeId>& nodes) {
  std::map<NodeId, std::int32_t> ranks;
  for (const NodeId& node : nodes) ++ranks[node];
  return ranks;
}

namespace {

/// The slots in which `node` is closed and which begin in `known`, in order and apart.
std::vector<SlotRange> closed_slots(const PlanNode& node, SlotRange known, domain::Duration slot) {
  std::vector<SlotRange> all;
  if (node.opens_after > domain::Duration{}) {
    const domain::Time begin{known.first * slot.ms};
    all.push_back(touched(begin, begin + node.opens_after, slot));
  }
  for (const domain::ClosedTime& closed : node.closed) {
    domain::Time at{known.first * slot.ms};
    while (const auto next = domain::next_occurrence(closed, at)) {
      SlotRange slots = touched(next->from, next->until, slot);
      if (slots.first >= known.end) break;
      if (next->until >= domain::kNever) slots.end = kEndOfTime;
      all.push_back(slots);
      at = next->until;
    }
  }
  std::ranges::sort(all, {}, &SlotRange::first);
  std::vector<SlotRange> apart;
  for (const SlotRange& slots : all) {
    if (apart.empty() || slots.first > apart.back().end) {
      apart.push_back(slots);
    } else {
      apart.back().end = std::max(apart.back().end, slots.end);
    }
  }
  return apart;
}

}  // namespace

Ground::Ground(domain::Duration slot)
    : slot_(slot),
      prices_(std::make_shared<const PriceList>(default_prices())),
      numbers_(std::make_shared<NodeNumbers>()) {
  CHECK(slot.ms > 0 && slot <= domain::kHour, "a slot is at most an hour");
}

const Lane* Ground::lane_of(const NodeId& node) const {
  for (const auto& [key, lane] : lanes_) {
    if (lane.find(node) != nullptr) return &lane;
  }
  return nullptr;
}

const NodeLine* Ground::find(const NodeId& node) const {
  const Lane* lane = lane_of(node);
  return lane == nullptr ? nullptr : lane->find(node);
}

void Ground::set_prices(const PriceList& prices) {
  prices_ = std::make_shared<const PriceList>(in_force(prices));
  for (auto& [key, lane] : lanes_) lane.set_prices(prices_);
}

void Ground::set_forecast(const LaneKey& key, const Forecast& forecast) {
  const auto& kept = forecasts_[key] = std::make_shared<const Forecast>(forecast);
  const auto lane = lanes_.find(key);
  if (lane != lanes_.end()) lane->second.set_forecast(kept, slot_);
}

void Ground::advance(std::int64_t slot) {
  if (slot <= begin_) return;
  begin_ = slot;
  for (auto& [key, lane] : lanes_) {
    lane.trim(slot);
    lane.delay_opening(slot_);
  }
}

void Ground::know_until(std::int64_t slot) {
  known_until_ = slot;
  std::vector<PlanNode> again;
  for (const auto& [key, lane] : lanes_) {
    for (const NodeLine& line : lane.nodes()) {
      if (line.present && !line.node.closed.empty()) again.push_back(line.node);
    }
  }
  if (!again.empty()) put_nodes(again);
}

void Ground::put_nodes(const std::vector<PlanNode>& nodes) {
  for (const PlanNode& node : nodes) {
    const Resources& has = node.capacity;
    CHECK(has.gpus >= 0 && has.cpu_millis >= 0 && has.memory_bytes >= 0,
          "a node cannot have less than nothing");
    NodeLine line{node, true, Steps<Load>(begin_, Load{}), number_of(node.id)};
    if (find(node.id) != nullptr) line.load = take(node.id).load;
    line.close(closed_slots(node, {begin_, known_until_}, slot_));
    insert(std::move(line));
  }
  price_capacities();
}

void Ground::remove_node(const NodeId& id) {
  if (find(id) == nullptr) return;
  NodeLine line = take(id);
  line.present = false;
  line.close({});
  insert(std::move(line));
  price_capacities();
  forget_if_gone(id);
}

NodeLine Ground::take(const NodeId& id) {
  const auto lane = lanes_.find(lane_of(id)->key());
  NodeLine line = lane->second.take(id);
  if (lane->second.nodes().empty()) lanes_.erase(lane);
  return line;
}

void Ground::insert(NodeLine line) {
  const LaneKey key{line.node.pool, lower_case(line.node.gpu_model)};
  const auto [lane, is_new] = lanes_.try_emplace(key, key, begin_, prices_);
  const auto forecast = is_new ? forecasts_.find(key) : forecasts_.end();
  if (forecast != forecasts_.end()) lane->second.set_forecast(forecast->second, slot_);
  lane->second.insert(std::move(line));
}

void Ground::price_capacities() {
  for (auto& [key, lane] : lanes_) lane.price_capacities();
}

void Ground::forget_if_gone(const NodeId& id) {
  const NodeLine* line = find(id);
  if (line == nullptr || line->present) return;
  const auto steps = line->load.all();
  for (std::size_t i = line->load.at(begin_); i < line->load.size(); ++i) {
    if (!(steps[i].value == Load{})) return;
  }
  take(id);
  price_capacities();
}

void Ground::change(const Hold& hold, std::int32_t sign) {
  bool any_absent = false;
  for (auto& [key, lane] : lanes_) any_absent = lane.change(hold, sign) || any_absent;
  if (sign > 0 || !any_absent) return;
  for (const NodeId& node : hold.nodes) forget_if_gone(node);
}

void Ground::add(const Hold& hold) { change(hold, 1); }
void Ground::release(const Hold& hold) { change(hold, -1); }

bool Ground::fits(const Hold& hold) const {
  const SlotRange slots{std::max(hold.slots.first, begin_), hold.slots.end};
  if (slots.first >= slots.end) return true;
  for (const auto& [node, ranks] : ranks_by_node(hold.nodes)) {
    const NodeLine* line = find(node);
    if (line == nullptr || !line->open_over(slots)) return false;
    if (!(hold.per_rank * ranks).fits_in(line->free_over(slots))) return false;
  }
  return true;
}

}  // namespace era
