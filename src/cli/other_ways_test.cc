// `berth quote --alternatives`: what the same work would get if asked for in other ways.
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/fakes/scripted_environment.h"
#include "cli/run.h"
#include "domain/time.h"

namespace cli {
namespace {

class OtherWaysTest : public testing::Test {
 protected:
  OtherWaysTest() {
    world.variables = {{"BERTH_SERVER", "http://head:7070"}, {"BERTH_TOKEN", "secret-token"}};
  }
  int berth(std::vector<const char*> words) {
    words.insert(words.begin(), "berth");
    world.out.clear();
    return run(static_cast<int>(words.size()), words.data(), world, {});
  }
  boost::json::value body() const {
    auto value = base::parse_json(world.server->requests.back().body);
    return value ? *value : boost::json::value(nullptr);
  }
  bool says(std::string_view text) const { return world.out.contains(text); }

  fakes::ScriptedEnvironment world;
};

TEST_F(OtherWaysTest, AQuoteIsComparedWithOtherWays) {
  const char* plain = R"({"quote_id": "q1", "expires": 1, "offer": {"pool": "a100", "start": 1,
                          "finish": 2, "price": 2000000, "nodes": ["n1"]}, "text": ""})";
  const char* compared = R"({"quote_id": "q2", "expires": 1, "offer": {"pool": "a100", "start": 1,
                             "finish": 2, "price": 2000000, "nodes": ["n1"]}, "text": "",
                             "choice": {"taken": 0, "options": [
                               {"price": 2000000}, {"price": 1500000, "start": 1, "finish": 2},
                               {"refused": "window_too_short"}, {"price": 2000000}, {"price": 1},
                               {"price": 1}, {"price": 2}]}})";
  world.server->on("POST", "/v1/quotes", plain);
  world.server->on("POST", "/v1/quotes", compared);
  EXPECT_EQ(berth({"quote", "--ranks", "4", "-t", "1h", "--by", "6h", "--alternatives", "--", "a"}),
            0)
      << world.error;
  EXPECT_TRUE(says("--ranks 2 --duration 2h")) << world.out;
  EXPECT_TRUE(says("1.50\n")) << world.out;
  EXPECT_TRUE(says("the duration does not fit")) << world.out;
  EXPECT_TRUE(says("\n--ranks 1 --duration 4h: the duration")) << "below the table: " << world.out;
  EXPECT_TRUE(says("--preemptible 2m")) << world.out;
  EXPECT_FALSE(says("--by 2026-11-22T21:00 ")) << "as asked: " << world.out;
  EXPECT_TRUE(says("--by 2026-11-23T15:00 ")) << world.out;
  EXPECT_FALSE(says("--by 2026-11-29T15:00 ")) << "as a week less: " << world.out;
  EXPECT_TRUE(says("--quote-id q1 ")) << world.out;
  const auto sent = body();
  const auto& others = sent.at("spec").at("alternatives").as_array();
  ASSERT_EQ(others.size(), 6U);
  EXPECT_EQ(others[0].at("shape").at("ranks"), 2);
  EXPECT_EQ(others[0].at("duration"), (domain::kHour * 2).ms);
  EXPECT_EQ(others[5].at("preemptible"), true);
  const auto asked = world.server->requests.size();
  EXPECT_EQ(berth({"quote", "--alternatives", "--json", "--", "a"}), 0) << world.error;
  EXPECT_EQ(world.server->requests.size(), asked + 1)
      << "one rank, no deadline: nothing to compare";
}

TEST_F(OtherWaysTest, AWayRefusedAsTheBidIsIsNotListedOneRefusedOtherwiseIs) {
  world.server->on("POST", "/v1/quotes",
                   R"({"text": "", "refusal": {"reason": "no_free_window"}})");
  world.server->on("POST", "/v1/quotes",
                   R"({"text": "", "choice": {"taken": -1, "options": [
                       {"refused": "no_free_window"}, {"refused": "no_free_window"},
                       {"refused": "window_too_short"}, {"refused": "window_too_short"}]}})");
  EXPECT_EQ(berth({"quote", "--ranks", "8", "--alternatives", "--", "a"}), 3) << world.error;
  EXPECT_FALSE(says("--ranks 4 ")) << world.out;
  EXPECT_TRUE(says("\n--ranks 2 --duration 4h: ")) << world.out;
  EXPECT_TRUE(says("\n--ranks 1 --duration 8h: ")) << world.out;
}

}  // namespace
}  // namespace cli
