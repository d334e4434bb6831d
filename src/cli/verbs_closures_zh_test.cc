#include <gtest/gtest.h>

#include "cli/fakes/scripted_environment.h"
#include "cli/run.h"

namespace cli {
namespace {

class ClosuresInChinese : public testing::Test {
 protected:
  ClosuresInChinese() {
    world.variables = {{"BERTH_SERVER", "http://head:7070"},
                       {"BERTH_TOKEN", "secret-token"},
                       {"LANG", "zh_CN.UTF-8"}};
    world.offset = domain::kHour * 8;
  }
  int berth(std::vector<const char*> words) {
    words.insert(words.begin(), "berth");
    world.out.clear();
    world.error.clear();
    return run(static_cast<int>(words.size()), words.data(), world);
  }

  fakes::ScriptedEnvironment world;  ///< Sunday 17:00 there.
};

TEST_F(ClosuresInChinese, TheTableFitsTheTerminal) {
  world.server->on("GET", "/v1/closures", R"({"closures": [
      {"id": "7ac41f0e5b2d9863", "nodes": ["g1", "g2"], "pool": "", "cause": "new disks",
       "times": [{"from": 1795334400000, "until": 1795345200000}], "closed_now": true,
       "next": {"from": 1795334400000, "until": 1795345200000}},
      {"id": "b2", "nodes": [], "pool": "a100", "cause": "", "closed_now": false,
       "times": [{"from": 1795366800000, "until": 1795370400000, "every_ms": 172800000}],
       "next": {"from": 1795366800000, "until": 1795370400000}}]})");
  EXPECT_EQ(berth({"node", "closures"}), 0) << world.error;
  EXPECT_EQ(world.out,
            "编号              节点         起          止          重复   原因\n"
            "7ac41f0e5b2d9863  g1, g2       今天 16:00  今天 19:00  -      new disks\n"
            "b2                资源池 a100  明天 01:00  明天 02:00  每 2d\n");
  world.is_terminal = true;
  world.variables["NO_COLOR"] = "1";
  world.columns = 62;
  EXPECT_EQ(berth({"node", "closures"}), 0);
  EXPECT_EQ(world.out,
            "编号              节点   起          止          重复   原因\n"
            "7ac41f0e5b2d9863  g1, …  今天 16:00  今天 19:00  -      new d…\n"
            "b2                资源…  明天 01:00  明天 02:00  每 2d\n");
}

TEST_F(ClosuresInChinese, WhatIsClosedAndWhatIsWrongIsSaid) {
  world.server
      ->on("POST", "/v1/closures", R"({"id": "7ac4", "nodes": ["g1"], "pool": "", "cause": "",
           "times": [{"from": 1795384800000, "every_ms": 86400000}],
           "next": {"from": 1795384800000, "until": 1795399200000}, "closed_now": false})")
      .on("POST", "/v1/closures", R"({"error": {"code": "conflict", "message":
          "jobs 7, 8 would lose a promised place and find no other"}})",
          409);
  EXPECT_EQ(berth({"node", "close", "g1"}), 0);
  EXPECT_EQ(world.out, "停用时段 7ac4：g1，明天 06:00 至 明天 10:00；重复：每天\n");
  EXPECT_EQ(berth({"node", "close", "g1"}), 6);
  EXPECT_TRUE(world.error.starts_with("berth: 作业 7, 8 将失去已承诺的位置，且找不到其他位置\n"))
      << world.error;
  EXPECT_EQ(berth({"node", "close", "g1", "--on", "x", "--from", "1:00", "--until", "2:00"}), 2);
  EXPECT_EQ(world.error, "berth: 'x' 不是星期几；请写 mon,tue，或 weekdays、weekends\n");
  EXPECT_EQ(berth({"node", "close", "g1", "--on", "mon", "--from", "1", "--until", "2:00"}), 2);
  EXPECT_EQ(world.error, "berth: '1' 不是一天中的时间；请写成 22:00\n");
}

}  // namespace
}  // namespace cli
