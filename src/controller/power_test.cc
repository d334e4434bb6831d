#include "controller/power.h"

#include <gtest/gtest.h>

namespace {

using controller::Power;
using controller::PowerAsk;
using domain::Duration;
using domain::kMinute;
using domain::kSecond;
using domain::NodeState;
using domain::Time;
using Asks = std::vector<PowerAsk>;

class PowerAsksTest : public testing::Test {
 protected:
  void set(const std::string& name, NodeState state) {
    ledger::nodes::Node node;
    node.name = {name};
    node.state = state;
    node.since = now;
    world.nodes.nodes.insert_or_assign(node.name, node);
  }
  Asks due() { return power.due(world, now); }
  void grant(const PowerAsk& ask) { power.answered(ask, {}, now); }
  void refuse(const PowerAsk& ask, const std::string& why = "no route") {
    power.answered(ask, base::fail(base::ErrorCode::unavailable, "{}", why), now);
  }
  /// How long it takes until something is due again, looked at each second.
  Duration wait() {
    const Time from = now;
    while (power.due(world, now).empty()) {
      now = now + kSecond;
      if (now - from > domain::kHour) break;
    }
    return now - from;
  }

  ledger::State world;
  Power power;
  Time now{1'700'000'000'000};
};

const PowerAsk kOn{{"n1"}, true};
const PowerAsk kOff{{"n1"}, false};

TEST_F(PowerAsksTest, AsksOnceForEachTimeANodeGetsIntoAState) {
  set("n1", NodeState::suspended);
  EXPECT_EQ(due(), Asks{kOff});
  grant(kOff);
  now = now + domain::kDay;
  EXPECT_EQ(due(), Asks{});
  set("n1", NodeState::resuming);
  EXPECT_EQ(due(), Asks{kOn});
  grant(kOn);
  now = now + kMinute;
  EXPECT_EQ(due(), Asks{});
  set("n1", NodeState::ready);
  EXPECT_EQ(due(), Asks{});
  now = now + kMinute;
  set("n1", NodeState::suspended);
  EXPECT_EQ(due(), Asks{kOff});
}

TEST_F(PowerAsksTest, WhatDoesNotComeUpIsAskedForAgain) {
  set("n1", NodeState::resuming);
  EXPECT_EQ(due(), Asks{kOn});
  grant(kOn);
  now = now + kMinute * 2 - domain::kSecond;
  EXPECT_EQ(due(), Asks{});
  now = now + domain::kSecond;
  EXPECT_EQ(due(), Asks{kOn});
  grant(kOn);
  EXPECT_EQ(due(), Asks{});
  set("n1", NodeState::ready);
  now = now + kMinute * 2;
  EXPECT_EQ(due(), Asks{});
}

TEST_F(PowerAsksTest, TheSameStateAtAnotherTimeIsAskedForAgain) {
  set("n1", NodeState::suspended);
  ASSERT_EQ(due(), Asks{kOff});
  grant(kOff);
  now = now + kMinute;
  set("n1", NodeState::suspended);
  EXPECT_EQ(due(), Asks{kOff});
}

TEST_F(PowerAsksTest, NodesOfOtherStatesAreNeverAskedFor) {
  for (const NodeState state : {NodeState::joining, NodeState::ready, NodeState::draining,
                                NodeState::maintenance, NodeState::down, NodeState::quarantined}) {
    set("n1", state);
    EXPECT_EQ(due(), Asks{}) << static_cast<int>(state);
  }
}

TEST_F(PowerAsksTest, AFailedAskIsRepeatedLaterAndLater) {
  set("n1", NodeState::resuming);
  ASSERT_EQ(due(), Asks{kOn});
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 7; ++i) {
    refuse(kOn);
    waits.push_back(wait().ms / 1'000);
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{30, 60, 120, 240, 480, 480, 480}));
}

TEST_F(PowerAsksTest, AnotherStateBeginsWithTheShortWait) {
  set("n1", NodeState::resuming);
  ASSERT_EQ(due(), Asks{kOn});
  refuse(kOn);
  ASSERT_EQ(wait(), kSecond * 30);
  refuse(kOn);
  set("n1", NodeState::suspended);
  EXPECT_EQ(due(), Asks{kOff}) << "at once";
  refuse(kOff);
  EXPECT_EQ(wait(), kSecond * 30);
}

