#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/fakes/scripted_environment.h"
#include "cli/run.h"

namespace cli {
namespace {

constexpr const char* kTrace =
    "submit_s,duration_s,gpus\n0,1200,2\n0,1200,2\n600,600,1\n1200,600,9\n3600,600,1\n";

class SimTest : public testing::Test {
 protected:
  SimTest() { world.files["/home/li/project/jobs.csv"] = kTrace; }
  int berth(std::vector<const char*> words) {
    words.insert(words.begin(), "berth");
    world.out.clear();
    world.error.clear();
    return run(static_cast<int>(words.size()), words.data(), world);
  }

  fakes::ScriptedEnvironment world;
};

TEST_F(SimTest, ShowsATableWithoutAskingAnyServer) {
  EXPECT_EQ(berth({"sim", "--trace", "jobs.csv", "--gpus", "2", "--bound"}), 0) << world.error;
  EXPECT_TRUE(world.out.contains("4 jobs on 2 GPUs, 7 slots of 600 s, load ")) << world.out;
  EXPECT_TRUE(world.out.contains("Left out: 1 jobs")) << world.out;
  EXPECT_TRUE(world.out.contains("No schedule earns more than")) << world.out;
  EXPECT_TRUE(world.out.contains("exponential-price")) << world.out;
  EXPECT_TRUE(world.connected.empty());
  EXPECT_EQ(world.error, "");
}

TEST_F(SimTest, FitsATerminalAndSaysThereHowFarItIs) {
  world.is_terminal = true;
  world.variables["NO_COLOR"] = "1";
  EXPECT_EQ(berth({"sim", "--jobs", "600", "--policy", "first-fit,era", "--load", "4"}), 0);
  for (std::size_t from = 0, end = 0; from < world.out.size(); from = end + 1) {
    end = world.out.find('\n', from);
    EXPECT_LE(end - from, 80U) << world.out;
  }
  EXPECT_TRUE(world.error.contains("\r\x1b[Kfirst-fit ")) << world.error;
  EXPECT_TRUE(world.error.ends_with("\r\x1b[K")) << world.error;
}

TEST_F(SimTest, TellsWhatBecameOfThoseWhoMisjudged) {
  EXPECT_EQ(berth({"sim", "--jobs", "600", "--policy", "era,edf", "--estimate-error", "survey"}),
            0);
  EXPECT_TRUE(world.out.contains("OWNERS SAID (era)")) << world.out;
  EXPECT_TRUE(world.out.contains("less than it took")) << world.out;
  EXPECT_EQ(berth({"sim", "--jobs", "600", "--policy", "era"}), 0);
  EXPECT_FALSE(world.out.contains("OWNERS SAID")) << world.out;
}

TEST_F(SimTest, GivesJson) {
  EXPECT_EQ(berth({"sim", "--trace", "jobs.csv", "--gpus", "2", "--policy", "edf", "--json"}), 0);
  const auto envelope = base::parse_json(world.out);
  ASSERT_TRUE(envelope) << world.out;
  const auto& data = envelope->at("data");
  EXPECT_EQ(data.at("jobs").as_int64(), 4);
  EXPECT_EQ(data.at("policies").at(0).at("name").as_string(), "edf");
  EXPECT_EQ(data.at("policies").at(0).at("late").as_int64(), 0);
}

TEST_F(SimTest, ReadsStandardInputAndDrawsPlots) {
  world.input = {"submit_s,duration_s,gpus", "0,1200,2", "600,600,1"};
  EXPECT_EQ(berth({"sim", "--trace", "-", "--gpus", "2", "--plots", "out"}), 0) << world.error;
  EXPECT_TRUE(world.files.contains("/home/li/project/out/utilisation.svg"));
  EXPECT_TRUE(world.files.contains("/home/li/project/out/value.svg"));
}

TEST_F(SimTest, TakesNodes) {
  world.files["/home/li/project/nodes.csv"] = "name,gpus\nn1,2\nn2,2\n";
  EXPECT_EQ(berth({"sim", "--trace", "jobs.csv", "--nodes", "nodes.csv", "--policy", "era"}), 0);
  EXPECT_TRUE(world.out.contains("on 4 GPUs")) << world.out;
}

TEST_F(SimTest, SaysWhatIsWrongWithWhatWasGiven) {
  struct Case {
    std::vector<const char*> words;
    const char* says;
  };
  const std::vector<Case> cases{
      {{"sim", "--trace", "none.csv"}, "none.csv: there is no file"},
      {{"sim", "--trace", "jobs.csv", "--format", "philly", "--gpus", "x"}, "--gpus"},
      {{"sim", "--trace", "jobs.csv", "--format", "itp"},
       "jobs.csv: line 1: there is no column \"submission_time\""},
      {{"sim", "--policy", "lottery"}, "no policy \"lottery\"; there are era, first-fit"},
      {{"sim", "--trace", "jobs.csv", "--deadlines", "given"},
       "not every job of the trace has a deadline"},
  };
  for (const Case& each : cases) {
    EXPECT_NE(berth(each.words), 0);
    EXPECT_TRUE(world.error.contains(each.says)) << world.error;
    EXPECT_EQ(world.out, "");
  }
}

}  // namespace
}  // namespace cli
