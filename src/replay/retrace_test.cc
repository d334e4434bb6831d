#include "replay/retrace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include "ledger/test_world.h"

namespace replay {
namespace {

namespace jobs = ledger::jobs;
using ledger::test::Ask;
using ledger::test::Cluster;
using ledger::test::minutes;

/// How far apart the writes of a controller are at least.
constexpr domain::Duration kWrite{1};

/// A cluster whose users bid for a day, and whose jobs end somewhat sooner, or later, than
/// they said.
class Day {
 public:
  explicit Day(std::uint64_t seed) : random_(seed) {
    for (const char* node : {"n1", "n2", "n3"}) cluster.add_node(node, 4);
    CHECK(cluster.wish(ledger::accounts::Command{
              ledger::accounts::Grant{{"vision"}, domain::credits(1'000'000)}}),
          "a team with means");
    for (int i = 0; i < 150; ++i) {
      pass(domain::Duration{between(1'000, 1'200'000)});
      bid();
    }
    pass(minutes(24 * 60));
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (const ledger::Fact& fact : cluster.log) all.push_back(ledger::encode(fact));
    return all;
  }

  Cluster cluster;

 private:
  std::int64_t between(std::int64_t from, std::int64_t to) {
    return std::uniform_int_distribution<std::int64_t>(from, to)(random_);
  }

  void bid() {
    const domain::Duration length = minutes(between(5, 300));
    const Ask ask{.job_class = domain::JobClass::reserved,
                  .ranks = static_cast<std::int32_t>(between(1, 3)),
                  .gpus = static_cast<std::int32_t>(between(1, 4)),
                  .duration = length,
                  .deadline = length * between(1, 4) + minutes(1),
                  .max_price = domain::credits(between(1, 60))};
    cluster.now = cluster.now + kWrite;
    ends_[cluster.bid(ask)] = {length.ms * between(60, 110) / 100};
  }

  /// What runs ends when it is done.
  void pass(domain::Duration length) {
    const domain::Time until = cluster.now + length;
    while (cluster.now < until) {
      cluster.pass(std::min(until - cluster.now, domain::Duration{20'000}));
      for (const auto& [id, ran] : ends_) {
        if (!cluster.is_running(id)) continue;
        if (cluster.now - cluster.attempt(id).started < ran) continue;
        cluster.now = cluster.now + kWrite;
        cluster.end_all(id);
      }
    }
  }

  std::mt19937_64 random_;
  std::map<domain::JobId, domain::Duration> ends_;
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

Retrace retraced(const std::vector<std::string>& lines) {
  auto found = retrace(joined(lines));
  EXPECT_TRUE(found) << found.error().message;
  return found.value_or(Retrace{});
}

std::int64_t differences(const Retrace& all) {
  return all.answers.differ + all.starts.differ + all.early_starts.differ + all.replans.differ +
         all.extensions.differ + all.forecasts.differ;
}

/// Changes the first fact of that kind for which `change` says so, or takes it out.
template <class Kind>
std::vector<std::string> meddled(const Day& day, const std::function<bool(Kind&)>& change,
                                 bool drops = false) {
  std::vector<std::string> lines;
  bool is_done = false;
  for (ledger::Fact fact : day.cluster.log) {
    auto* event = std::get_if<Kind>(&fact.event);
    const bool is_it = !is_done && event != nullptr && change(*event);
    is_done = is_done || is_it;
    if (!is_it || !drops) lines.push_back(ledger::encode(fact));
  }
  EXPECT_TRUE(is_done);
  return lines;
}

TEST(RetraceTest, WhatTheControllerDecidedIsWhatTheReplayDecides) {
  Retraced early;
  Retraced replans;
  Retraced extensions;
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Retrace all = retraced(Day(seed).lines());
    EXPECT_EQ(differences(all), 0) << joined(all.differences);
    EXPECT_EQ(all.answers.made, 150);
    EXPECT_EQ(all.answers.left_out, 0);
    EXPECT_GT(all.starts.made, 40);
    EXPECT_GT(all.forecasts.made, 24);
    early.made += all.early_starts.made;
    replans.made += all.replans.made;
    extensions.made += all.extensions.made;
  }
  EXPECT_GT(early.made, 20);
  EXPECT_GT(replans.made, 0);
  EXPECT_GT(extensions.made, 20);
}

TEST(RetraceTest, MoreTimeForAnotherPriceIsFound) {
  const auto lines = meddled<jobs::JobExtended>(Day(1), [](jobs::JobExtended& fact) {
    fact.price.micros += 1;
    return true;
  });
  const Retrace all = retraced(lines);
  EXPECT_EQ(all.extensions.differ, 1);
  EXPECT_EQ(differences(all), 1);
}

TEST(RetraceTest, AnotherPriceIsFound) {
  const auto lines = meddled<jobs::JobAccepted>(Day(1), [](jobs::JobAccepted& fact) {
    fact.offer->price.micros += 1;
    return true;
  });
  const Retrace all = retraced(lines);
  EXPECT_EQ(all.answers.differ, 1);
  EXPECT_EQ(differences(all), 1);
}

TEST(RetraceTest, ARefusalThatWasNoneIsFound) {
  bool is_met = false;
  const auto lines = meddled<jobs::BidRefused>(Day(1), [&](jobs::BidRefused& fact) {
    is_met = fact.refusal.reason == era::RefusalReason::too_expensive;
    fact.spec.bid.max_price = domain::credits(100'000);
    return is_met;
  });
  EXPECT_GE(retraced(lines).answers.differ, 1);
}

TEST(RetraceTest, AMissingForecastIsFound) {
  int seen = 0;
  const auto lines =
      meddled<ledger::demand::ForecastMade>(Day(1), [&](auto&) { return ++seen == 5; }, true);
  EXPECT_GE(retraced(lines).forecasts.differ, 1);
}

TEST(RetraceTest, AJobThatDidNotStartEarlyIsFound) {
  const Day day(1);
  std::vector<std::string> lines;
  std::optional<domain::JobId> held_back;
  for (const ledger::Fact& fact : day.cluster.log) {
    const auto* moved = std::get_if<jobs::BookingsMoved>(&fact.event);
    const auto* started = std::get_if<jobs::AttemptStarted>(&fact.event);
    if (!held_back && moved != nullptr && moved->why == "its place is free already") {
      held_back = moved->moves.front().job;
    } else if (!held_back || started == nullptr || started->job != *held_back) {
      lines.push_back(ledger::encode(fact));
    }
  }
  ASSERT_TRUE(held_back);
  EXPECT_GE(retraced(lines).early_starts.differ, 1);
}

TEST(RetraceTest, WhatWasNotPlannedAnewIsFound) {
  int tried = 0;
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Day day(seed);
    const auto is_replan = [](jobs::BookingsMoved& fact) {
      return fact.why == "a better time at today's prices";
    };
    auto moved = day.cluster.facts<jobs::BookingsMoved>();
    if (std::ranges::none_of(moved, is_replan)) continue;
    ++tried;
    EXPECT_GE(retraced(meddled<jobs::BookingsMoved>(day, is_replan, true)).replans.differ, 1);
  }
  EXPECT_GT(tried, 0);
}

TEST(RetraceTest, AStartThatDidNotComeIsFound) {
  const auto lines = meddled<jobs::AttemptStarted>(Day(1), [](auto&) { return true; }, true);
  EXPECT_GE(retraced(lines).starts.differ, 1);
}

TEST(RetraceTest, AnErrorNamesTheLine) {
  const auto found = retrace("\n{\"at\":1}\n");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message.substr(0, 7), "line 2:");
}

}  // namespace
}  // namespace replay
