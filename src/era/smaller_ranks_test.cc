#include "era/smaller_ranks.h"

#include <gtest/gtest.h>

#include "era/test_world.h"

namespace era {
namespace {

using namespace test;  // The words of these tests.
using domain::Bid;
using domain::credits;
using domain::Resources;

constexpr std::int64_t kGibibyte = std::int64_t{1} << 30;

Plan empty_plan() {
  Plan plan({.slot = domain::kMinute, .horizon_slots = 4 * 24 * 60});
  plan.set_prices(flat_prices());
  return plan;
}

PlanNode node(const std::string& id, const Resources& capacity) {
  PlanNode made = gpu_node(id);
  made.capacity = capacity;
  return made;
}

std::vector<Change> changes_for(const Plan& plan, const Bid& wanted) {
  const Answer answer = quote(plan, wanted, {});
  const Refusal* refusal = refusal_in(answer);
  if (refusal == nullptr) return {};
  EXPECT_EQ(refusal->reason, RefusalReason::rank_larger_than_node);
  return explain(plan, wanted, {}, *refusal).changes;
}

TEST(SmallerRanks, KeepTheirGpusInAllOverMoreRanksOrAreLessEach) {
  const Plan plan = gpu_plan(2);
  const auto changes = changes_for(plan, bid({.gpus = 16, .cores = 4}));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].ranks, 2);
  EXPECT_EQ(changes[0].per_rank, (Resources{.gpus = 8, .cpu_millis = 4'000}));
  EXPECT_EQ(changes[0].offer.nodes, (std::vector<domain::NodeId>{{"n0"}, {"n1"}}));
  EXPECT_EQ(changes[0].offer.price, domain::Money{16'400'000});
  EXPECT_FALSE(changes[1].ranks);
  EXPECT_EQ(changes[1].per_rank, (Resources{.gpus = 8, .cpu_millis = 4'000}));
  EXPECT_EQ(changes[1].offer.price, domain::Money{8'200'000});
}

TEST(SmallerRanks, AreAsLargeAsTheirGpusDivide) {
  const auto twelve = changes_for(gpu_plan(2), bid({.gpus = 12}));
  ASSERT_EQ(twelve.size(), 2U);
  EXPECT_EQ(twelve[0].ranks, 2);
  EXPECT_EQ(twelve[0].per_rank->gpus, 6);
  EXPECT_EQ(twelve[1].per_rank->gpus, 8);
  const auto three = changes_for(gpu_plan(3), bid({.ranks = 2, .gpus = 12}));
  ASSERT_EQ(three.size(), 2U);
  EXPECT_EQ(three[0].ranks, 3) << "24 GPUs are three ranks of eight";
  EXPECT_EQ(three[0].per_rank->gpus, 8);
}

TEST(SmallerRanks, HaveWhatThePoolHoldsOfThem) {
  const auto changes = changes_for(gpu_plan(1), bid({.ranks = 3, .gpus = 16}));
  ASSERT_EQ(changes.size(), 1U) << "48 GPUs are more than there are";
  EXPECT_FALSE(changes[0].ranks);
  EXPECT_EQ(changes[0].per_rank->gpus, 2) << "three ranks on the eight GPUs of one node";
}

TEST(SmallerRanks, HaveWhatIsFreeInTheWindow) {
  Plan plan = gpu_plan(1);
  occupy(plan, 1, "n0", 3, {0, 96});
  const auto changes = changes_for(plan, bid({.gpus = 16}));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].per_rank->gpus, 5);
}

TEST(SmallerRanks, AreWithinTheirPrice) {
  Bid poor = bid({.gpus = 16});
  poor.max_price = credits(6);
  const auto changes = changes_for(gpu_plan(2), poor);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].per_rank->gpus, 6);
  EXPECT_EQ(changes[0].offer.price, credits(6));
}

TEST(SmallerRanks, DivideOnlyWhatNoNodeHolds) {
  Plan plan = empty_plan();
  for (const char* id : {"n0", "n1", "n2", "n3"}) {
    plan.put_node(
        node(id, {.gpus = 8, .cpu_millis = 64'000, .memory_bytes = 500 * kGibibyte + 17}));
  }
  Bid wanted = bid({.gpus = 16, .cores = 100});
  wanted.shape.per_rank.memory_bytes = 300 * kGibibyte;
  auto changes = changes_for(plan, wanted);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].ranks, 2);
  EXPECT_EQ(changes[0].per_rank, (Resources{8, 50'000, 300 * kGibibyte}));
  EXPECT_EQ(changes[1].per_rank, (Resources{8, 64'000, 300 * kGibibyte}));

  wanted.shape.per_rank = {3, 130'000, 700 * kGibibyte};
  changes = changes_for(plan, wanted);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].ranks, 3) << "its cores ask for more ranks than its GPUs";
  EXPECT_EQ(changes[0].per_rank, (Resources{1, 44'000, 234 * kGibibyte})) << "rounded up";
  EXPECT_EQ(changes[1].per_rank, (Resources{3, 64'000, 500 * kGibibyte + 17}));
}

TEST(SmallerRanks, OfCoresOrMemoryAloneAreLessEach) {
  Plan plan = empty_plan();
  plan.put_node(cpu_node("c0", 32));
  auto changes = changes_for(plan, bid({.gpus = 0, .cores = 48}));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_FALSE(changes[0].ranks);
  EXPECT_EQ(changes[0].per_rank, (Resources{0, 32'000, 0}));
  changes = changes_for(plan, bid({.ranks = 3, .gpus = 0, .cores = 48}));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].per_rank, (Resources{0, 10'000, 0}));

  plan.put_node(node("m0", {.gpus = 0, .cpu_millis = 8'000, .memory_bytes = 9 * kGibibyte}));
  Bid roomy = bid({.ranks = 2, .gpus = 0, .cores = 4});
  roomy.shape.per_rank.memory_bytes = 64 * kGibibyte;
  changes = changes_for(plan, roomy);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].per_rank, (Resources{0, 4'000, 4 * kGibibyte}));
}

TEST(SmallerRanks, ShrinkAlikeWhereSeveralAreTooLarge) {
  const auto changes = changes_for(gpu_plan(1), bid({.ranks = 2, .gpus = 16, .cores = 100}));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].per_rank, (Resources{4, 32'000, 0}));
}

TEST(SmallerRanks, LookAtTheNodesThatTheBidNames) {
  Plan plan = empty_plan();
  plan.put_node(node("big", {.gpus = 8, .cpu_millis = 16'000, .memory_bytes = 0}));
  plan.put_node(node("small", {.gpus = 4, .cpu_millis = 64'000, .memory_bytes = 0}));
  plan.put_node(gpu_node("h", 8, "h100"));
  plan.put_node(cpu_node("c", 256));
  Bid wanted = bid({.gpus = 8, .cores = 32});
  wanted.shape.pool = "a100";
  auto changes = changes_for(plan, wanted);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].ranks, 2) << "as many GPUs, with half of the cores where they are too many";
  EXPECT_EQ(changes[0].per_rank, (Resources{4, 16'000, 0}));
  EXPECT_EQ(changes[1].per_rank, (Resources{8, 16'000, 0})) << "GPUs count more than cores";
  wanted.shape.pool.clear();
  wanted.shape.gpu_model = "H100";
  wanted.shape.per_rank = {.gpus = 12, .cpu_millis = 80'000};
  changes = changes_for(plan, wanted);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].per_rank, (Resources{8, 64'000, 0}));
  EXPECT_EQ(changes[0].offer.pool, domain::PoolId{"h100"});
}

TEST(SmallerRanks, HaveSomeOfEverythingOrAreNone) {
  Plan plan = empty_plan();
  plan.put_node(cpu_node("c0", 32));
  EXPECT_TRUE(changes_for(plan, bid({.gpus = 2, .cores = 1})).empty()) << "no GPU is no part";
  Bid late = bid({.gpus = 16, .duration = hours(3), .deadline = at_hour(2)});
  EXPECT_TRUE(changes_for(gpu_plan(2), late).empty()) << "nothing is accepted in this window";
}

TEST(SmallerRanks, OfAnElasticBidAreAsMany) {
  Bid elastic = bid({.ranks = 2, .gpus = 16, .deadline = at_hour(9)});
  elastic.preemptible = true;
  elastic.widths = {{.ranks = 1, .speed = 10}, {.ranks = 2, .speed = 18}};
  const auto changes = changes_for(gpu_plan(2), elastic);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_FALSE(changes[0].ranks);
  EXPECT_EQ(changes[0].per_rank->gpus, 8);
}

}  // namespace
}  // namespace era
