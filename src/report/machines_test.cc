#include "report/machines.h"

#include <gtest/gtest.h>

namespace report {
namespace {

using domain::kHour;
using domain::NodeState;
using domain::Time;
using namespace ledger::nodes;

constexpr Time at_hour(std::int64_t n) { return Time{} + kHour * n; }

/// Two machines with four GPUs each, from hour 0 to hour 100.
class MachinesTest : public testing::Test {
 protected:
  MachinesTest() {
    for (const char* name : {"n1", "n2"}) {
      domain::Inventory inventory{.cpu_millis = 8'000, .memory_bytes = 1};
      for (int i = 0; i < 4; ++i)
        inventory.gpus.push_back({.uuid = std::string(name) + std::to_string(i), .model = "A100"});
      machines.take(NodeReported{{name}, {"a100"}, "A100", inventory}, at_hour(0));
      machines.take(NodeStateSet{{name}, NodeState::ready, "", NodeState::ready}, at_hour(0));
    }
  }
  double gpu_hours() {
    machines.close();
    return machines.capacity().hours().gpu_hours;
  }
  void close(std::vector<domain::NodeId> nodes, std::vector<domain::ClosedTime> times) {
    machines.take(NodesClosed{{"c", std::move(nodes), {}, std::move(times), ""}}, at_hour(0));
  }

  Machines machines{{at_hour(0), at_hour(100)}};
};

TEST_F(MachinesTest, AreInServiceWhileTheyTakeWork) { EXPECT_EQ(gpu_hours(), 800); }

TEST_F(MachinesTest, AreOutOfServiceWhileTheyAreClosed) {
  close({{"n1"}}, {{at_hour(10), at_hour(30), {}}});
  EXPECT_EQ(gpu_hours(), 800 - 4 * 20);
  const auto list = machines.list({});
  EXPECT_EQ(list[0].present, kHour * 80);
  EXPECT_EQ(list[1].present, kHour * 100);
}

TEST_F(MachinesTest, RepeatedClosuresCountEachTime) {
  // Hours 20 to 28, 44 to 52, 68 to 76 and 92 to 100, of both.
  close({}, {{at_hour(20), at_hour(28), domain::kDay}});
  EXPECT_EQ(gpu_hours(), 800 - 8 * 32);
}

TEST_F(MachinesTest, WhatIsTakenBackCountsAgain) {
  close({}, {{at_hour(20), domain::kNever, {}}});
  machines.take(NodesOpened{"c"}, at_hour(50));
  EXPECT_EQ(gpu_hours(), 800 - 8 * 30);
}

TEST_F(MachinesTest, WhatWasOverBeforeTheNextClosureCounts) {
  close({}, {{at_hour(10), at_hour(20), {}}});
  machines.take(NodesClosed{{"d", {{"n2"}}, {}, {{at_hour(60), at_hour(70), {}}}, ""}},
                at_hour(50));
  EXPECT_EQ(gpu_hours(), 800 - 8 * 10 - 4 * 10);
}

TEST_F(MachinesTest, WhatStillRunsThenIsThere) {
  machines.hold({"n1"}, {.gpus = 3, .cpu_millis = 0, .memory_bytes = 0}, at_hour(0));
  close({}, {{at_hour(10), at_hour(20), {}}});
  machines.release({"n1"}, {.gpus = 3, .cpu_millis = 0, .memory_bytes = 0}, at_hour(15));
  EXPECT_EQ(gpu_hours(), 800 - 8 * 10 + 3 * 5);
  EXPECT_EQ(machines.used().hours().gpu_hours, 3 * 15);
}

TEST_F(MachinesTest, AreOutOfServiceWhileTheyAreOff) {
  const auto set = [&](NodeState state, std::int64_t hour) {
    machines.take(NodeStateSet{{"n1"}, state, "", NodeState::ready}, at_hour(hour));
  };
  set(NodeState::suspended, 10);
  set(NodeState::resuming, 40);
  set(NodeState::ready, 41);
  EXPECT_EQ(gpu_hours(), 800 - 4 * 31);
}

}  // namespace
}  // namespace report
