#include <gtest/gtest.h>

#include "api/served.h"
#include "controller/fakes/direct_desk.h"

namespace api {
namespace {

using boost::json::value;
using domain::kDay;
using domain::kHour;
using domain::kMinute;

constexpr const char* kAll = R"({"all":true,"times":[{}]})";

class Closures : public testing::Test {
 protected:
  Closures() { served.pass(next_hour() - served.now()); }
  void TearDown() override {
    for (const auto& problem : served.problems) ADD_FAILURE() << problem;
  }
  domain::Time next_hour() const { return {(served.now().ms / kHour.ms + 1) * kHour.ms}; }
  Served::Answer close(const std::string& body, Served::Headers headers = {}) {
    return served.ask("olga", "POST", "/v1/closures", body, std::move(headers));
  }
  /// Closes what `nodes` says from one moment on, counted from now, until another.
  Served::Answer close_between(const char* nodes, domain::Duration from, domain::Duration until,
                               const char* more = "") {
    return close(fmt::format(R"({{{},"times":[{{"from":{},"until":{}}}]{}}})", nodes,
                             (served.now() + from).ms, (served.now() + until).ms, more));
  }
  value list() { return served.ask("ada", "GET", "/v1/closures").body.at("closures"); }
  value node(const char* name) {
    return served.ask("ada", "GET", fmt::format("/v1/nodes/{}", name)).body;
  }
  Served::Answer bid(const std::string& spec) {
    return served.ask("ada", "POST", "/v1/jobs", fmt::format(R"({{"spec":{}}})", spec));
  }
  Served served;
};

std::string text(const value& from, const char* key) {
  return std::string(from.at(key).as_string());
}

TEST_F(Closures, OperatorsCloseMembersLook) {
  EXPECT_EQ(served.ask("ada", "POST", "/v1/closures", kAll).status, 403);
  EXPECT_EQ(served.ask("", "GET", "/v1/closures").status, 401);
  EXPECT_EQ(list().as_array().size(), 0U);
  const auto made = close(kAll);
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.body.at("node_count"), 2);
  EXPECT_EQ(made.body.at("closed_now"), true);
  EXPECT_EQ(made.body.at("next").at("from"), served.now().ms);
  EXPECT_FALSE(made.body.at("next").as_object().contains("until"));
  EXPECT_EQ(list().as_array().size(), 1U);
  const std::string path = "/v1/closures/" + text(made.body, "id");
  EXPECT_EQ(served.ask("ada", "DELETE", path).status, 403);
  EXPECT_EQ(served.ask("olga", "DELETE", path).status, 200);
  EXPECT_EQ(served.ask("olga", "DELETE", path).status, 404);
  EXPECT_EQ(list().as_array().size(), 0U);
}

TEST_F(Closures, EveryWrongFieldIsNamed) {
  const std::string past = fmt::format(R"({{"from":0,"until":{}}})", served.now().ms - 1);
  const std::vector<std::pair<std::string, const char*>> cases{
      {R"({"times":[{}]})", "nodes"},
      {R"({"nodes":[],"pool":"","times":[{}]})", "nodes"},
      {R"({"all":true,"pool":"a100","times":[{}]})", "all"},
      {R"({"all":true,"nodes":["g1"],"times":[{}]})", "all"},
      {R"({"nodes":["g1"],"pool":"a100","times":[{}]})", "pool"},
      {R"({"all":true})", "times"},
      {R"({"all":true,"times":[]})", "times"},
      {R"({"all":true,"times":[{},{},{},{},{},{},{},{}]})", "times"},
      {R"({"all":true,"times":[{"from":-1}]})", "from"},
      {R"({"all":true,"times":[{"from":120000,"until":60000}]})", "until"},
      {R"({"all":true,"times":[)" + past + "]}", "until"},
      {R"({"all":true,"times":[{"from":0,"until":60000,"every_ms":60000}]})", "every_ms"},
      {R"({"all":true,"times":[{"from":0,"until":60000,"every_ms":86400001}]})", "every_ms"},
      {R"({"all":true,"times":[{"from":0,"until":86460000,"every_ms":86400000}]})", "until"},
      {R"({"all":true,"times":[{"from":0,"every_ms":86400000}]})", "until"},
      {R"({"all":true,"times":[{"until":"noon"}]})", "times[0].until"},
      {R"({"all":true,"times":[{"every":1}]})", "times[0].every"},
      {R"({"all":true,"times":[{}],"reason":"x"})", "reason"},
      {R"({"all":true,"times":[{}],"cause":")" + std::string(501, 'x') + "\"}", "cause"},
  };
  for (const auto& [body, field] : cases) {
    const auto answer = close(body);
    EXPECT_EQ(answer.status, 400) << body << answer.text;
    EXPECT_EQ(answer.field(), field) << body << answer.text;
  }
  EXPECT_EQ(close(R"({"nodes":["g7"],"times":[{}]})").message(), "there is no node g7");
  EXPECT_EQ(close(R"({"pool":"h100","times":[{}]})").message(), "there is no pool h100");
  EXPECT_EQ(served.ask("olga", "DELETE", "/v1/closures/none").message(),
            "there is no closure none");
}

