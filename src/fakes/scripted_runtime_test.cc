#include "fakes/scripted_runtime.h"

#include <gtest/gtest.h>

namespace {

using domain::ExitCause;
using domain::Time;
using ports::RankEnd;
using ports::RankKey;

ports::Launch launch(std::int64_t job) {
  ports::Launch wanted;
  wanted.key = {.job = {job}, .attempt = 1, .rank = 0};
  wanted.command = {"scripted"};
  wanted.folder = "/" + std::to_string(job);
  return wanted;
}

class ScriptedRuntimeTest : public testing::Test {
 protected:
  ScriptedRuntimeTest() { listen(runtime); }

  void listen(ports::Runtime& to) {
    to.on_end(
        [this](const RankKey& key, const RankEnd& end) { told.emplace_back(key.job.value, end); });
  }

  std::vector<std::pair<std::int64_t, RankEnd>> told;
  fakes::Machine machine{Time{1000}};
  fakes::ScriptedRuntime runtime{machine};
};

TEST_F(ScriptedRuntimeTest, TellsEndsInTheOrderOfTheirTimes) {
  machine.set_scripts([](const ports::Launch& wanted) {
    fakes::RankScript script;
    script.length = {wanted.key.job.value == 1 ? 500 : 200};
    return script;
  });
  ASSERT_TRUE(runtime.start(launch(1)));
  ASSERT_TRUE(runtime.start(launch(2)));
  EXPECT_EQ(machine.next_event(), Time{1200});
  machine.advance_to(Time{1199});
  EXPECT_TRUE(told.empty());
  machine.advance_to(Time{9000});
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].first, 2);
  EXPECT_EQ(told[0].second.at, Time{1200});
  EXPECT_EQ(told[1].second.at, Time{1500});
  EXPECT_EQ(machine.next_event(), domain::kNever);
}

TEST_F(ScriptedRuntimeTest, AHandlerMayStartTheNextRank) {
  machine.set_scripts([](const ports::Launch&) {
    fakes::RankScript script;
    script.length = {100};
    return script;
  });
  runtime.on_end([this](const RankKey& key, const RankEnd& end) {
    told.emplace_back(key.job.value, end);
    if (key.job.value < 3) ASSERT_TRUE(runtime.start(launch(key.job.value + 1)));
  });
  ASSERT_TRUE(runtime.start(launch(1)));
  machine.advance_to(Time{5000});
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[2].second.at, Time{1300});
}

TEST_F(ScriptedRuntimeTest, CleansUpAfterTerminationAndSaysSoByItsExitCode) {
  machine.set_scripts([](const ports::Launch&) {
    fakes::RankScript script;
    script.cleanup = {50};
    script.exit_code_on_terminate = 0;
    return script;
  });
  ASSERT_TRUE(runtime.start(launch(1)));
  runtime.terminate(launch(1).key);
  machine.advance_to(Time{1049});
  EXPECT_TRUE(machine.is_alive(launch(1).key));
  machine.advance_to(Time{1050});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].second.cause, ExitCause::success);
}

TEST_F(ScriptedRuntimeTest, InjectedFailuresHitTheNextStartOnly) {
  machine.fail_next_start({base::ErrorCode::resource_exhausted, "no processes left"});
  EXPECT_EQ(runtime.start(launch(1)).error().code, base::ErrorCode::resource_exhausted);
  EXPECT_TRUE(machine.alive().empty());
  ASSERT_TRUE(runtime.start(launch(1)));
  EXPECT_TRUE(machine.is_alive(launch(1).key));
}

TEST_F(ScriptedRuntimeTest, ALostShimIsToldWithItsCause) {
  ASSERT_TRUE(runtime.start(launch(1)));
  EXPECT_TRUE(machine.lose_shim(launch(1).key));
  EXPECT_FALSE(machine.lose_shim(launch(1).key));
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(machine.next_event(), machine.now());
  machine.advance({0});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].second.cause, ExitCause::shim_lost);
}

TEST_F(ScriptedRuntimeTest, AfterALossOfPowerRanksAreLost) {
  ASSERT_TRUE(runtime.start(launch(1)));
  machine.lose_power();
  machine.advance({1000});
  EXPECT_TRUE(told.empty());
  fakes::ScriptedRuntime next(machine);
  listen(next);
  ASSERT_TRUE(next.adopt(launch(1).key, launch(1).folder));
  machine.advance({0});
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].second.cause, ExitCause::shim_lost);
}

}  // namespace
