#include <gtest/gtest.h>

#include "cli/fakes/scripted_environment.h"
#include "cli/run.h"

namespace cli {
namespace {

// It is Sunday 2026-11-22 09:00 UTC.
constexpr const char* kMade = R"({"id": "7ac4", "nodes": ["g1", "g2"], "pool": "", "cause": "",
    "times": [{"from": 1795384800000, "until": 1795399200000}], "node_count": 2,
    "next": {"from": 1795384800000, "until": 1795399200000}, "closed_now": false})";

class ClosureVerbsTest : public testing::Test {
 protected:
  ClosureVerbsTest() {
    world.variables = {{"BERTH_SERVER", "http://head:7070"}, {"BERTH_TOKEN", "secret-token"}};
    world.server->on("POST", "/v1/closures", kMade);
  }
  int berth(std::vector<const char*> words) {
    words.insert(words.begin(), "berth");
    world.out.clear();
    world.error.clear();
    return run(static_cast<int>(words.size()), words.data(), world);
  }
  /// What `berth node close` sends with these words; what it says if it sends nothing.
  std::string sent(std::vector<const char*> words) {
    const std::size_t before = world.server->requests.size();
    words.insert(words.begin(), {"node", "close"});
    if (berth(words) != 0 && world.server->requests.size() == before) return world.error;
    return world.server->requests.back().body;
  }

  fakes::ScriptedEnvironment world;
};

TEST_F(ClosureVerbsTest, WhatIsClosedIsSentAndSaid) {
  EXPECT_EQ(sent({"g1", "g2", "--from", "22:00", "--until", "02:00", "--cause", "new disks"}),
            R"({"nodes":["g1","g2"],"times":[{"from":1795384800000,"until":1795399200000}],)"
            R"("cause":"new disks"})");
  EXPECT_EQ(world.out, "closure 7ac4 closes g1, g2, today 22:00 until tomorrow 02:00\n");
  EXPECT_EQ(world.error, "To open them: berth node open 7ac4\n");
  EXPECT_EQ(sent({"--pool", "a100", "--for", "2h"}),
            R"({"pool":"a100","times":[{"until":1795345200000}]})");
  EXPECT_EQ(sent({"--all"}), R"({"all":true,"times":[{}]})");
  EXPECT_EQ(sent({"g1", "--from", "tomorrow 09:00", "--for", "90m", "--every", "1w"}),
            R"({"nodes":["g1"],"times":[{"from":1795424400000,"until":1795429800000,)"
            R"("every_ms":604800000}]})");
}

TEST_F(ClosureVerbsTest, AnEndIsTheNextOneAfterTheBeginning) {
  EXPECT_EQ(sent({"g1", "--from", "tomorrow 09:00", "--until", "18:00"}),
            R"({"nodes":["g1"],"times":[{"from":1795424400000,"until":1795456800000}]})");
  EXPECT_EQ(sent({"g1", "--from", "sat 22:00", "--until", "sun 18:00"}),
            R"({"nodes":["g1"],"times":[{"from":1795903200000,"until":1795975200000}]})");
  EXPECT_EQ(sent({"g1", "--from", "tomorrow 09:00", "--until", "today 18:00"}),
            "berth: it would end today 18:00, and begin tomorrow 09:00\n");
}

TEST_F(ClosureVerbsTest, DaysOfTheWeekAreThoseOfTheZone) {
  world.offset = domain::kHour * 8;
  EXPECT_EQ(sent({"g1", "--on", "sun,mon", "--from", "22:00", "--until", "06:00"}),
            R"({"nodes":["g1"],"times":[)"
            R"({"from":1795356000000,"until":1795384800000,"every_ms":604800000},)"
            R"({"from":1795442400000,"until":1795471200000,"every_ms":604800000}]})");
}

