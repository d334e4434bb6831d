#include <gtest/gtest.h>

#include "api/served.h"
#include "controller/fakes/direct_desk.h"

// Submissions of several bids, and bids with alternatives, as callers of the API see them.
namespace api {
namespace {

using boost::json::value;

class Bids : public testing::Test {
 protected:
  void TearDown() override {
    for (const auto& problem : served.problems) ADD_FAILURE() << problem;
  }
  Served::Answer post(const std::string& body, const Served::Headers& headers = {}) {
    return served.ask("ada", "POST", "/v1/jobs", body, headers);
  }
  static std::string with(const std::string& spec, const std::string& more) {
    return spec.substr(0, spec.size() - 1) + "," + more + "}";
  }
  static std::string named(const std::string& name, const std::string& more = R"("after":[])") {
    auto spec = base::parse_json(with(spec_json("reserved", 2, 1), more))->as_object();
    spec["name"] = name;
    return base::to_text(spec);
  }

  Served served;
};

TEST_F(Bids, AListIsAcceptedWholeAndTheSameKeyGetsItAgain) {
  const std::string body =
      fmt::format(R"({{"jobs":[{{"spec":{},"count":2}},{{"spec":{}}}]}})", named("prep"),
                  named("train", R"("after":[{"name":"prep"}])"));
  const Served::Headers key{{"idempotency-key", "dag"}};
  const auto answer = post(body, key);
  ASSERT_EQ(answer.status, 201) << answer.text;
  const auto& jobs = answer.body.at("jobs").as_array();
  ASSERT_EQ(jobs.size(), 3U);
  EXPECT_EQ(jobs[2].at("spec").at("after").as_array().size(), 2U);
  for (const auto& job : jobs) EXPECT_EQ(job.at("series"), 1);
  const auto again = post(body, key);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body.at("jobs").as_array().size(), 3U);
  EXPECT_EQ(served.direct().state().jobs.jobs.size(), 3U);
}

TEST_F(Bids, AJobMaySayOnWhichWidthsItRuns) {
  const std::string widths = R"(,"preemptible":true,"restart":60000,"widths":)"
                             R"([{"ranks":1,"speed":1000},{"ranks":2,"speed":1900}])";
  const auto deadline = served.now().ms + 100 * domain::kMinute.ms;
  const auto answer = post(fmt::format(
      R"({{"spec":{}}})",
      spec_json("reserved", 2, 2, fmt::format(R"({},"deadline":{})", widths, deadline))));
  ASSERT_EQ(answer.status, 201) << answer.text;
  const auto& job = answer.body.at("jobs").as_array()[0].as_object();
  EXPECT_EQ(job.at("spec").at("bid").at("widths").as_array().size(), 2U);
  const auto& later = job.at("later").as_array();
  ASSERT_EQ(later.size(), 1U) << "two hours of one rank in 100 minutes";
  const auto& booking = *served.direct().state().jobs.jobs.at({1}).booking;
  EXPECT_EQ(later[0].at("nodes").as_array().size(), booking.later[0].nodes.size());
  EXPECT_EQ(booking.nodes.size() + booking.later[0].nodes.size(), 3U) << "one rank, and two";
}

TEST_F(Bids, WidthsThatMakeNoSenseAreNamed) {
  const std::string pauses = R"(,"preemptible":true,"restart":1)";
  for (const std::string& bad :
       {std::string(R"(,"widths":[{"ranks":1,"speed":1000}])"),
        pauses + R"(,"widths":[{"ranks":2,"speed":1000}])",
        pauses + R"(,"widths":[{"ranks":1,"speed":0}])",
        pauses + R"(,"widths":[{"ranks":1,"speed":1000001}])",
        pauses + R"(,"widths":[{"ranks":1,"speed":2},{"ranks":1,"speed":3}])",
        pauses + R"(,"widths":[{"ranks":0,"speed":2},{"ranks":1,"speed":3}])",
        pauses + R"(,"widths":[{"ranks":1,"speed":2},{"ranks":70000,"speed":3}])"}) {
    const auto answer = post(fmt::format(R"({{"spec":{}}})", spec_json("reserved", 1, 1, bad)));
    EXPECT_EQ(answer.status, 400) << bad;
    EXPECT_EQ(answer.field(), "bid.widths") << bad;
  }
  const auto flex = post(
      fmt::format(R"({{"spec":{}}})",
                  spec_json("flex", 1, 1, pauses + R"(,"widths":[{"ranks":1,"speed":1000}])")));
  EXPECT_EQ(flex.field(), "bid.widths");
  EXPECT_TRUE(served.direct().state().jobs.jobs.empty());
}

TEST_F(Bids, OneRefusalRefusesTheList) {
  const auto answer = post(fmt::format(R"({{"jobs":[{{"spec":{}}},{{"spec":{}}}]}})", named("prep"),
                                       spec_json("reserved", 9, 1)));
  EXPECT_EQ(answer.status, 200) << answer.text;
  const auto& jobs = answer.body.at("jobs").as_array();
  EXPECT_EQ(jobs[0].at("refusal").at("reason"), "refused_together");
  EXPECT_EQ(jobs[1].at("refusal").at("reason"), "rank_larger_than_node");
}

TEST_F(Bids, BadListsAreNamedByFieldAndChangeNothing) {
  struct Case {
    std::string body;
    std::string field;
  };
  const std::string good = named("a");
  const std::vector<Case> cases{
      {fmt::format(R"({{"jobs":[{{"spec":{0}}}],"spec":{0}}})", good), "jobs"},
      {fmt::format(R"({{"jobs":[{{"spec":{},"count":257}}]}})", good), "jobs[0].count"},
      {fmt::format(R"({{"jobs":[{{"spec":{},"count":3}},{{"spec":{}}}]}})", good,
                   named("b", R"("after":[{"name":"none"}])")),
       "jobs[1].after[0].name"},
      {fmt::format(R"({{"jobs":[{{"spec":{}}},{{"spec":{}}}]}})",
                   named("b", R"("after":[{"name":"earlier"},{"name":"a"}])"), good),
       "jobs[0].after[1].name"},  // Further down, though an earlier submission has one.
      {fmt::format(R"({{"jobs":[{{"spec":{}}},{{"spec":{}}}]}})", good,
                   named("b", R"("after":[{"job":99}])")),
       "jobs[1].after[0].job"},
      {fmt::format(R"({{"spec":{},"count":2}})",
                   named("a", R"("repeat":{"every":86400000,"times":2})")),
       "repeat"},
      {fmt::format(R"({{"spec":{}}})", named("a", R"("repeat":{"every":86400000})")),
       "repeat.times"},
      {fmt::format(R"({{"spec":{}}})", named("a", R"("alternatives":[{"duration":0}])")),
       "alternatives[0].duration"},
  };
  for (const Case& each : cases) {
    const auto answer = post(each.body);
    EXPECT_EQ(answer.status, 400) << each.body << answer.text;
    EXPECT_EQ(answer.field(), each.field) << answer.text;
  }
  EXPECT_TRUE(served.direct().state().jobs.jobs.empty());
}

TEST_F(Bids, ARepeatedJobIsASeriesThatIsCancelledWhole) {
  const auto answer = post(fmt::format(
      R"({{"spec":{}}})", named("nightly", R"("repeat":{"every":86400000,"times":3})")));
  ASSERT_EQ(answer.status, 201) << answer.text;
  EXPECT_EQ(answer.body.at("jobs").as_array().size(), 3U);
  const auto cancelled = served.ask("ada", "POST", "/v1/jobs/3/cancel", R"({"series":true})");
  EXPECT_EQ(cancelled.body.at("state"), "cancelled");
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/2").body.at("state"), "cancelled");
}

TEST_F(Bids, AQuoteAnswersEachAlternativeAndHoldsForTheOneTaken) {
  const std::string spec = named(
      "train",
      R"("alternatives":[{"shape":{"per_rank":{"gpus":1}}},{"shape":{"per_rank":{"gpus":9}}}])");
  const auto quote = served.ask("ada", "POST", "/v1/quotes", fmt::format(R"({{"spec":{}}})", spec));
  ASSERT_EQ(quote.status, 200) << quote.text;
  const auto& choice = quote.body.at("choice").as_object();
  EXPECT_EQ(choice.at("taken"), 1);
  EXPECT_EQ(choice.at("options").at(2).at("refused"), "rank_larger_than_node");
  const std::string id(quote.body.at("quote_id").as_string());
  const auto taken = post(fmt::format(R"({{"quote_id":"{}","spec":{}}})", id, spec));
  ASSERT_EQ(taken.status, 201) << taken.text;
  const value& job = taken.body.at("jobs").at(0);
  EXPECT_EQ(job.at("spec").at("bid").at("shape").at("per_rank").at("gpus"), 1);
  EXPECT_EQ(job.at("price"), quote.body.at("offer").at("price"));
  EXPECT_EQ(job.at("choice").at("taken"), 1);
}

}  // namespace
}  // namespace api
