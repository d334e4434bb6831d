#include "era/smaller_ranks.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "era/request.h"

namespace era {

using domain::Bid;
using domain::Resources;

namespace {

constexpr std::int64_t kCore = 1'000;
constexpr std::int64_t kGibibyte = std::int64_t{1} << 30;

auto by_size(const Resources& part) {
  return std::tie(part.gpus, part.cpu_millis, part.memory_bytes);
}

/// What both have.
Resources common_part(const Resources& a, const Resources& b) {
  return {.gpus = std::min(a.gpus, b.gpus),
          .cpu_millis = std::min(a.cpu_millis, b.cpu_millis),
          .memory_bytes = std::min(a.memory_bytes, b.memory_bytes)};
}

/// Whether `part` has something of all that `wanted` asks for.
bool has_some_of_all(const Resources& part, const Resources& wanted) {
  return (part.gpus > 0 || wanted.gpus == 0) && (part.cpu_millis > 0 || wanted.cpu_millis == 0) &&
         (part.memory_bytes > 0 || wanted.memory_bytes == 0);
}

/// What single nodes hold of the rank that was asked for: no part lies within another, the largest
/// first.
std::vector<Resources> parts_on_nodes(const Question& asked) {
  const domain::Shape& shape = asked.bid.shape;
  std::vector<Resources> parts;
  const auto add = [&](const Resources& part) {
    const auto is_within = [&](const Resources& other) { return part.fits_in(other); };
    if (!has_some_of_all(part, shape.per_rank) || std::ranges::any_of(parts, is_within)) return;
    std::erase_if(parts, [&](const Resources& other) { return other.fits_in(part); });
    parts.push_back(part);
  };
  for (const auto& [key, lane] : asked.plan.ground().lanes()) {
    if (!matches(lane, shape)) continue;
    for (const NodeLine& line : lane.nodes()) {
      if (line.present) add(common_part(shape.per_rank, line.node.capacity));
    }
  }
  std::ranges::sort(parts,
                    [](const Resources& a, const Resources& b) { return by_size(a) > by_size(b); });
  return parts;
}

/// `whole` * `part` / `of`, rounded up to whole `unit`s.
std::int64_t share(std::int64_t whole, std::int64_t unit, std::int64_t part, std::int64_t of) {
  const std::int64_t units = (whole + unit - 1) / unit;
  return (units * part + of - 1) / of * unit;
}

/// A rank with `gpus` of the GPUs of `rank` on a node that holds `on_node` of it; none if that node
/// cannot hold it.
std::optional<Resources> cut_to(const Resources& rank, std::int32_t gpus,
                                const Resources& on_node) {
  Resources cut = rank;
  cut.gpus = gpus;
  if (on_node.cpu_millis < rank.cpu_millis)
    cut.cpu_millis = share(rank.cpu_millis, kCore, gpus, rank.gpus);
  if (on_node.memory_bytes < rank.memory_bytes)
    cut.memory_bytes = share(rank.memory_bytes, kGibibyte, gpus, rank.gpus);
  if (!cut.fits_in(on_node)) return std::nullopt;
  return cut;
}

std::optional<Change> with_shape(const Question& asked, std::int32_t ranks,
                                 const Resources& per_rank) {
  Bid bid = asked.bid;
  bid.shape.ranks = ranks;
  bid.shape.per_rank = per_rank;
  auto offer = accepted(asked, bid);
  if (!offer) return std::nullopt;
  Change change;
  if (ranks != asked.bid.shape.ranks) change.ranks = ranks;
  change.per_rank = per_rank;
  change.offer = std::move(*offer);
  return change;
}

/// As many GPUs over more ranks, of as many GPUs each as there may be.
std::optional<Change> over_more_ranks(const Question& asked, const std::vector<Resources>& parts) {
  const Resources& rank = asked.bid.shape.per_rank;
  if (parts.empty() || rank.gpus == 0 || !asked.bid.widths.empty()) return std::nullopt;
  const std::int64_t all = std::int64_t{asked.bid.shape.ranks} * rank.gpus;
  for (std::int32_t gpus = std::min(rank.gpus - 1, parts.front().gpus); gpus > 0; --gpus) {
    const std::int64_t ranks = all / gpus;
    if (all % gpus != 0 || ranks > kMostRanks) continue;
    for (const Resources& on_node : parts) {
      const auto cut = cut_to(rank, gpus, on_node);
      if (!cut) continue;
      if (auto change = with_shape(asked, static_cast<std::int32_t>(ranks), *cut)) return change;
    }
  }
  return std::nullopt;
}

/// In how many steps what is less in `top` than in `rank` shrinks to nothing.
std::int64_t steps_of(const Resources& top, const Resources& rank) {
  if (top.gpus < rank.gpus) return top.gpus;
  if (top.cpu_millis < rank.cpu_millis) return top.cpu_millis / kCore;
  return top.memory_bytes / kGibibyte;
}

/// `top` after all but `left` of its steps.
Resources shrunk(const Resources& top, const Resources& rank, std::int64_t left) {
  const std::int64_t steps = steps_of(top, rank);
  Resources part = top;
  if (top.gpus < rank.gpus) part.gpus = static_cast<std::int32_t>(left);
  if (top.cpu_millis < rank.cpu_millis)
    part.cpu_millis = top.cpu_millis / kCore * left / steps * kCore;
  if (top.memory_bytes < rank.memory_bytes)
    part.memory_bytes = top.memory_bytes / kGibibyte * left / steps * kGibibyte;
  return part;
}

/// The most of `top` that has room: less has room wherever more does.
std::optional<Change> most_of(const Question& asked, const Resources& top) {
  const Resources& rank = asked.bid.shape.per_rank;
  Bid bid = asked.bid;
  std::int64_t fits = 0;
  for (std::int64_t fails = steps_of(top, rank); fails - fits > 1;) {
    const std::int64_t left = fits + (fails - fits) / 2;
    bid.shape.per_rank = shrunk(top, rank, left);
    const bool is_wide_enough = has_some_of_all(bid.shape.per_rank, rank);
    (!is_wide_enough || has_room(asked, bid) ? fits : fails) = left;
  }
  if (fits == 0) return std::nullopt;
  const Resources found = shrunk(top, rank, fits);
  if (!has_some_of_all(found, rank)) return std::nullopt;
  return with_shape(asked, bid.shape.ranks, found);
}

/// As many ranks, of the largest part.
std::optional<Change> of_less_each(const Question& asked, const std::vector<Resources>& parts) {
  for (const Resources& part : parts) {
    if (auto change = with_shape(asked, asked.bid.shape.ranks, part)) return change;
  }
  std::optional<Change> best;
  for (const Resources& part : parts) {
    auto change = most_of(asked, part);
    if (change && (!best || by_size(*change->per_rank) > by_size(*best->per_rank)))
      best = std::move(change);
  }
  return best;
}

}  // namespace

std::vector<Change> smaller_ranks(const Question& asked) {
  const auto parts = parts_on_nodes(asked);
  std::vector<Change> changes;
  for (auto& change : {over_more_ranks(asked, parts), of_less_each(asked, parts)}) {
    if (change) changes.push_back(change.value());
  }
  return changes;
}

}  // namespace era
