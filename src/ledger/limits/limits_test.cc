#include "ledger/limits/limits.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ledger/limits/decay.h"

namespace ledger::limits {
namespace {

using domain::Duration;
using domain::kDay;
using domain::kHour;

constexpr Duration kWeek{7 * kDay.ms};
const TeamId kVision{"vision"};

TEST(Decay, HalvesAfterEachHalfLife) {
  EXPECT_EQ(decayed(1'000, {}, kWeek), 1'000);
  EXPECT_EQ(decayed(1'000, kWeek, kWeek), 500);
  EXPECT_EQ(decayed(1'000, kWeek * 3, kWeek), 125);
  EXPECT_EQ(decayed(std::int64_t{1} << 60, kWeek * 70, kWeek), 0);
}

TEST(Decay, IsWhatRealNumbersWouldGive) {
  std::mt19937 random(1);
  for (int i = 0; i < 1'000; ++i) {
    const Duration elapsed{std::uniform_int_distribution<std::int64_t>(0, kDay.ms * 60)(random)};
    const double left = std::exp2(-static_cast<double>(elapsed.ms) / kWeek.ms);
    EXPECT_NEAR(static_cast<double>(decayed(1'000'000'000'000, elapsed, kWeek)), 1e12 * left, 2e3);
    EXPECT_NEAR(static_cast<double>(accrued(elapsed, kWeek)), kWeek.ms * (1 - left) / std::log(2.0),
                2);
  }
}

TEST(Usage, GrowsWhileAnAttemptRunsAndFadesAfterwards) {
  State state;
  const Time start{1'000'000};
  begin_use(state, kVision, {1}, 8'000, start);
  EXPECT_EQ(usage_at(state, kVision, start), 0);
  const std::int64_t hour = usage_at(state, kVision, start + kHour);
  EXPECT_NEAR(static_cast<double>(hour), 8.0 * kHour.ms, 0.003 * 8 * kHour.ms);
  end_use(state, kVision, {1}, start + kHour);
  EXPECT_EQ(usage_at(state, kVision, start + kHour), hour);
  EXPECT_EQ(usage_at(state, kVision, start + kHour + kWeek), hour / 2);
}

TEST(Usage, IsTheSameHoweverOftenItIsBroughtForward) {
  State once;
  State often;
  const Time start{0};
  begin_use(once, kVision, {1}, 8'000, start);
  begin_use(often, kVision, {1}, 8'000, start);
  for (int i = 1; i < 100; ++i) {
    begin_use(often, kVision, {2}, 1'000, start + kHour * i);
    end_use(often, kVision, {2}, start + kHour * i);
  }
  const Time end = start + kHour * 100;
  EXPECT_NEAR(static_cast<double>(usage_at(often, kVision, end)),
              static_cast<double>(usage_at(once, kVision, end)), 8 * 100);
}

TEST(Usage, WhatALostNodeTookIsGivenBack) {
  State state;
  begin_use(state, kVision, {1}, 1'000, Time{0});
  end_use(state, kVision, {1}, Time{0} + kHour);
  begin_use(state, kVision, {2}, 8'000, Time{0} + kHour);
  end_lost_use(state, kVision, {2}, Time{0} + kHour, Time{0} + kDay);
  const std::int64_t without = decayed(accrued(kHour, kWeek), kDay - kHour, kWeek);
  EXPECT_NEAR(static_cast<double>(usage_at(state, kVision, Time{0} + kDay)),
              static_cast<double>(without), 20);
}

TEST(Usage, ANewHalfLifeKeepsWhatWasUsed) {
  State state;
  begin_use(state, kVision, {1}, 1'000, Time{0});
  end_use(state, kVision, {1}, Time{0} + kHour);
  const Time later = Time{0} + kWeek;
  const std::int64_t before = usage_at(state, kVision, later);
  apply(state, FairnessSet{kDay}, later);
  EXPECT_EQ(usage_at(state, kVision, later), before);
  EXPECT_EQ(usage_at(state, kVision, later + kDay), before / 2);
}

TEST(Rate, CountsGpusOrElseCoresAtTheRatioOfTheirPrices) {
  const auto prices = era::default_prices();
  EXPECT_EQ(rate_of({.gpus = 8, .cpu_millis = 64'000}, prices), 8'000);
  EXPECT_EQ(rate_of({.cpu_millis = 20'000}, prices), 1'000);
  EXPECT_EQ(rate_of({.cpu_millis = 20'000}, {}), 1'000);
}

TEST(Quotas, ReplaceWhatLimitsTheSameAndAreRemoved) {
  State state;
  const auto set = [&](Quota quota) {
    const auto events = decide(state, Command{SetQuota{std::move(quota)}});
    ASSERT_TRUE(events) << events.error().message;
    for (const Event& event : *events) apply(state, event, Time{1});
  };
  set({.team = kVision, .gpus = 8});
  set({.team = kVision, .gpu_model = "A100", .gpus = 4, .soft = true});
  set({.user = {"ada"}, .gpus = 2});
  set({.team = kVision, .gpus = 6});
  ASSERT_EQ(state.quotas.size(), 3U);
  EXPECT_EQ(state.quotas[0].gpus, 6);
  EXPECT_EQ(state.quotas[1].gpu_model, "a100");
  const auto removed = decide(state, Command{RemoveQuota{{.team = kVision, .gpu_model = "a100"}}});
  ASSERT_TRUE(removed);
  apply(state, removed->front(), Time{2});
  EXPECT_EQ(state.quotas.size(), 2U);
  EXPECT_FALSE(decide(state, Command{RemoveQuota{{.team = {"nlp"}}}}));
}

TEST(Limits, SayWhichFieldIsWrong) {
  const State state;
  const auto field = [&](const Command& command) { return decide(state, command).error().field; };
  EXPECT_EQ(field(SetQuota{{.gpus = 1}}), "team");
  EXPECT_EQ(field(SetQuota{{.team = kVision, .user = {"ada"}, .gpus = 1}}), "team");
  EXPECT_EQ(field(SetQuota{{.team = kVision, .gpus = -1}}), "gpus");
  EXPECT_EQ(field(SetShare{kVision, 0}), "weight");
  EXPECT_EQ(field(SetFairness{Duration{1}}), "half_life");
}

}  // namespace
}  // namespace ledger::limits
