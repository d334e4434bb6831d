#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cli/fakes/scripted_environment.h"
#include "cli/run.h"

// What is shown of a refusal whose changes are about the size of a rank.
namespace cli {
namespace {

class RefusalTest : public testing::Test {
 protected:
  RefusalTest() { world.variables = {{"BERTH_SERVER", "http://head:7070"}}; }

  int berth(std::vector<const char*> words) {
    words.insert(words.begin(), "berth");
    world.out.clear();
    world.error.clear();
    return run(static_cast<int>(words.size()), words.data(), world);
  }
  bool says(std::string_view text) const { return world.out.contains(text); }

  static std::string change(std::string_view what) {
    return fmt::format(R"({{{}, "offer": {{"pool": "a100", "start": 1795338000000,
                          "finish": 1795341600000, "price": 16000000, "nodes": []}}}})",
                       what);
  }
  static std::string refusal() {
    const std::string over_more =
        change(R"("ranks": 2, "per_rank": {"gpus": 8, "cpu_millis": 1000, "memory_bytes": 0})");
    const std::string less =
        change(R"("per_rank": {"gpus": 8, "cpu_millis": 1000, "memory_bytes": 0})");
    return R"({"reason": "rank_larger_than_node", "changes": [)" + over_more + ", " + less + "]}";
  }
  void answer_quotes_with(const std::string& refused) {
    world.server->on("POST", "/v1/quotes", R"({"text": "", "refusal": )" + refused + "}");
  }

  fakes::ScriptedEnvironment world;
};

TEST_F(RefusalTest, ARankThatIsTooLargeGetsCommandsWithRanksThatFit) {
  answer_quotes_with(refusal());
  EXPECT_EQ(berth({"quote", "--gpus", "16", "--", "a"}), 3) << world.error;
  EXPECT_TRUE(says("\n  berth quote --ranks 2 --gpus 8 -- a\n")) << world.out;
  EXPECT_TRUE(says("\n  berth quote --gpus 8 -- a\n")) << world.out;
  EXPECT_FALSE(says("--cores")) << world.out;
  EXPECT_EQ(berth({"quote", "--gpus=A100:16", "--ranks", "1", "--by", "9h", "--", "a"}), 3);
  EXPECT_TRUE(says("\n  berth quote --by 9h --ranks 2 --gpus A100:8 -- a\n")) << world.out;
  EXPECT_TRUE(says("\n  berth quote --ranks 1 --by 9h --gpus A100:8 -- a\n")) << world.out;
}

TEST_F(RefusalTest, CoresAndMemoryAreNamedWhereTheyChange) {
  answer_quotes_with(
      R"({"reason": "rank_larger_than_node", "changes": [)" +
      change(R"("per_rank": {"gpus": 2, "cpu_millis": 63500, "memory_bytes": 34359738369})") +
      "]}");
  EXPECT_EQ(berth({"quote", "--gpus", "2", "--cores", "99", "--memory=64G", "--", "a"}), 3);
  EXPECT_TRUE(says("\n  berth quote --gpus 2 --cores 63.5 --memory 32G -- a\n")) << world.out;
  EXPECT_EQ(berth({"quote", "--gpus", "2", "--cores", "63.5", "--memory=64G", "--", "a"}), 3);
  EXPECT_TRUE(says("\n  berth quote --gpus 2 --cores 63.5 --memory 32G -- a\n")) << world.out;
}

TEST_F(RefusalTest, WhoAsksLaterIsToldTheOptions) {
  world.server->on("GET", "/v1/jobs/3",
                   R"({"id": 3, "state": "refused", "spec": {"name": "a", "bid": {"shape":
                       {"per_rank": {"gpus": 16, "cpu_millis": 1000, "memory_bytes": 0},
                        "gpu_model": "A100"}}}, "refusal": )" +
                       refusal() + "}");
  EXPECT_EQ(berth({"job", "show", "3"}), 0) << world.error;
  EXPECT_TRUE(says("\n  --ranks 2 --gpus A100:8\n")) << world.out;
  EXPECT_FALSE(says("Refused")) << "the job's own sentence says why";
}

TEST_F(RefusalTest, BeginsAlikeWhoeverSaysIt) {
  const std::string_view reason = "one rank asks for more than any node has";
  const std::string alone = R"({"reason": "rank_larger_than_node", "changes": []})";
  answer_quotes_with(refusal());
  EXPECT_EQ(berth({"quote", "--gpus", "16", "--", "a"}), 3);
  EXPECT_TRUE(world.out.starts_with(fmt::format("Refused: {}\n", reason))) << world.out;
  world.server->answers.clear();
  world.server->on(
      "POST", "/v1/quotes",
      R"({"text": "One rank asks for more than any node has; see.", "refusal": )" + alone + "}");
  EXPECT_EQ(berth({"quote", "--gpus", "16", "--", "a"}), 3);
  EXPECT_EQ(world.out, fmt::format("Refused: {}; see.\n", reason));
  world.server->answers.clear();
  answer_quotes_with(alone);
  EXPECT_EQ(berth({"quote", "--gpus", "16", "--lang", "zh", "--", "a"}), 3);
  EXPECT_EQ(world.out, "已拒绝：单个 rank 的需求超过了任何一台节点的容量\n");
  world.server->answers.clear();
  answer_quotes_with(R"({"reason": "of_tomorrow", "changes": []})");
  EXPECT_EQ(berth({"quote", "--gpus", "16", "--", "a"}), 3);
  EXPECT_EQ(world.out, "Refused: of_tomorrow\n");
}

TEST_F(RefusalTest, OfSeveralJobsEverythingIsNamed) {
  world.files["/home/li/project/all.yaml"] =
      "gpus: 4\njobs:\n  - command: [a]\n    gpus: 16\n  - command: [b]\n";
  world.server->on("POST", "/v1/jobs",
                   R"({"jobs": [{"id": 1, "state": "refused", "refusal": )" + refusal() + "}]}");
  EXPECT_EQ(berth({"submit", "all.yaml"}), 3) << world.error;
  EXPECT_TRUE(says(" --ranks 2 --gpus 8 --cores 1\n")) << world.out;
}

}  // namespace
}  // namespace cli