TEST_F(Closures, ARepeatedRequestGetsTheSameClosure) {
  const Served::Headers key{{"idempotency-key", "k"}};
  const auto made = close(kAll, key);
  served.pass(kMinute);
  const auto again = close(kAll, key);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body.at("id"), made.body.at("id"));
  EXPECT_EQ(again.body.at("times"), made.body.at("times"));
  EXPECT_EQ(list().as_array().size(), 1U);
  const std::string path = "/v1/closures/" + text(made.body, "id");
  ASSERT_EQ(served.ask("olga", "DELETE", path).status, 200);
  EXPECT_EQ(close(kAll, key).code(), "gone");
  EXPECT_EQ(list().as_array().size(), 0U);
}

TEST_F(Closures, TheNextToBeginStandsFirstAndWhatIsOverGoes) {
  for (const int hour : {5, 1, 4, 2, 3}) {
    const auto made =
        close_between(R"("nodes":["c1","g1","c1"])", kHour * hour, kHour * (hour + 1));
    EXPECT_EQ(made.body.at("nodes"), (value{"c1", "g1"}));
    EXPECT_EQ(made.body.at("closed_now"), false);
  }
  const domain::Time start = served.now();
  const auto begins = [&] {
    std::vector<std::int64_t> hours;
    for (const value& each : list().as_array()) {
      hours.push_back((each.at("next").at("from").as_int64() - start.ms) / kHour.ms);
    }
    return hours;
  };
  EXPECT_EQ(begins(), (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
  served.pass(kHour * 2);
  EXPECT_EQ(begins(), (std::vector<std::int64_t>{2, 3, 4, 5}));
}

TEST_F(Closures, APoolIsClosedWithWhatItHas) {
  const auto made = close(R"({"pool":"a100","times":[{}],"cause":"fans"})");
  EXPECT_EQ(text(made.body, "pool"), "a100");
  EXPECT_EQ(text(made.body, "cause"), "fans");
  EXPECT_EQ(made.body.at("node_count"), 1);
}

TEST_F(Closures, ARepeatedTimeShowsItsNextOccurrence) {
  const auto now = served.now();
  const auto made =
      close(fmt::format(R"({{"nodes":["g1"],"times":[{{"from":{},"until":{},"every_ms":{}}}]}})",
                        (now - kHour * 30).ms, (now - kHour * 28).ms, kDay.ms));
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.body.at("times").at(0).at("from"), (now - kHour * 30).ms);
  EXPECT_EQ(made.body.at("times").at(0).at("every_ms"), kDay.ms);
  EXPECT_EQ(made.body.at("next").at("from"), (now + kHour * 18).ms);
  EXPECT_EQ(made.body.at("next").at("until"), (now + kHour * 20).ms);
}

TEST_F(Closures, ANodeShowsWhatClosesIt) {
  EXPECT_FALSE(node("g1").as_object().contains("closing"));
  const auto made = close_between(R"("nodes":["g1"])", kHour, kHour * 2, R"(,"cause":"new disks")");
  const value closing = node("g1").at("closing");
  EXPECT_EQ(closing.at("id"), made.body.at("id"));
  EXPECT_EQ(closing.at("from"), (served.now() + kHour).ms);
  EXPECT_EQ(closing.at("until"), (served.now() + kHour * 2).ms);
  EXPECT_EQ(text(closing, "cause"), "new disks");
  EXPECT_EQ(closing.at("closed_now"), false);
  EXPECT_FALSE(node("c1").as_object().contains("closing"));
  ASSERT_EQ(close_between(R"("pool":"a100")", kHour + kMinute, kHour * 3).status, 201);
  EXPECT_EQ(node("g1").at("closing").at("until"), (served.now() + kHour * 3).ms) << "it opens then";
  EXPECT_EQ(node("g1").at("closing").at("id"), made.body.at("id"));
  ASSERT_EQ(close(kAll).status, 201);
  EXPECT_FALSE(node("g1").at("closing").as_object().contains("until"));
  EXPECT_EQ(node("g1").at("closing").at("closed_now"), true);
}

TEST_F(Closures, AConflictNamesTheJobsUnlessItIsWishedForAnyway) {
  ASSERT_EQ(bid(spec_json("eager", 8, 3)).status, 201);
  const auto refused = close_between(R"("pool":"a100")", kHour, kHour * 2);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.message(), "job 1 would lose a promised place and find no other");
  const auto in_chinese =
      served.ask("olga", "POST", "/v1/closures", R"({"pool":"a100","times":[{}]})",
                 {{"accept-language", "zh"}});
  EXPECT_FALSE(in_chinese.message().contains("would")) << in_chinese.text;
  EXPECT_EQ(list().as_array().size(), 0U);
  const auto made = close_between(R"("pool":"a100")", kHour, kHour * 2, R"(,"anyway":true)");
  EXPECT_EQ(made.status, 201) << made.text;
}

