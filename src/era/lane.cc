#include "era/lane.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace era {

using domain::NodeId;
using domain::Resources;

Resources NodeLine::free_over(SlotRange slots) const {
  const auto steps = load.all();
  std::size_t i = load.at(slots.first);
  Resources most = steps[i].value.promised;
  for (++i; steps[i].from < slots.end; ++i) {
    const Resources& promised = steps[i].value.promised;
    most.gpus = std::max(most.gpus, promised.gpus);
    most.cpu_millis = std::max(most.cpu_millis, promised.cpu_millis);
    most.memory_bytes = std::max(most.memory_bytes, promised.memory_bytes);
  }
  return node.capacity - most;
}

bool NodeLine::open_over(SlotRange slots) const {
  if (!present) return false;
  if (node.closed.empty() && node.opens_after == domain::Duration{}) return true;
  const auto steps = load.all();
  for (std::size_t i = load.at(slots.first); steps[i].from < slots.end; ++i) {
    if (steps[i].value.closed) return false;
  }
  return true;
}

void NodeLine::close(const std::vector<SlotRange>& slots) {
  for (std::size_t i = 0; i < load.size();) {
    const auto step = load.all()[i];
    if (!step.value.closed) {
      ++i;
      continue;
    }
    // It may become one with the step before it.
    load.change({step.from, load.all()[i + 1].from}, [](Load& value) { value.closed = false; });
    i = i > 0 ? i - 1 : 0;
  }
  for (const SlotRange& range : slots) {
    load.change(range, [](Load& value) { value.closed = true; });
  }
}

Lane::Lane(LaneKey key, std::int64_t begin, std::shared_ptr<const PriceList> prices)
    : key_(std::move(key)),
      prices_(std::move(prices)),
      now_(begin),
      free_blocks_(begin),
      runs_(begin, Run{}) {
  capacity_index(0, 0);
  price_capacities();
}

/// Eight bytes of the id, after what all ids have in common: they compare as the ids do.
std::uint64_t Lane::key_of(const NodeId& id) const {
  std::uint64_t key = 0;
  for (std::size_t i = common_; i < common_ + sizeof key; ++i) {
    key = key << 8 | (i < id.value.size() ? static_cast<unsigned char>(id.value[i]) : 0);
  }
  return key;
}

void Lane::add_key(std::size_t at) {
  const std::string& id = nodes_[at].node.id.value;
  const std::string& other = nodes_[at == 0 ? nodes_.size() - 1 : 0].node.id.value;
  const auto differ = std::mismatch(id.begin(), id.end(), other.begin(), other.end());
  const auto alike = static_cast<std::size_t>(differ.first - id.begin());
  if (nodes_.size() > 1 && alike >= common_) {
    keys_.insert(keys_.begin() + static_cast<std::ptrdiff_t>(at), key_of(nodes_[at].node.id));
    return;
  }
  common_ = alike;
  keys_.clear();
  for (const NodeLine& line : nodes_) keys_.push_back(key_of(line.node.id));
}

std::size_t Lane::position(const NodeId& id) const {
  auto first = nodes_.begin();
  auto end = nodes_.end();
  if (first != end && id.value.compare(0, common_, first->node.id.value, 0, common_) == 0) {
    const auto [low, high] = std::equal_range(keys_.begin(), keys_.end(), key_of(id));
    first = nodes_.begin() + (low - keys_.begin());
    end = nodes_.begin() + (high - keys_.begin());
  }
  const auto at = std::lower_bound(first, end, id, [](const NodeLine& line, const NodeId& wanted) {
    return line.node.id < wanted;
  });
  return static_cast<std::size_t>(at - nodes_.begin());
}

const NodeLine* Lane::find(const NodeId& id) const {
  const std::size_t at = position(id);
  return at < nodes_.size() && nodes_[at].node.id == id ? &nodes_[at] : nullptr;
}

bool Lane::is_priced_by_demand() const {
  return forecast_ != nullptr && forecast_->trust_permille >= 500;
}

bool Lane::has_gpus() const {
  return std::ranges::any_of(
      nodes_, [](const NodeLine& line) { return line.present && line.node.capacity.gpus > 0; });
}

std::size_t Lane::lead_of(std::int64_t slot) const {
  const auto after =
      std::upper_bound(leads_.begin() + 1, leads_.end(), slot - now_,
                       [](std::int64_t ahead, const Lead& lead) { return ahead < lead.slots; });
  return static_cast<std::size_t>(after - leads_.begin()) - 1;
}

