#include "era/prices.h"

#include <gtest/gtest.h>

#include "era/price_table.h"

namespace era {
namespace {

using domain::credits;
using domain::Money;

TEST(Prices, AcceptsTheDefault) { EXPECT_TRUE(check(default_prices())); }

TEST(Prices, RejectsNegativeRatesAndNamesTheField) {
  PriceList prices = default_prices();
  prices.core_hour = Money{-1};
  const auto checked = check(prices);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().field, "prices.core_hour");
}

TEST(Prices, RejectsACurveThatFalls) {
  PriceList prices = default_prices();
  prices.curve = {{0, 2000}, {500, 1500}};
  EXPECT_FALSE(check(prices));
  prices.curve = {{0, 1000}, {0, 1500}};
  EXPECT_FALSE(check(prices));
  prices.curve = {{1, 1000}};
  EXPECT_FALSE(check(prices));
  prices.curve = {};
  EXPECT_FALSE(check(prices));
}

TEST(Prices, RejectsRatesThatCouldOverflowAHorizon) {
  PriceList prices = default_prices();
  prices.gpu_hour["h100"] = credits(100);
  EXPECT_FALSE(check(prices));  // Four times as much in a full slot.
  prices.gpu_hour["h100"] = credits(60);
  EXPECT_TRUE(check(prices));
}

TEST(Prices, RejectsClassesOutOfRange) {
  PriceList prices = default_prices();
  prices.flex_permille = -1;
  EXPECT_FALSE(check(prices));
}

TEST(PriceTable, ChargesEachUnitByHowFullTheSlotIsBeforeIt) {
  const PriceTable table(4, credits(1), {{0, 1000}, {500, 2000}, {750, 4000}});
  EXPECT_EQ(table.cost(0, 1), 1'000'000);
  EXPECT_EQ(table.cost(0, 2), 2'000'000);
  EXPECT_EQ(table.cost(2, 1), 2'000'000);
  EXPECT_EQ(table.cost(0, 4), 8'000'000);
  EXPECT_EQ(table.cost(4, 1), 4'000'000);  // Past capacity: the top rate.
}

TEST(PriceTable, NeverFallsWithLoadAndCannotBeBeatenBySplitting) {
  for (const std::int32_t capacity : {1, 3, 7, 8, 100}) {
    const PriceTable table(capacity, Money{999'983}, default_prices().curve);
    for (std::int32_t promised = 0; promised < capacity; ++promised) {
      for (std::int32_t more = 1; promised + more < capacity; ++more) {
        ASSERT_LE(table.cost(promised, more), table.cost(promised + 1, more));
        ASSERT_EQ(table.cost(promised, more),
                  table.cost(promised, 1) + table.cost(promised + 1, more - 1));
      }
    }
  }
}

TEST(PriceTable, RoundsUpOnceAtTheEnd) {
  EXPECT_EQ(price_of(60 * 1'000'000, domain::kMinute, 1000), credits(1));
  EXPECT_EQ(price_of(1'000'000, domain::kMinute, 1000), Money{16'667});
  EXPECT_EQ(price_of(60 * 1'000'000, domain::kMinute, 1100), Money{1'100'000});
}

TEST(PriceTable, KnowsWhatASumCanCostAtMost) {
  for (std::int64_t micros = 0; micros < 2'000; micros += 7) {
    const std::int64_t most = affordable(Money{micros}, domain::kMinute, 1100);
    EXPECT_LE(price_of(most, domain::kMinute, 1100).micros, micros);
    EXPECT_GT(price_of(most + 1, domain::kMinute, 1100).micros, micros);
  }
}

}  // namespace
}  // namespace era
