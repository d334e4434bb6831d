#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/fakes/world.h"

namespace agent {
namespace {

using domain::Duration;
using domain::ExitCause;
using fakes::kKey;
using fakes::order_for;
using ports::RankPhase;

class Checkpoints : public testing::Test, protected fakes::World {
 protected:
  void write(const std::string& name, int step, const std::string& state) {
    const std::string folder = "/data/jobs/1/checkpoints/" + name + "/";
    files_.replace(folder + "state.pt", state).value();
    const std::string files =
        fmt::format(R"("state.pt":{{"bytes":{},"sha256":"x"}})", state.size());
    const auto text = fmt::format(R"({{"version":1,"step":{},"pieces":1,"t":{},"files":{{{}}}}})",
                                  step, machine_.now().ms, files);
    files_.replace(folder + "MANIFEST.json", text).value();
  }
};

TEST_F(Checkpoints, ACheckpointIsBroughtBeforeTheStart) {
  connect();
  auto order = order_for({.job = {1}, .attempt = 2, .rank = 0});
  order.resume_from = "step-00000007";
  auto other = order;
  other.key.rank = 1;
  want({order, other});
  pass(Duration{1'000});
  EXPECT_TRUE(starts_.empty());
  ASSERT_EQ(store_.questions().size(), 1U);
  EXPECT_EQ(store_.questions()[0].folder, "/data/jobs/1/checkpoints");
  store_.answer({});
  pass(Duration{100});
  ASSERT_EQ(starts_.size(), 2U);
  EXPECT_EQ(machine_.find_launch(order.key)->env.at("BERTH_RESUME_FROM"),
            "/data/jobs/1/checkpoints/step-00000007");
}

TEST_F(Checkpoints, WithoutItsCheckpointARankDoesNotStart) {
  connect();
  auto order = order_for(kKey);
  order.resume_from = "step-00000007";
  want({order});
  store_.answer(base::fail(base::ErrorCode::data_loss, "a file of it is torn"));
  pass(Duration{100});
  EXPECT_TRUE(starts_.empty());
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::cannot_start);
  EXPECT_EQ(find(kKey)->end->detail,
            "the checkpoint step-00000007 could not be brought to node n1: a file of it is torn");
}

TEST_F(Checkpoints, ACheckpointThatCannotBeHadInPassingIsAskedForAgain) {
  connect();
  auto order = order_for(kKey);
  order.resume_from = "step-00000007";
  want({order});
  const base::Result<> lost = base::fail(base::ErrorCode::unavailable, "the connection was lost");
  store_.answer(lost);
  pass(Duration{1'500});
  ASSERT_TRUE(is(kKey, RankPhase::starting));
  ASSERT_EQ(store_.questions().size(), 1U);
  store_.answer({});
  pass(Duration{100});
  EXPECT_EQ(starts_.size(), 1U);
}

TEST_F(Checkpoints, ACheckpointThatCannotBeHadForAMinuteEndsTheRank) {
  connect();
  auto order = order_for(kKey);
  order.resume_from = "step-00000007";
  want({order});
  const base::Result<> lost = base::fail(base::ErrorCode::unavailable, "the connection was lost");
  for (int second = 0; second < 70 && !store_.questions().empty(); ++second) {
    store_.answer(lost);
    pass(Duration{1'500});
  }
  EXPECT_TRUE(starts_.empty());
  ASSERT_TRUE(is(kKey, RankPhase::ended));
  EXPECT_EQ(find(kKey)->end->cause, ExitCause::cannot_start);
}

TEST_F(Checkpoints, TheNewestIsToldOnceItIsWhole) {
  connect();
  want({order_for(kKey)});
  write("step-00000001", 1, std::string(10'000'000, '1'));
  link_.kept.fill_disk();
  pass(Duration{3'000});
  EXPECT_EQ(find(kKey)->checkpoint, "");
  link_.kept.fill_disk(false);
  pass(Duration{10'000});
  EXPECT_EQ(find(kKey)->checkpoint, "step-00000001");
  write("step-00000002", 2, "22");
  pass(Duration{3'000});
  EXPECT_EQ(find(kKey)->checkpoint, "step-00000002");
  EXPECT_EQ(find(kKey)->checkpoint_step, 2);
  EXPECT_EQ(*link_.kept.find({1}, "checkpoints/step-00000002/state.pt"), "22");
  for (int step = 3; step <= 12; ++step, pass(Duration{400})) {  // Its program keeps two of them.
    write(fmt::format("step-{:08}", step), step, "state");
    files_.remove(fmt::format("/data/jobs/1/checkpoints/step-{:08}", step - 2)).value();
  }
  EXPECT_GE(find(kKey)->checkpoint_step, 6);
}

TEST_F(Checkpoints, ATornOneIsNeverTold) {
  connect();
  want({order_for(kKey)});
  files_.replace("/data/jobs/1/checkpoints/step-00000001/state.pt", "1").value();
  pass(Duration{3'000});
  EXPECT_EQ(link_.kept.find({1}, "checkpoints/step-00000001/state.pt"), nullptr);
  write("step-00000002", 2, "22");
  files_.replace("/data/jobs/1/checkpoints/step-00000002/state.pt", "2").value();
  pass(Duration{3'000});
  EXPECT_EQ(find(kKey)->checkpoint, "");
}

TEST_F(Checkpoints, OneOfTheSameStepReplacesWhatWasKeptOfIt) {
  connect();
  link_.kept.put({1}, "checkpoints/step-00000001/state.pt", "what another attempt left");
  want({order_for(kKey)});
  write("step-00000001", 1, "mine");
  pass(Duration{3'000});
  EXPECT_EQ(*link_.kept.find({1}, "checkpoints/step-00000001/state.pt"), "mine");
  EXPECT_EQ(find(kKey)->checkpoint, "step-00000001");
}

TEST_F(Checkpoints, ARestartSendsNothingAgainThatIsWhole) {
  connect();
  want({order_for(kKey)});
  write("step-00000001", 1, "one");
  pass(Duration{3'000});
  link_.kept.put({1}, "checkpoints/step-00000001/state.pt", "untouched");
  boot();
  connect();
  want({order_for(kKey)});
  pass(Duration{2'000});
  EXPECT_EQ(find(kKey)->checkpoint, "step-00000001");
  EXPECT_EQ(*link_.kept.find({1}, "checkpoints/step-00000001/state.pt"), "untouched");
}

TEST_F(Checkpoints, TheLastOneIsToldAlsoWhenTheRankIsNoLongerWanted) {
  script_.cleanup = Duration{500};
  connect();
  want({order_for(kKey)});
  write("step-00000009", 9, std::string(1'000'000, '9'));
  want({});
  pass(Duration{600});
  bool was_told = false;
  for (int turn = 0; turn < 50 && find(kKey) != nullptr; ++turn) {
    was_told = was_told || find(kKey)->checkpoint == "step-00000009";
    pass(Duration{100});
  }
  EXPECT_TRUE(was_told);
  EXPECT_EQ(find(kKey), nullptr);
}

}  // namespace
}  // namespace agent