TEST_F(PowerAsksTest, ThereAreNeverTwoAsksForOneNode) {
  set("n1", NodeState::resuming);
  ASSERT_EQ(due(), Asks{kOn});
  EXPECT_EQ(due(), Asks{});
  now = now + kMinute;
  set("n1", NodeState::suspended);
  EXPECT_EQ(due(), Asks{}) << "the first is not answered";
  refuse(kOn);
  EXPECT_TRUE(power.failures().empty()) << "what failed is not wanted any more";
  EXPECT_EQ(due(), Asks{kOff});
  grant(kOff);
  EXPECT_EQ(due(), Asks{});
}

TEST_F(PowerAsksTest, AnAskThatIsNotNeededAnyMoreStaysTheOnlyOneUntilItIsAnswered) {
  set("n1", NodeState::resuming);
  ASSERT_EQ(due(), Asks{kOn});
  set("n1", NodeState::ready);
  EXPECT_EQ(due(), Asks{});
  now = now + kMinute;
  set("n1", NodeState::resuming);
  EXPECT_EQ(due(), Asks{});
  grant(kOn);
  EXPECT_EQ(due(), Asks{kOn}) << "the answer was to the earlier one";
}

TEST_F(PowerAsksTest, AnAnswerForANodeThatWasRemovedChangesNothing) {
  set("n1", NodeState::resuming);
  ASSERT_EQ(due(), Asks{kOn});
  world.nodes.nodes.clear();
  EXPECT_EQ(due(), Asks{});
  refuse(kOn);
  EXPECT_EQ(due(), Asks{});
  EXPECT_TRUE(power.failures().empty());
}

TEST_F(PowerAsksTest, KeepsWhatFailedLastUntilItWorksOrIsNotNeeded) {
  set("n1", NodeState::resuming);
  ASSERT_EQ(due(), Asks{kOn});
  refuse(kOn, "no route");
  EXPECT_EQ(power.failures().at({"n1"}), "no route");
  ASSERT_EQ(wait(), kSecond * 30);
  refuse(kOn, "no key");
  EXPECT_EQ(power.failures().at({"n1"}), "no key");
  ASSERT_EQ(wait(), kMinute);
  grant(kOn);
  EXPECT_TRUE(power.failures().empty());

  now = now + kSecond;
  set("n1", NodeState::suspended);
  ASSERT_EQ(due(), Asks{kOff});
  refuse(kOff);
  EXPECT_EQ(power.failures().size(), 1U);
  set("n1", NodeState::ready);
  EXPECT_EQ(due(), Asks{});
  EXPECT_TRUE(power.failures().empty());
}

TEST_F(PowerAsksTest, ANewControllerAsksForEverythingOnceMore) {
  set("n1", NodeState::resuming);
  set("n2", NodeState::suspended);
  ASSERT_EQ(due(), (Asks{kOn, {{"n2"}, false}}));
  grant(kOn);
  power = {};
  EXPECT_EQ(due(), (Asks{kOn, {{"n2"}, false}}));
}

TEST_F(PowerAsksTest, FewAtOnceAndWhatIsToBeOnFirst) {
  for (const char* name : {"a", "b", "c"}) set(name, NodeState::suspended);
  for (const char* name : {"x", "y"}) set(name, NodeState::resuming);
  EXPECT_EQ(due(), (Asks{{{"x"}, true}, {{"y"}, true}, {{"a"}, false}, {{"b"}, false}}));
  EXPECT_EQ(due(), Asks{});
  grant({{"a"}, false});
  EXPECT_EQ(due(), (Asks{{{"c"}, false}}));
}

TEST_F(PowerAsksTest, WhatIsDueLongestComesFirst) {
  for (const char* name : {"a", "b", "c", "d"}) set(name, NodeState::resuming);
  for (const PowerAsk& ask : due()) refuse(ask);
  now = now + kSecond;
  set("e", NodeState::resuming);
  EXPECT_EQ(due(), (Asks{{{"e"}, true}}));
  refuse({{"e"}, true});
  now = now + kMinute;
  EXPECT_EQ(due(), (Asks{{{"a"}, true}, {{"b"}, true}, {{"c"}, true}, {{"d"}, true}}));
}

}  // namespace
