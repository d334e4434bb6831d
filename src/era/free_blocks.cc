#include "era/free_blocks.h"

#include <algorithm>

#include "era/lane.h"

namespace era {
namespace {

/// More blocks ahead than any horizon has are not kept: nothing is ruled out there.
constexpr std::int64_t kMostRows = 16'384;

std::uint8_t free_of(const NodeLine& line, std::int32_t promised) {
  const std::int32_t gpus = line.present ? line.node.capacity.gpus : 0;
  if (gpus >= FreeBlocks::kUnknown) return FreeBlocks::kUnknown;
  return static_cast<std::uint8_t>(std::clamp(gpus - promised, 0, gpus));
}

}  // namespace

void lower(std::uint8_t* row, const std::uint8_t* other, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) row[i] = std::min(row[i], other[i]);
}

std::int32_t count_at_least(const std::uint8_t* row, std::size_t width, std::uint8_t least) {
  constexpr std::size_t kWidth = FreeBlocks::kWidth;
  constexpr std::size_t kMostAtOnce = 255 * kWidth;  // What the bytes can count to.
  std::int32_t count = 0;
  for (std::size_t from = 0; from < width; from += kMostAtOnce) {
    const std::size_t until = std::min(width, from + kMostAtOnce);
    std::uint8_t counts[kWidth] = {};
    for (std::size_t at = from; at < until; at += kWidth) {
      for (std::size_t i = 0; i < kWidth; ++i) {
        counts[i] = static_cast<std::uint8_t>(counts[i] + (row[at + i] >= least ? 1 : 0));
      }
    }
    for (const std::uint8_t part : counts) count += part;
  }
  return count;
}

FreeBlocks::Row FreeBlocks::copy_of(const std::uint8_t* row, std::size_t width) const {
  Row copy = std::make_shared_for_overwrite<std::uint8_t[]>(this->width());
  std::copy_n(row, width, copy.get());
  std::fill(copy.get() + width, copy.get() + this->width(), std::uint8_t{0});
  return copy;
}

void FreeBlocks::widen() {
  const std::size_t before = width();
  capacity_.resize(std::max(2 * before, kWidth), 0);
  for (Row& row : rows_) row = copy_of(row.get(), before);
  for (std::size_t column = width(); column > before; --column) unused_.push_back(column - 1);
}

void FreeBlocks::put(Row& row, std::size_t column, std::uint8_t free) {
  if (row[column] == free) return;
  if (row.use_count() > 1) row = copy_of(row.get(), width());
  row[column] = free;
}

std::size_t FreeBlocks::add(const NodeLine& line) {
  if (unused_.empty()) widen();
  const std::size_t column = unused_.back();
  unused_.pop_back();
  capacity_[column] = free_of(line, 0);
  for (Row& row : rows_) put(row, column, capacity_[column]);
  return column;
}

void FreeBlocks::drop(std::size_t column) {
  capacity_[column] = 0;
  for (Row& row : rows_) put(row, column, 0);
  unused_.push_back(column);
}

void FreeBlocks::follow(const NodeLine& line, SlotRange slots) {
  std::int64_t block = std::max(first_, slots.first / kSlots);
  const std::int64_t end =
      std::min(first_ + kMostRows, slots.end / kSlots + (slots.end % kSlots != 0 ? 1 : 0));
  if (block >= end) return;
  while (first_ + std::ssize(rows_) < end) rows_.push_back(copy_of(capacity_.data(), width()));
  const auto taken = [&](const Load& load) {
    return load.closed ? line.node.capacity.gpus : load.promised.gpus;
  };
  const auto steps = line.load.all();
  std::size_t i = line.load.at(block * kSlots);
  for (; block < end; ++block) {
    const std::int64_t until = (block + 1) * kSlots;
    std::int32_t peak = taken(steps[i].value);
    while (steps[i + 1].from < until) peak = std::max(peak, taken(steps[++i].value));
    put(rows_[static_cast<std::size_t>(block - first_)], line.column, free_of(line, peak));
    if (steps[i + 1].from == until) ++i;
  }
}

void FreeBlocks::trim(std::int64_t slot) {
  while (!rows_.empty() && (first_ + 1) * kSlots <= slot) {
    rows_.pop_front();
    ++first_;
  }
  if (rows_.empty()) first_ = std::max(first_, slot / kSlots);
}

std::vector<std::uint8_t> FreeBlocks::most_free(SlotRange slots) const {
  std::vector<std::uint8_t> most = capacity_;
  const std::int64_t first = std::max(first_, (slots.first + kSlots - 1) / kSlots);
  const std::int64_t end = std::min(first_ + std::ssize(rows_), slots.end / kSlots);
  for (std::int64_t block = first; block < end; ++block) lower(most.data(), row(block), width());
  return most;
}

std::uint8_t FreeBlocks::largest() const {
  return capacity_.empty() ? 0 : *std::max_element(capacity_.begin(), capacity_.end());
}

}  // namespace era
