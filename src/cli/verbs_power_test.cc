#include <gtest/gtest.h>

#include "cli/fakes/scripted_environment.h"
#include "cli/run.h"

namespace cli {
namespace {

class PowerVerbTest : public testing::Test {
 protected:
  PowerVerbTest() {
    world.variables = {{"BERTH_SERVER", "http://head:7070"}, {"BERTH_TOKEN", "secret-token"}};
  }
  int berth(std::vector<const char*> words) {
    words.insert(words.begin(), "berth");
    world.out.clear();
    world.error.clear();
    return run(static_cast<int>(words.size()), words.data(), world);
  }

  fakes::ScriptedEnvironment world;
};

TEST_F(PowerVerbTest, NodesAreSwitchedOffWhenIdle) {
  const std::string policy = R"("power": {"idle_ms": 1200000, "resume_ms": 90000}})";
  world.server->on("PUT", "/v1/nodes/n1/power", R"({"name": "n1", )" + policy)
      .on("PUT", "/v1/nodes/n2/power", R"({"name": "n2", )" + policy)
      .on("DELETE", "/v1/nodes/n1/power", R"({"name": "n1"})");
  EXPECT_EQ(berth({"node", "power", "n1", "n2", "--idle", "20m", "--resume", "90s"}), 0);
  EXPECT_EQ(world.server->requests.back().body, R"({"idle_ms":1200000,"resume_ms":90000})");
  EXPECT_EQ(world.out,
            "node n1 is switched off after 20m without work, and comes up in 1m30s\n"
            "node n2 is switched off after 20m without work, and comes up in 1m30s\n");
  EXPECT_EQ(berth({"node", "power", "n1"}), 0);
  EXPECT_EQ(world.server->requests.back().body, R"({"idle_ms":900000,"resume_ms":300000})");
  EXPECT_EQ(berth({"node", "power", "n1", "--always-on"}), 0);
  EXPECT_EQ(world.server->requests.back().method, "DELETE");
  EXPECT_EQ(world.out, "node n1 is always on\n");
  EXPECT_EQ(berth({"node", "power", "n1", "--always-on", "--idle", "20m"}), 2);
  EXPECT_EQ(berth({"node", "power", "n1", "--idle", "soon"}), 2);
  EXPECT_EQ(berth({"node", "power"}), 2);
}

TEST_F(PowerVerbTest, NodesSayWhyTheyAreNotSwitched) {
  world.server->on("GET", "/v1/nodes",
                   R"({"nodes": [{"name": "n1", "state": "suspended", "cause": "nobody needs it",
                       "power": {"idle_ms": 60000, "resume_ms": 1000, "failure": "no route"}}]})");
  EXPECT_EQ(berth({"nodes"}), 0);
  EXPECT_NE(world.out.find("nobody needs it; cannot be switched: no route"), std::string::npos)
      << world.out;
}

}  // namespace
}  // namespace cli