std::int64_t Lane::least_slot_cost(const Gang& gang) const {
  const std::int32_t first = prices_->curve.front().rate_permille;
  const std::int64_t permille =
      forecast_ == nullptr ? first : std::min(first, prices_->floor_permille);
  const std::int64_t gpu = (gpu_hour_rate(*prices_, key_.gpu_model).micros * permille + 999) / 1000;
  const std::int64_t core = (prices_->core_hour.micros * permille + 999) / 1000;
  return gang.gpus * gpu + gang.core_units * core;
}

void Lane::set_prices(std::shared_ptr<const PriceList> prices) {
  prices_ = std::move(prices);
  for (Capacity& capacity : capacities_) price(capacity);
}

void Lane::set_forecast(std::shared_ptr<const Forecast> forecast, domain::Duration slot) {
  forecast_ = std::move(forecast);
  leads_ = {Lead{}};
  for (std::size_t row = 1; row < forecast_->leads.size(); ++row) {
    const std::int64_t slots = (forecast_->leads[row].lead.ms + slot.ms - 1) / slot.ms;
    if (slots > leads_.back().slots) leads_.emplace_back();
    leads_.back() = {slots, row};
  }
  for (Capacity& capacity : capacities_) price(capacity);
}

void Lane::trim(std::int64_t slot) {
  now_ = slot;
  runs_.trim(slot);
  free_blocks_.trim(slot);
  for (NodeLine& line : nodes_) line.load.trim(slot);
}

void Lane::delay_opening(domain::Duration slot) {
  const domain::Time now{now_ * slot.ms};
  Pending pending;
  bool is_any_off = false;
  for (NodeLine& line : nodes_) {
    const domain::Duration opens_after = line.node.opens_after;
    if (!line.present || opens_after == domain::Duration{}) continue;
    is_any_off = true;
    close(line, touched(now, now + opens_after, slot), pending);
  }
  if (!is_any_off) return;
  change_runs(pending.slots, pending.by);
  price_capacities();
}

void Lane::insert(NodeLine line) {
  CHECK(find(line.node.id) == nullptr, "a node is in its lane once");
  const auto at = nodes_.begin() + static_cast<std::ptrdiff_t>(position(line.node.id));
  NodeLine& kept = *nodes_.insert(at, std::move(line));
  add_key(static_cast<std::size_t>(&kept - nodes_.data()));
  add_share(kept, true);
  kept.column = free_blocks_.add(kept);
  free_blocks_.follow(kept, {kept.load.begin(), kept.load.all()[kept.load.size() - 1].from});
}

NodeLine Lane::take(const NodeId& id) {
  CHECK(find(id) != nullptr, "only a node that is there can be taken out");
  const auto at = nodes_.begin() + static_cast<std::ptrdiff_t>(position(id));
  add_share(*at, false);
  free_blocks_.drop(at->column);
  NodeLine taken = std::move(*at);
  keys_.erase(keys_.begin() + (at - nodes_.begin()));
  nodes_.erase(at);
  return taken;
}

void Lane::price_capacities() {
  drop_unused_capacities();
  for (Capacity& capacity : capacities_) {
    if (capacity.gpu_prices.empty()) price(capacity);
  }
}

bool Lane::change(const Hold& hold, std::int32_t sign) {
  bool any_absent = false;
  Pending pending;
  for (std::size_t rank = 0; rank < hold.nodes.size();) {
    const NodeId& id = hold.nodes[rank];
    std::int32_t ranks = 0;
    for (; rank < hold.nodes.size() && hold.nodes[rank] == id; ++rank) ranks += sign;
    const std::size_t at = position(id);
    if (at == nodes_.size() || nodes_[at].node.id != id) continue;
    any_absent = any_absent || !nodes_[at].present;
    const Load more{hold.per_rank * ranks, core_units(hold.per_rank) * ranks};
    add_to_node(nodes_[at], hold.slots, more, pending);
  }
  change_runs(pending.slots, pending.by);
  return any_absent;
}

void Lane::add_to_node(NodeLine& line, SlotRange slots, const Load& more, Pending& pending) {
  const auto plus = [&](const Load& load) {
    return Load{load.promised + more.promised, load.core_units + more.core_units, load.closed};
  };
  if (line.present) {
    const auto steps = line.load.all();
    SlotRange same{slots.first, slots.first};
    Share by;
    for (std::size_t i = line.load.at(slots.first); steps[i].from < slots.end; ++i) {
      const Load& load = steps[i].value;
      const Share change = share_of(line, plus(load)) - share_of(line, load);
      if (change != by) {
        queue(pending, same, by);
        same.first = std::max(slots.first, steps[i].from);
        by = change;
      }
      same.end = std::min(slots.end, steps[i + 1].from);
    }
    queue(pending, same, by);
  }
  line.load.change(slots, [&](Load& load) { load = plus(load); });
  free_blocks_.follow(line, slots);
}

