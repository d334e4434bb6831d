#include "era/elastic_places.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>
#include <optional>
#include <set>

#include "base/check.h"

namespace era {
namespace {

using domain::JobId;

std::uint64_t mask_of(std::int32_t first, std::int32_t gpus) {
  const std::uint64_t ones = gpus >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << gpus) - 1;
  return ones << first;
}

class Placing {
 public:
  Placing(const ElasticNodes& nodes, const std::map<JobId, std::int32_t>& widths)
      : nodes_(nodes), widths_(widths), used_(static_cast<std::size_t>(nodes.nodes)) {}

  ElasticPlaces place(const ElasticPlaces& before) {
    for (const auto& [id, gpus] : widths_) {
      const auto known = before.find(id);
      if (known != before.end() && fits(known->second, gpus)) {
        put(id, known->second);
      } else {
        waiting_.insert({gpus, id});
      }
    }
    while (!waiting_.empty()) {
      const auto [gpus, id] = *waiting_.begin();
      waiting_.erase(waiting_.begin());
      put(id, gpus <= nodes_.gpus_per_node ? find_block(gpus) : find_nodes(gpus));
    }
    return std::move(places_);
  }

 private:
  std::uint64_t& used(std::int32_t node) { return used_[static_cast<std::size_t>(node)]; }

  bool fits(const std::vector<GpuBlock>& blocks, std::int32_t gpus) {
    std::int32_t sum = 0;
    for (const GpuBlock& block : blocks) {
      if (block.node >= nodes_.nodes || block.first + block.gpus > nodes_.gpus_per_node ||
          (used(block.node) & mask_of(block.first, block.gpus)) != 0) {
        return false;
      }
      sum += block.gpus;
    }
    return sum == gpus;
  }

  void put(JobId id, std::vector<GpuBlock> blocks) {
    for (const GpuBlock& block : blocks) used(block.node) |= mask_of(block.first, block.gpus);
    places_[id] = std::move(blocks);
  }

  /// Takes away the jobs that touch `block`; they wait for another place.
  void clear(const GpuBlock& block) {
    const std::uint64_t mask = mask_of(block.first, block.gpus);
    if ((used(block.node) & mask) == 0) return;
    std::erase_if(places_, [&](const auto& entry) {
      const auto& [id, blocks] = entry;
      const bool touches = std::ranges::any_of(blocks, [&](const GpuBlock& other) {
        return other.node == block.node && (mask_of(other.first, other.gpus) & mask) != 0;
      });
      if (!touches) return false;
      for (const GpuBlock& other : blocks) used(other.node) &= ~mask_of(other.first, other.gpus);
      waiting_.insert({widths_.at(id), id});
      return true;
    });
  }

  /// Per node the GPUs of jobs with at least `gpus`, which do not give way to one of that width.
  std::vector<std::uint64_t> held_by_wide(std::int32_t gpus) const {
    std::vector<std::uint64_t> held(used_.size());
    for (const auto& [id, blocks] : places_) {
      if (widths_.at(id) < gpus) continue;
      for (const GpuBlock& block : blocks) {
        held[static_cast<std::size_t>(block.node)] |= mask_of(block.first, block.gpus);
      }
    }
    return held;
  }

  /// The block with the fewest GPUs in use, in the node with the fewest free ones: a free block
  /// where there is one, and one that leaves larger blocks whole where there is a choice.
  std::vector<GpuBlock> find_block(std::int32_t gpus) {
    const std::vector<std::uint64_t> held = held_by_wide(gpus);
    std::optional<GpuBlock> best;
    std::pair<int, int> least;
    for (std::int32_t node = 0; node < nodes_.nodes; ++node) {
      for (std::int32_t first = 0; first < nodes_.gpus_per_node; first += gpus) {
        const std::uint64_t mask = mask_of(first, gpus);
        if ((held[static_cast<std::size_t>(node)] & mask) != 0) continue;
        const std::pair cost{std::popcount(used(node) & mask), free_around(node, first, gpus)};
        if (best && cost >= least) continue;
        least = cost;
        best = GpuBlock{.node = node, .first = first, .gpus = gpus};
      }
    }
    CHECK(best, "elastic jobs hold more GPUs than there are");
    clear(*best);
    return {*best};
  }

  /// The largest free block around this one, then what else is free in its node.
  int free_around(std::int32_t node, std::int32_t first, std::int32_t gpus) {
    std::int32_t size = gpus;
    while (size < nodes_.gpus_per_node) {
      const std::int32_t wider = size * 2;
      if ((used(node) & mask_of(first / wider * wider, wider)) != 0) break;
      size = wider;
    }
    return size * 65 + nodes_.gpus_per_node - std::popcount(used(node));
  }

  std::vector<GpuBlock> find_nodes(std::int32_t gpus) {
    const std::vector<std::uint64_t> held = held_by_wide(gpus);
    std::vector<std::int32_t> open;
    for (std::int32_t node = 0; node < nodes_.nodes; ++node) {
      if (held[static_cast<std::size_t>(node)] == 0) open.push_back(node);
    }
    std::ranges::stable_sort(open, {},
                             [&](std::int32_t node) { return std::popcount(used(node)); });
    const auto count = static_cast<std::size_t>(gpus / nodes_.gpus_per_node);
    CHECK(open.size() >= count, "elastic jobs hold more GPUs than there are");
    open.resize(count);
    std::ranges::sort(open);
    std::vector<GpuBlock> blocks;
    for (const std::int32_t node : open) {
      blocks.push_back({.node = node, .first = 0, .gpus = nodes_.gpus_per_node});
      clear(blocks.back());
    }
    return blocks;
  }

  const ElasticNodes& nodes_;
  const std::map<JobId, std::int32_t>& widths_;
  std::vector<std::uint64_t> used_;
  ElasticPlaces places_;
  std::set<std::pair<std::int32_t, JobId>, std::greater<>> waiting_;  ///< The widest first.
};

}  // namespace

base::Result<> check(const ElasticNodes& nodes) {
  if (nodes.nodes <= 0) return base::invalid("nodes", "there must be at least one node");
  if (nodes.gpus_per_node <= 0 || nodes.gpus_per_node > 64 ||
      !std::has_single_bit(static_cast<std::uint32_t>(nodes.gpus_per_node))) {
    return base::invalid("gpus_per_node", "{} GPUs: a node has a power of two, 64 at most",
                         nodes.gpus_per_node);
  }
  return {};
}

ElasticPlaces place_all(const ElasticNodes& nodes, const std::map<JobId, std::int32_t>& widths,
                        const ElasticPlaces& before) {
  return Placing(nodes, widths).place(before);
}

}  // namespace era
