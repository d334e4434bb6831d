#include "era/bound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace era {
namespace {

constexpr std::int32_t kSlots = 6;

std::vector<BoundBid> some_bids(std::mt19937& random, int count) {
  std::vector<BoundBid> bids;
  for (int i = 0; i < count; ++i) {
    const auto length = static_cast<std::int32_t>(1 + random() % 3);
    const auto first = static_cast<std::int32_t>(random() % (kSlots - length));
    const auto slack = static_cast<std::int32_t>(random() % 3);
    bids.push_back({first, std::min(kSlots, first + length + slack), length,
                    static_cast<double>(1 + random() % 2), static_cast<double>(1 + random() % 9)});
  }
  return bids;
}

/// The most that a schedule can earn, found by trying them all.
double best_schedule(const std::vector<BoundBid>& bids, std::size_t next,
                     std::vector<double>& free) {
  if (next == bids.size()) return 0;
  const BoundBid& bid = bids[next];
  double best = best_schedule(bids, next + 1, free);
  for (std::int32_t start = bid.first; start + bid.length <= bid.end; ++start) {
    const auto from = free.begin() + start;
    const auto to = from + bid.length;
    if (std::any_of(from, to, [&](double each) { return each < bid.units; })) continue;
    std::for_each(from, to, [&](double& each) { each -= bid.units; });
    best = std::max(best, bid.value + best_schedule(bids, next + 1, free));
    std::for_each(from, to, [&](double& each) { each += bid.units; });
  }
  return best;
}

TEST(BoundTest, IsTheRequestedValueWhereAllFits) {
  const std::vector<BoundBid> bids{{0, 4, 2, 1, 5}, {0, 4, 2, 1, 7}};
  EXPECT_NEAR(upper_bound(bids, {.capacity = 2}).value, 12, 1e-9);
}

TEST(BoundTest, OneOfTwoThatCannotBothRunIsWorthTheDearer) {
  const std::vector<BoundBid> bids{{0, 2, 2, 1, 5}, {0, 2, 2, 1, 7}};
  EXPECT_NEAR(upper_bound(bids, {.capacity = 1}).value, 7, 0.01);
}

TEST(BoundTest, WhatCanNeverRunIsWorthNothing) {
  const std::vector<BoundBid> bids{{0, 1, 2, 1, 5}, {0, 4, 2, 9, 7}};
  EXPECT_DOUBLE_EQ(upper_bound(bids, {.capacity = 2}).value, 0);
}

TEST(BoundTest, NoScheduleEarnsMoreWhateverThePrices) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const auto bids = some_bids(random, 7);
    std::vector<double> free(kSlots, 2);
    const double best = best_schedule(bids, 0, free);
    std::vector<double> prices(kSlots);
    for (double& price : prices) price = static_cast<double>(random() % 40) / 10;
    for (const bool preemptible : {false, true}) {
      const BoundSettings settings{.capacity = 2, .preemptible = preemptible};
      EXPECT_GE(bound_by(prices, bids, settings), best - 1e-9) << "round " << round;
      EXPECT_GE(upper_bound(bids, settings).value, best - 1e-9) << "round " << round;
    }
  }
}

TEST(BoundTest, ItsPricesProveIt) {
  std::mt19937 random(11);
  const auto bids = some_bids(random, 30);
  for (const bool preemptible : {false, true}) {
    const BoundSettings settings{.capacity = 3, .preemptible = preemptible};
    const Bound bound = upper_bound(bids, settings);
    EXPECT_NEAR(bound_by(bound.prices, bids, settings), bound.value, 1e-9);
    EXPECT_LT(bound.value, bound_by(std::vector<double>(kSlots, 0.0), bids, settings));
  }
}

TEST(BoundTest, APreemptibleBidMayRunInPieces) {
  // The middle of the window is taken by one that pays more.
  const std::vector<BoundBid> bids{{1, 2, 1, 1, 100}, {0, 3, 2, 1, 6}};
  EXPECT_NEAR(upper_bound(bids, {.capacity = 1}).value, 100, 0.1);
  EXPECT_NEAR(upper_bound(bids, {.capacity = 1, .preemptible = true}).value, 106, 0.1);
}

}  // namespace
}  // namespace era
