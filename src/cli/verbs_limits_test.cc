#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/fakes/scripted_environment.h"
#include "cli/run.h"

namespace cli {
namespace {

class LimitVerbsTest : public testing::Test {
 protected:
  LimitVerbsTest() {
    world.variables = {{"BERTH_SERVER", "http://head:7070"}, {"BERTH_TOKEN", "secret-token"}};
  }
  int berth(std::vector<const char*> words) {
    words.insert(words.begin(), "berth");
    world.out.clear();
    world.error.clear();
    return run(static_cast<int>(words.size()), words.data(), world);
  }
  std::string sent() const { return world.server->requests.back().body; }

  fakes::ScriptedEnvironment world;
};

constexpr const char* kQuotas = R"({"quotas": [
    {"team": "vision", "user": "", "gpu_model": "a100", "gpus": 8, "soft": true, "used": 3},
    {"team": "", "user": "ada", "gpu_model": "", "gpus": 4, "soft": false, "used": 0}]})";

TEST_F(LimitVerbsTest, QuotasAreSetShownAndRemoved) {
  world.server->on("GET", "/v1/quotas", kQuotas)
      .on("PUT", "/v1/quotas", kQuotas)
      .on("DELETE", "/v1/quotas", R"({"quotas": []})");
  EXPECT_EQ(berth({"quota"}), 0) << world.error;
  EXPECT_EQ(world.out,
            "OF           MODEL  GPUS  USED  KIND\n"
            "team vision  a100      8     3  soft\n"
            "user ada     any       4     0  hard\n");
  world.variables["LANG"] = "zh_CN.UTF-8";
  EXPECT_EQ(berth({"quota", "list"}), 0);
  EXPECT_FALSE(world.out.contains("team vision")) << world.out;
  world.variables.erase("LANG");
  EXPECT_EQ(berth({"quota", "set", "8", "--team", "vision", "--model", "A100", "--soft"}), 0);
  EXPECT_EQ(sent(), R"({"team":"vision","gpu_model":"A100","gpus":8,"soft":true})");
  EXPECT_EQ(berth({"quota", "remove", "--user", "ada"}), 0);
  EXPECT_EQ(world.out, "There are no quotas.\n");
}

TEST_F(LimitVerbsTest, AJobIsMovedToOnePlace) {
  world.server->on("POST", "/v1/jobs/42/move", R"({"id": 42})");
  EXPECT_EQ(berth({"job", "move", "42", "--after", "40"}), 0) << world.error;
  EXPECT_EQ(sent(), R"({"spot":"after","other":40})");
  EXPECT_EQ(world.out, "job 42 has another place in the queue\n");
  EXPECT_EQ(berth({"job", "move", "42", "--top"}), 0);
  EXPECT_EQ(sent(), R"({"spot":"top"})");
  EXPECT_EQ(berth({"job", "move", "42"}), 2);
  EXPECT_EQ(berth({"job", "move", "42", "--top", "--before", "40"}), 2);
  EXPECT_TRUE(world.error.contains("say one of --top")) << world.error;
}

TEST_F(LimitVerbsTest, SharesAndHalfLife) {
  world.server->on("PUT", "/v1/teams/vision/share", R"({"team": "vision", "weight": 2, "used": 0})")
      .on("GET", "/v1/fairness", R"({"half_life": 604800000})")
      .on("PUT", "/v1/fairness", R"({"half_life": 259200000})");
  EXPECT_EQ(berth({"team", "share", "vision", "2"}), 0) << world.error;
  EXPECT_EQ(world.out, "team vision has share 2\n");
  EXPECT_EQ(berth({"fairness"}), 0);
  EXPECT_EQ(berth({"fairness", "--half-life", "3d"}), 0);
  EXPECT_EQ(sent(), R"({"half_life":259200000})");
}

TEST_F(LimitVerbsTest, PriorityGoesWithTheSpec) {
  world.server->on("POST", "/v1/jobs", R"({"jobs": [{"id": 1, "state": "queued"}]})", 201);
  EXPECT_EQ(berth({"submit", "--priority", "-5", "--", "a"}), 0) << world.error;
  EXPECT_TRUE(sent().contains(R"("priority":-5)")) << sent();
  EXPECT_EQ(berth({"submit", "--priority", "101", "--", "a"}), 2);
}

TEST_F(LimitVerbsTest, WithPricingOffNoTableSpeaksOfMoney) {
  world.server
      ->on("GET", "/v1/prices", R"({"gpu_hour": {"": 1000000}, "core_hour": 50000,
           "pricing": "off"})")
      .on("PUT", "/v1/prices", R"({"gpu_hour": {"": 1000000}, "pricing": "off"})")
      .on("GET", "/v1/teams", R"({"pricing": "off", "teams": [{"team": "vision", "balance": 5,
           "members": ["ada"], "weight": 2, "used": 5400000,
           "quotas": [{"team": "vision", "gpus": 8, "used": 3}]}]})")
      .on("GET", "/v1/jobs", R"({"jobs": [{"id": 1, "name": "a", "user": "ada", "state": "queued",
           "job_class": "flex"}]})")
      .on("GET", "/v1/teams/vision/statement", R"({"pricing": "off"})");
  EXPECT_EQ(berth({"prices", "--off"}), 0) << world.error;
  EXPECT_TRUE(sent().contains(R"("pricing":"off")")) << sent();
  EXPECT_EQ(world.out, "Pricing is off: nothing costs anything.\n");
  EXPECT_EQ(berth({"teams"}), 0);
  EXPECT_EQ(world.out,
            "TEAM    SHARE  GPU-HOURS  QUOTA  MEMBERS\n"
            "vision      2        1.5  3/8    ada\n");
  EXPECT_EQ(berth({"jobs"}), 0);
  EXPECT_FALSE(world.out.contains("PRICE")) << world.out;
  EXPECT_EQ(berth({"statement", "vision"}), 0);
  EXPECT_EQ(world.out, "Pricing is off: nothing costs anything.\n");
}

}  // namespace
}  // namespace cli