TEST_F(ClosureVerbsTest, WhatDoesNotGoTogetherIsNotSent) {
  const std::vector<std::pair<std::vector<const char*>, std::string>> cases{
      {{}, "say which: one of NODE..., --pool POOL and --all"},
      {{"g1", "--all"}, "say which: one of NODE..., --pool POOL and --all"},
      {{"g1", "--until", "18:00", "--for", "2h"}, "say one of --until and --for"},
      {{"g1", "--for", "2h", "--every", "1h"}, "--every must be at least 1d, and whole minutes"},
      {{"g1", "--for", "2h", "--every", "24h1s"}, "--every must be at least 1d, and whole minutes"},
      {{"g1", "--from", "2026-11-22T07:00", "--for", "2h"}, "it would have ended today 09:00"},
      {{"g1", "--for", "25h", "--every", "1d"}, "it would last until after the next one begins"},
      {{"g1", "--every", "1d"}, "--every needs --until or --for"},
      {{"g1", "--on", "mon", "--every", "1w"}, "--on repeats every week; leave out --every"},
      {{"g1", "--on", "mon", "--from", "09:00"},
       "--on needs --from and --until, such as 22:00 and 06:00"},
      {{"g1", "--on", "noday", "--from", "09:00", "--until", "18:00"},
       "'noday' is no day; write mon,tue or weekdays or weekends"},
      {{"g1", "--until", "soon"},
       "'soon' is no moment; write 2h (from now), 'thu 18:00', 'tomorrow 09:00' or "
       "'2026-11-23T09:00'"},
  };
  for (const auto& [words, message] : cases) {
    EXPECT_EQ(sent(words), "berth: " + message + "\n");
  }
  EXPECT_TRUE(world.server->requests.empty());
}

TEST_F(ClosureVerbsTest, AConflictSaysWhatHelps) {
  world.server->on("POST", "/v1/closures", R"({"error": {"code": "conflict", "message":
      "job 7 would lose a promised place and find no other"}})",
                   409);
  EXPECT_EQ(berth({"node", "close", "--all"}), 0) << world.error;
  EXPECT_EQ(berth({"node", "close", "--all"}), 6);
  EXPECT_EQ(world.error,
            "berth: job 7 would lose a promised place and find no other\n"
            "Choose another time, or close them all the same with --anyway: those jobs then lose "
            "what they were promised.\n");
  EXPECT_EQ(berth({"node", "close", "--all", "--json"}), 6);
  EXPECT_EQ(world.error, "");
}

TEST_F(ClosureVerbsTest, AnywayIsAskedFor) {
  EXPECT_EQ(berth({"node", "close", "--all", "--anyway"}), 2) << "nobody can be asked";
  world.is_terminal = true;
  world.input = {"n"};
  EXPECT_EQ(berth({"node", "close", "--all", "--anyway"}), 130);
  EXPECT_TRUE(world.server->requests.empty());
  EXPECT_EQ(berth({"node", "close", "--all", "--anyway", "--yes"}), 0);
  EXPECT_EQ(world.server->requests.back().body, R"({"all":true,"times":[{}],"anyway":true})");
}

TEST_F(ClosureVerbsTest, AWrongFieldIsNamed) {
  world.server->on("POST", "/v1/closures", R"({"error": {"code": "invalid_argument",
      "message": "must be whole minutes", "field": "every_ms"}})",
                   400);
  EXPECT_EQ(berth({"node", "close", "--all"}), 0);
  EXPECT_EQ(berth({"node", "close", "--all"}), 2);
  EXPECT_EQ(world.error, "berth: every_ms: must be whole minutes\n");
}