TEST_F(Closures, AQueuedJobSaysWhenItsNodesOpen) {
  ASSERT_EQ(close_between(R"("pool":"a100")", kHour * 0, kHour * 2, R"(,"cause":"fans")").status,
            201);
  ASSERT_EQ(close_between(R"("nodes":["g1"])", kHour * 2, kHour * 3).status, 201);
  ASSERT_EQ(bid(spec_json("flex", 1, 1)).status, 201);
  const auto why = served.ask("ada", "GET", "/v1/jobs/1/why");
  EXPECT_TRUE(why.text.contains("takes work now: g1 (closed until 20")) << why.text;
  EXPECT_TRUE(why.text.contains(" UTC: fans).")) << why.text;
  EXPECT_EQ(why.body.at("until"), (served.now() + kHour * 3).ms) << "both closures are over then";
  EXPECT_EQ(why.body.at("expected_start"), (served.now() + kHour * 3).ms);
  EXPECT_NE(why.text.find("An operator can open closed nodes"), std::string::npos) << why.text;
}

TEST_F(Closures, AJobWhoseNodesOpenForNobodyKnowsWhenSaysSo) {
  ASSERT_EQ(close(kAll).status, 201);
  ASSERT_EQ(bid(spec_json("flex", 1, 1)).status, 201);
  const auto why = served.ask("ada", "GET", "/v1/jobs/1/why");
  EXPECT_NE(why.text.find("takes work now: g1 (closed)."), std::string::npos) << why.text;
  EXPECT_EQ(why.body.at("expected_start"), 0);
}

TEST_F(Closures, AJobThatLostItsPlaceSaysWhyItGetsNoOther) {
  ASSERT_EQ(bid(spec_json("eager", 8, 3)).status, 201);
  ASSERT_EQ(close(R"({"pool":"a100","times":[{}],"cause":"smoke","anyway":true})").status, 201);
  served.pass(kMinute);
  served.end_ranks({1}, domain::ExitCause::stopped);
  const auto why = served.ask("ada", "GET", "/v1/jobs/1/why");
  EXPECT_TRUE(why.text.contains("takes work now: g1 (closed: smoke).")) << why.text;
  EXPECT_TRUE(why.text.contains("An operator can open closed nodes")) << why.text;
}

TEST_F(Closures, AQueuedJobSaysWhenItsNodeComesUp) {
  const auto power =
      served.ask("olga", "PUT", "/v1/nodes/g1/power", R"({"idle_ms":60000,"resume_ms":90000})");
  ASSERT_EQ(power.status, 200) << power.text;
  served.pass(kMinute * 5);
  ASSERT_EQ(bid(spec_json("flex", 1, 1)).status, 201);
  const auto why = served.ask("ada", "GET", "/v1/jobs/1/why");
  EXPECT_TRUE(why.text.contains("takes work now: g1 (should be up by 20")) << why.text;
  EXPECT_EQ(why.text.find("An operator can"), std::string::npos) << why.text;
  EXPECT_GT(why.body.at("expected_start").as_int64(), (served.now() + kMinute).ms);
  EXPECT_LE(why.body.at("expected_start").as_int64(), (served.now() + kMinute * 3).ms);
}

TEST_F(Closures, AnOpenNodeIsNotCalledClosed) {
  ASSERT_EQ(close_between(R"("pool":"a100")", kHour, kHour * 2).status, 201);
  ASSERT_EQ(bid(spec_json("flex", 8, 1)).status, 201);
  ASSERT_EQ(bid(spec_json("flex", 8, 1)).status, 201);
  const auto why = served.ask("ada", "GET", "/v1/jobs/2/why");
  EXPECT_EQ(why.text.find("takes work now"), std::string::npos) << why.text;
}

}  // namespace
}  // namespace api
