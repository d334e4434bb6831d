#include "replay/comparison.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

constexpr std::int64_t kMinute_ms = 60'000;

/// A bid for all four GPUs, at a minute, for a length, due after as long as it takes.
LivedBid tight(std::int64_t at, std::int64_t minutes, double value) {
  return {.at_ms = at * kMinute_ms,
          .earliest_ms = 0,
          .deadline_ms = (at + minutes) * kMinute_ms,
          .gpus = 4,
          .stated_ms = minutes * kMinute_ms,
          .ran_ms = std::nullopt,
          .value = value};
}

const ComparedPolicy& line(const Comparison& all, std::string_view name) {
  for (const ComparedPolicy& policy : all.policies) {
    if (policy.name == name) return policy;
  }
  ADD_FAILURE() << name;
  return all.policies.front();
}

TEST(ComparisonTest, EachPolicyIsGivenTheSameBids) {
  // The queue runs them one after the other, reservations say no to what comes too late.
  const std::vector<LivedBid> bids{tight(0, 10, 5), tight(5, 10, 2), tight(10, 10, 3)};
  const auto all = compare(bids, {{"n1", 4}});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->bids, 3);
  EXPECT_EQ(all->left_out, 0);
  EXPECT_EQ(all->slot_s, 60);
  const ComparedPolicy& free = line(*all, "first-fit");
  EXPECT_FALSE(free.economy);
  EXPECT_EQ(free.on_time, 2);
  EXPECT_DOUBLE_EQ(free.value, 8);
  EXPECT_DOUBLE_EQ(free.value_share, 0.8);
  EXPECT_DOUBLE_EQ(free.utilisation, 1);
  EXPECT_EQ(free.mean_wait_ms, 0);
  EXPECT_DOUBLE_EQ(free.started_share, 2 / 3.0);
  EXPECT_DOUBLE_EQ(free.unit_cost.value_or(0), 1);  // All that stood there was done in time.
  EXPECT_EQ(free.paid_per_gpu_hour, 0);
  const ComparedPolicy& queue = line(*all, "backfill");
  EXPECT_EQ(queue.on_time, 1);
  EXPECT_EQ(queue.late, 2);
  EXPECT_DOUBLE_EQ(queue.on_time_share, 1 / 3.0);
  EXPECT_EQ(queue.mean_wait_ms, 5 * kMinute_ms);  // 0, 5 and 10 minutes.
  EXPECT_DOUBLE_EQ(queue.started_share, 1);
  EXPECT_DOUBLE_EQ(queue.unit_cost.value_or(0), 3);  // Half an hour for ten minutes.
  EXPECT_TRUE(line(*all, "era").economy);
  EXPECT_EQ(line(*all, "era").on_time, 2);
}

TEST(ComparisonTest, AJobRunsAsLongAsItDidNotAsItsOwnerSaid) {
  LivedBid bid = tight(0, 60, 1);
  bid.ran_ms = 10 * kMinute_ms;
  LivedBid next = tight(10, 20, 1);
  const auto all = compare({bid, next}, {{"n1", 4}});
  ASSERT_TRUE(all);
  EXPECT_EQ(line(*all, "backfill").on_time, 2);
}

TEST(ComparisonTest, WhereMoreIsAskedThanThereIsTheEconomyIsPaid) {
  std::vector<LivedBid> bids;
  for (std::int64_t i = 0; i < 200; ++i) {
    bids.push_back(tight(i * 5, 20, 1 + i % 7));
    bids.back().deadline_ms = (i * 5 + 60) * kMinute_ms;
  }
  const auto all = compare(bids, {{"n1", 4}});
  ASSERT_TRUE(all);
  for (const ComparedPolicy& policy : all->policies) {
    EXPECT_EQ(policy.paid_per_gpu_hour > 0, policy.economy) << policy.name;
  }
}

TEST(ComparisonTest, AnIdleClusterCostsWhoUsesIt) {
  // Ten minutes, twenty that nobody asks for, ten more that no other bid competes with.
  const auto all = compare({tight(0, 10, 5), tight(30, 10, 5)}, {{"n1", 4}});
  ASSERT_TRUE(all);
  for (const ComparedPolicy& policy : all->policies) {
    EXPECT_DOUBLE_EQ(policy.unit_cost.value_or(0), 2) << policy.name;
    EXPECT_DOUBLE_EQ(policy.utilisation, 0.5) << policy.name;
  }
  LivedBid overran = tight(0, 10, 5);
  overran.ran_ms = 20 * kMinute_ms;
  const auto none = compare({overran}, {{"n1", 4}});
  ASSERT_TRUE(none);
  for (const ComparedPolicy& policy : none->policies) EXPECT_FALSE(policy.unit_cost) << policy.name;
}

TEST(ComparisonTest, WhatHasNoPlaceIsLeftOutAndSaid) {
  LivedBid wide = tight(0, 10, 1);
  wide.gpus = 5;
  LivedBid without = tight(0, 10, 1);
  without.gpus = 0;
  const auto all = compare({wide, without, tight(0, 10, 1)}, {{"n1", 4}});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->left_out, 2);
  EXPECT_EQ(all->bids, 1);
  EXPECT_FALSE(compare({wide}, {{"n1", 4}}));
  EXPECT_FALSE(compare({}, {}));
}

TEST(ComparisonTest, WhatIsNotSaidIsFilledIn) {
  LivedBid open = tight(0, 60, 0);
  open.deadline_ms.reset();
  open.value.reset();
  LivedBid early = open;
  early.earliest_ms = 3 * 24 * 60 * kMinute_ms;  // Bids over more than two days: coarser slots.
  const auto all = compare({early, open}, {{"n1", 4}});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->slot_s, 600);
  for (const ComparedPolicy& policy : all->policies) {
    EXPECT_EQ(policy.on_time, 2) << policy.name;
    EXPECT_DOUBLE_EQ(policy.value, 8) << policy.name;  // Two times four GPU-hours.
  }
}

}  // namespace
}  // namespace replay