TEST_F(ClosureVerbsTest, ClosuresAreListed) {
  world.server
      ->on("GET", "/v1/closures", R"({"closures": [
      {"id": "a1", "nodes": ["g1", "g2"], "pool": "", "cause": "new disks", "node_count": 2,
       "times": [{"from": 1795334400000, "until": 1795345200000}], "closed_now": true,
       "next": {"from": 1795334400000, "until": 1795345200000}},
      {"id": "b2", "nodes": [], "pool": "a100", "cause": "", "node_count": 8,
       "times": [{"from": 1795366800000, "until": 1795370400000, "every_ms": 86400000}],
       "closed_now": false, "next": {"from": 1795366800000, "until": 1795370400000}},
      {"id": "c3", "nodes": [], "pool": "", "cause": "move", "node_count": 9,
       "times": [{"from": 1795424400000, "every_ms": 604800000},
                 {"from": 1795510800000, "every_ms": 604800000}],
       "closed_now": false, "next": {"from": 1795424400000}}]})")
      .on("GET", "/v1/closures", R"({"closures": []})");
  EXPECT_EQ(berth({"node", "closures"}), 0) << world.error;
  EXPECT_EQ(world.out,
            "ID  NODES      FROM            UNTIL        REPEATS   CAUSE\n"
            "a1  g1, g2     today 08:00     today 11:00  -         new disks\n"
            "b2  pool a100  today 17:00     today 18:00  daily\n"
            "c3  all nodes  tomorrow 09:00  -            Mon, Tue  move\n");
  EXPECT_EQ(berth({"node", "closures"}), 0);
  EXPECT_EQ(world.out, "No node is closed, and none will be.\n");
}

TEST_F(ClosureVerbsTest, AClosureIsTakenBack) {
  world.server->on("DELETE", "/v1/closures/7ac4", "{}")
      .on("DELETE", "/v1/closures/g1",
          R"({"error": {"code": "not_found", "message": "there is no closure g1"}})", 404);
  EXPECT_EQ(berth({"node", "open", "7ac4"}), 0);
  EXPECT_EQ(world.out, "closure 7ac4 is taken back; its nodes are open\n");
  EXPECT_EQ(berth({"node", "open", "g1"}), 4);
  EXPECT_EQ(world.error, "berth: there is no closure g1\n`berth node closures` lists them.\n");
}

TEST_F(ClosureVerbsTest, NodesSayWhatClosesThem) {
  const auto node = [](const char* name, const char* state, const char* closing) {
    return fmt::format(R"({{"name": "{}", "pool": "p", "gpu_model": "", "state": "{}",
        "cause": "its agent connected", "capacity": {{"gpus": 0, "cpu_millis": 1000,
        "memory_bytes": 0}}, "in_use": {{"gpus": 0, "cpu_millis": 0, "memory_bytes": 0}}{}}})",
                       name, state, closing);
  };
  world.server->on(
      "GET", "/v1/nodes",
      fmt::format(R"({{"nodes": [{}, {}, {}, {}, {}, {}]}})",
                  node("n1", "ready", R"(, "closing": {"id": "a", "from": 1795338000000,
                       "until": 1795370400000, "cause": "new disks", "closed_now": true})"),
                  node("n2", "ready", R"(, "closing": {"id": "a", "from": 1, "cause": "",
                       "closed_now": true})"),
                  node("n3", "ready", R"(, "closing": {"id": "a", "from": 1795557600000,
                       "until": 1795603600000, "cause": "fans"})"),
                  node("n4", "ready", R"(, "closing": {"id": "a", "from": 1795942800001,
                       "until": 1795943900000, "cause": "fans"})"),
                  node("n5", "down", R"(, "closing": {"id": "a", "from": 1, "cause": "fans",
                       "closed_now": true})"),
                  node("n6", "ready", "")));
  EXPECT_EQ(berth({"nodes"}), 0) << world.error;
  const auto row = [&](const char* name) {
    const std::size_t at = world.out.find(name);
    return world.out.substr(at, world.out.find('\n', at) - at);
  };
  EXPECT_EQ(row("n1"),
            "n1    p     closed   0/0  -        0/1     0 B  until today 18:00: new disks");
  EXPECT_TRUE(row("n2").ends_with("until it is opened")) << row("n2");
  EXPECT_TRUE(row("n3").contains(" ready ")) << row("n3");
  EXPECT_TRUE(row("n3").ends_with("closes Tue 22:00: fans")) << row("n3");
  EXPECT_TRUE(row("n4").ends_with("its agent connected")) << row("n4");
  EXPECT_TRUE(row("n5").contains(" down ")) << row("n5");
  EXPECT_TRUE(row("n5").ends_with("its agent connected")) << row("n5");
  EXPECT_TRUE(row("n6").ends_with("its agent connected")) << row("n6");
}

}  // namespace
}  // namespace cli