void Lane::close(NodeLine& line, SlotRange slots, Pending& pending) {
  for (std::int64_t slot = slots.first; slot < slots.end;) {
    const auto* step = &line.load.all()[line.load.at(slot)];
    const SlotRange same{slot, std::min(slots.end, step[1].from)};
    if (!step->value.closed) {
      queue(pending, same, Share{} - share_of(line, step->value));
      line.load.change(same, [](Load& load) { load.closed = true; });
    }
    slot = same.end;
  }
  free_blocks_.follow(line, slots);
}

void Lane::queue(Pending& pending, SlotRange slots, const Share& by) {
  if (by == Share{}) return;
  if (slots == pending.slots) {
    pending.by = pending.by + by;
    return;
  }
  change_runs(pending.slots, pending.by);
  pending = {slots, by};
}

Lane::Share Lane::share_of(const NodeLine& line, const Load& load) {
  if (load.closed) return {};
  const Resources& capacity = line.node.capacity;
  return {capacity.gpus, capacity.cpu_millis, std::max(0, capacity.gpus - load.promised.gpus),
          std::max<std::int64_t>(0, capacity.cpu_millis - load.promised.cpu_millis),
          load.core_units};
}

void Lane::add_share(const NodeLine& line, bool put_in) {
  if (!line.present) return;
  const auto steps = line.load.all();
  for (std::size_t i = 0; i < line.load.size(); ++i) {
    // The node may have forgotten what was before now, which nobody asks for.
    const SlotRange slots{std::max(steps[i].from, now_), steps[i + 1].from};
    const Share share = share_of(line, steps[i].value);
    change_runs(slots, put_in ? share : Share{} - share);
  }
}

void Lane::change_runs(SlotRange slots, const Share& by) {
  if (by == Share{}) return;
  const bool resized = by.capacity_gpus != 0 || by.capacity_cpu_millis != 0;
  runs_.change(slots, [&](Run& run) {
    run.gpus_free += by.gpus_free;
    run.gpus_promised += by.capacity_gpus - by.gpus_free;
    run.cpu_millis_free += by.cpu_millis_free;
    run.core_units += by.core_units;
    if (!resized) return;
    const Capacity& before = capacity_of(run);
    run.capacity =
        capacity_index(before.gpus + by.capacity_gpus, before.cpu_millis + by.capacity_cpu_millis);
  });
}

std::int32_t Lane::capacity_index(std::int32_t gpus, std::int64_t cpu_millis) {
  for (std::size_t i = 0; i < capacities_.size(); ++i) {
    const Capacity& known = capacities_[i];
    if (known.gpus == gpus && known.cpu_millis == cpu_millis) return static_cast<std::int32_t>(i);
  }
  capacities_.push_back({gpus, cpu_millis, {}, {}});
  return static_cast<std::int32_t>(capacities_.size()) - 1;
}

void Lane::price(Capacity& capacity) const {
  capacity.gpu_prices =
      tables(capacity.gpus, gpu_hour_rate(*prices_, key_.gpu_model), capacity.gpus > 0);
  capacity.core_prices = tables(static_cast<std::int32_t>(capacity.cpu_millis / 1000),
                                prices_->core_hour, capacity.gpus == 0);
}

std::vector<std::shared_ptr<const PriceTable>> Lane::tables(std::int32_t capacity,
                                                            domain::Money unit_hour,
                                                            bool by_demand) const {
  std::vector<std::shared_ptr<const PriceTable>> made;
  if (!by_demand || forecast_ == nullptr || prices_->pricing == Pricing::off) {
    made.assign(leads_.size(),
                std::make_shared<const PriceTable>(capacity, unit_hour, prices_->curve));
    return made;
  }
  for (const Lead& lead : leads_) {
    made.push_back(
        std::make_shared<const PriceTable>(capacity, unit_hour, *prices_, *forecast_, lead.row));
  }
  return made;
}

void Lane::drop_unused_capacities() {
  std::vector<std::int32_t> renumbered(capacities_.size(), -1);
  std::vector<Capacity> kept;
  const auto number = [&](std::int32_t old) {
    std::int32_t& now = renumbered[static_cast<std::size_t>(old)];
    if (now < 0) {
      now = static_cast<std::int32_t>(kept.size());
      kept.push_back(capacities_[static_cast<std::size_t>(old)]);
    }
    return now;
  };
  runs_.change({runs_.begin(), kEndOfTime}, [&](Run& run) { run.capacity = number(run.capacity); });
  capacities_ = std::move(kept);
}

}  // namespace era
