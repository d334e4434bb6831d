#include <gtest/gtest.h>

#include "api/served.h"
#include "controller/fakes/direct_desk.h"

namespace api {
namespace {

using boost::json::value;

class Jobs : public testing::Test {
 protected:
  void TearDown() override {
    for (const auto& problem : served.problems) ADD_FAILURE() << problem;
  }

  Served::Answer bid(const std::string& user, const std::string& spec,
                     const Served::Headers& headers = {}) {
    return served.ask(user, "POST", "/v1/jobs", fmt::format(R"({{"spec":{}}})", spec), headers);
  }
  static const value& first(const Served::Answer& answer) { return answer.body.at("jobs").at(0); }
  static std::string text(const value& object, const char* key) {
    return std::string(object.at(key).as_string());
  }
  static std::int64_t number(const value& object, const char* key) {
    return object.at(key).to_number<std::int64_t>();
  }

  Served served;
};

TEST_F(Jobs, AnAcceptedBidIsAJobWithItsPromise) {
  const auto answer = bid("ada", spec_json("reserved", 4, 2));
  ASSERT_EQ(answer.status, 201) << answer.text;
  const value& job = first(answer);
  EXPECT_EQ(number(job, "id"), 1);
  EXPECT_EQ(text(job, "user"), "ada");
  EXPECT_EQ(text(job, "team"), "vision");
  EXPECT_EQ(text(job, "pool"), "a100");
  EXPECT_EQ(number(job.at("spec").at("bid").at("shape").at("per_rank"), "cpu_millis"), 1'000);
  EXPECT_TRUE(job.at("simulated").as_bool());
  EXPECT_GT(number(job, "held"), 0);
  EXPECT_EQ(job.at("nodes").as_array().size(), 1U);
  EXPECT_EQ(served.ask("bob", "GET", "/v1/jobs/1").body.at("id"), 1);
}

TEST_F(Jobs, ARefusedBidIsAnAnswerWithAReason) {
  const auto answer = bid("ada", spec_json("reserved", 9, 1));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(text(first(answer), "state"), "refused");
  EXPECT_EQ(text(first(answer).at("refusal"), "reason"), "rank_larger_than_node");
  const std::string why =
      "One rank asks for more than any node has; `berth nodes` shows what they have. Possible "
      "instead: ranks of 8 GPUs, 1 core each get a start at ";
  EXPECT_TRUE(text(first(answer), "text").starts_with(why)) << answer.text;
  const auto chinese = served.ask("ada", "GET", "/v1/jobs/1", "", {{"accept-language", "zh-CN"}});
  EXPECT_NE(text(chinese.body, "text"), text(first(answer), "text"));
  EXPECT_EQ(text(chinese.body.at("refusal"), "reason"), "rank_larger_than_node");
}

TEST_F(Jobs, ARankLargerThanANodeIsToldWhatWouldFit) {
  const auto answer = bid("ada", spec_json("reserved", 9, 1));
  const auto& changes = first(answer).at("refusal").at("changes").as_array();
  ASSERT_EQ(changes.size(), 1U) << answer.text;
  EXPECT_EQ(base::to_text(changes[0].at("per_rank")),
            R"({"gpus":8,"cpu_millis":1000,"memory_bytes":0})");
  EXPECT_FALSE(changes[0].as_object().contains("ranks"));
  EXPECT_EQ(base::to_text(changes[0].at("offer").at("nodes")), R"(["g1"])");
}

TEST_F(Jobs, SeveralEqualJobsInOneRequest) {
  const auto answer =
      served.ask("ada", "POST", "/v1/jobs",
                 fmt::format(R"({{"spec":{},"count":3000}})", spec_json("flex", 0, 1)));
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body.at("jobs").as_array().size(), 3'000U);
  EXPECT_EQ(served.direct().state().jobs.jobs.size(), 3'000U);
}

TEST_F(Jobs, BadBidsAreNamedByFieldAndChangeNothing) {
  struct Case {
    std::string body;
    std::string field;
    std::string says;
  };
  const std::vector<Case> cases{
      {"{", "", "not JSON"},
      {"[]", "body", "must be an object"},
      {"{}", "spec", "needs a spec"},
      {R"({"spek":{}})", "spek", "did you mean 'spec'?"},
      {R"({"spec":{"bid":{"durration":1}}})", "bid.durration", "did you mean 'duration'?"},
      {R"({"spec":{"bid":{"duration":"1h"}}})", "bid.duration", "expected a whole number"},
      {R"({"spec":{"bid":{"job_class":"flux"}}})", "bid.job_class", "did you mean 'flex'?"},
      {R"({"spec":{"bid":{"duration":1}}})", "program.command", "needs a command"},
      {fmt::format(R"({{"spec":{}}})", spec_json("flex", 2'000, 1)), "bid.shape.per_rank.gpus",
       "0 to"},
      {fmt::format(R"({{"spec":{}}})", spec_json("flex", 1, 0)), "bid.duration", "more than 0"},
      {fmt::format(R"({{"spec":{},"count":0}})", spec_json("flex", 1, 1)), "count", "must be"},
      {fmt::format(R"({{"spec":{},"count":10001}})", spec_json("flex", 1, 1)), "count", "must be"},
      {fmt::format(R"({{"quote_id":"x","count":2}})"), "count", "one job"},
  };
  for (const Case& each : cases) {
    for (const char* route : {"/v1/jobs", "/v1/quotes"}) {
      const bool is_of_jobs =
          each.field == "count" || each.says == "needs a spec" || each.field == "spek";
      if (is_of_jobs && std::string(route) == "/v1/quotes") continue;
      const auto answer = served.ask("ada", "POST", route, each.body);
      EXPECT_EQ(answer.status, 400) << each.body;
      EXPECT_EQ(answer.field(), each.field) << each.body;
      EXPECT_NE(answer.message().find(each.says), std::string::npos) << answer.message();
    }
  }
  const auto large = served.ask("ada", "POST", "/v1/jobs", std::string(1'100'000, ' '));
  EXPECT_EQ(large.status, 413);
  const auto chinese = served.ask("ada", "POST", "/v1/jobs",
                                  fmt::format(R"({{"spec":{}}})", spec_json("flex", 1, 0)),
                                  {{"accept-language", "zh"}});
  EXPECT_EQ(chinese.field(), "bid.duration");
  EXPECT_EQ(chinese.message().find("must"), std::string::npos) << chinese.message();
}

TEST_F(Jobs, ARetryWithTheSameKeyGetsTheSameJob) {
  const Served::Headers key{{"idempotency-key", "k 1"}};
  const auto once = bid("ada", spec_json("flex", 1, 1), key);
  const auto again = bid("ada", spec_json("flex", 1, 1), key);
  EXPECT_EQ(first(once).at("id"), first(again).at("id"));
  EXPECT_NE(first(once).at("id"), first(bid("bob", spec_json("flex", 1, 1), key)).at("id"));
  EXPECT_EQ(served.direct().state().jobs.jobs.size(), 2U);
  const std::string many = fmt::format(R"({{"spec":{},"count":3}})", spec_json("flex", 0, 1));
  const Served::Headers other{{"idempotency-key", "k 2"}};
  const auto three = served.ask("ada", "POST", "/v1/jobs", many, other);
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs", many, other).body, three.body);
  EXPECT_EQ(served.direct().state().jobs.jobs.size(), 5U);
  EXPECT_EQ(
      bid("ada", spec_json("flex", 1, 1), {{"idempotency-key", std::string(129, 'k')}}).field(),
      "Idempotency-Key");
}

TEST_F(Jobs, OtherTeamsJobsDoNotExist) {
  bid("ada", spec_json("reserved", 1, 1));
  const std::string extend = R"({"duration":60000})";
  for (const std::string path :
       {"", "/why", "/logs", "/metrics", "/samples", "/files", "/files/a"}) {
    const auto theirs = served.ask("carl", "GET", "/v1/jobs/1" + path);
    EXPECT_EQ(theirs.status, 404) << path;
    EXPECT_EQ(theirs.message(), "there is no job 1");
    EXPECT_EQ(served.ask("carl", "GET", "/v1/jobs/77" + path).message(), "there is no job 77");
  }
  EXPECT_EQ(served.ask("carl", "POST", "/v1/jobs/1/cancel").status, 404);
  EXPECT_EQ(served.ask("carl", "POST", "/v1/jobs/1/extend", extend).status, 404);
  EXPECT_EQ(served.ask("carl", "GET", "/v1/jobs").body.at("jobs").as_array().size(), 0U);
  EXPECT_EQ(served.ask("olga", "GET", "/v1/jobs").body.at("jobs").as_array().size(), 1U);
  EXPECT_EQ(served.ask("olga", "GET", "/v1/jobs/1").status, 200);
  EXPECT_EQ(served.ask("", "GET", "/v1/jobs/1").status, 401);
  EXPECT_EQ(served.ask("nobody", "GET", "/v1/jobs/1").status, 401);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/one").field(), "id");
}

TEST_F(Jobs, ListsAreNewestFirstInPagesAndFiltered) {
  for (int i = 0; i < 5; ++i) bid(i % 2 == 0 ? "ada" : "bob", spec_json("reserved", 1, 1));
  bid("carl", spec_json("reserved", 1, 1));
  served.ask("ada", "POST", "/v1/jobs/3/cancel");
  served.end_ranks({3}, domain::ExitCause::stopped);
  const auto page = served.ask("ada", "GET", "/v1/jobs?limit=2");
  EXPECT_EQ(number(page.body.at("jobs").at(0), "id"), 5);
  EXPECT_EQ(number(page.body, "next"), 4);
  const auto rest = served.ask("ada", "GET", "/v1/jobs?before=4");
  EXPECT_EQ(rest.body.at("jobs").as_array().size(), 3U);
  EXPECT_FALSE(rest.body.as_object().contains("next"));
  const auto count = [&](const std::string& query) {
    return served.ask("root", "GET", "/v1/jobs?" + query).body.at("jobs").as_array().size();
  };
  EXPECT_EQ(count("user=bob"), 2U);
  EXPECT_EQ(count("team=speech"), 1U);
  EXPECT_EQ(count("state=cancelled"), 1U);
  EXPECT_EQ(count("state=live"), 5U);
  EXPECT_EQ(count("state=all"), 6U);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs?state=runing").field(), "state");
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs?limit=1001").field(), "limit");
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs?limit=x").field(), "limit");
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs?size=1").field(), "size");
}

TEST_F(Jobs, AQuoteChangesNothingAndHoldsForFiveMinutes) {
  const std::string spec = spec_json("reserved", 8, 2);
  const auto before = ledger::hash(served.direct().state());
  const auto quote = served.ask("ada", "POST", "/v1/quotes", fmt::format(R"({{"spec":{}}})", spec));
  ASSERT_EQ(quote.status, 200) << quote.text;
  EXPECT_EQ(ledger::hash(served.direct().state()), before);
  const std::string body = fmt::format(R"({{"quote_id":"{}"}})", text(quote.body, "quote_id"));
  EXPECT_EQ(served.ask("bob", "POST", "/v1/jobs", body).status, 410);
  const auto other = fmt::format(R"({{"quote_id":"{}","spec":{}}})", text(quote.body, "quote_id"),
                                 spec_json("reserved", 7, 2));
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs", other).field(), "quote_id");
  const auto job = served.ask("ada", "POST", "/v1/jobs", body);
  ASSERT_EQ(job.status, 201) << job.text;
  EXPECT_EQ(number(first(job), "price"), number(quote.body.at("offer"), "price"));
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs", body).status, 410) << "its place is taken";
  served.pass(domain::kMinute * 5);
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs", body).status, 410);
}

TEST_F(Jobs, QuotesSayWhyNot) {
  const auto ask = [&](const std::string& user, const std::string& spec) {
    return served.ask(user, "POST", "/v1/quotes", fmt::format(R"({{"spec":{}}})", spec)).body;
  };
  EXPECT_EQ(text(ask("carl", spec_json("reserved", 8, 100)).at("refusal"), "reason"),
            "insufficient_funds");
  EXPECT_EQ(text(ask("ada", spec_json("flex", 1, 1, R"(,"max_price":1)")).at("refusal"), "reason"),
            "too_expensive");
  const auto flex = ask("ada", spec_json("flex", 1, 1));
  EXPECT_GT(number(flex.at("offer"), "price"), 0);
  const auto body = fmt::format(R"({{"quote_id":"{}"}})", text(flex, "quote_id"));
  const auto job = served.ask("ada", "POST", "/v1/jobs", body);
  EXPECT_EQ(job.status, 201);
  EXPECT_EQ(number(first(job), "price"), number(flex.at("offer"), "price"));
  bid("carl", spec_json("eager", 8, 1));
  const auto taken = ask("ada", spec_json("eager", 8, 1));
  EXPECT_EQ(text(taken.at("refusal"), "reason"), "not_free_now");
  EXPECT_EQ(taken.at("refusal").at("blocking").as_array().size(), 0U) << "it is another team's";
  EXPECT_EQ(taken.at("text").as_string().find("job 2"), std::string::npos);
}

TEST_F(Jobs, CancelAndExtend) {
  bid("ada", spec_json("reserved", 1, 1));
  const auto longer = served.ask("bob", "POST", "/v1/jobs/1/extend", R"({"duration":3600000})");
  EXPECT_EQ(longer.status, 200) << longer.text;
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs/1/extend", R"({"duration":0})").field(),
            "duration");
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs/1/extend", R"({"duration":3600000,"max_price":0})")
                .code(),
            "conflict");
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs/1/cancel", R"({"now":true})").status, 400);
  const auto stopping = served.ask("ada", "POST", "/v1/jobs/1/cancel");
  EXPECT_EQ(text(stopping.body.at("attempts").at(0), "state"), "stopping");
  served.start_ranks({1});
  served.end_ranks({1}, domain::ExitCause::stopped);
  const auto over = served.ask("ada", "GET", "/v1/jobs/1");
  EXPECT_EQ(text(over.body, "state"), "cancelled");
  EXPECT_EQ(text(over.body, "text"), "Cancelled: cancelled by ada.");
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs/1/extend", R"({"duration":1})").code(), "conflict");
}

TEST_F(Jobs, WhySaysWhatBlocksUntilWhenAndWhatWouldHelp) {
  bid("carl", spec_json("eager", 8, 2));
  bid("ada", spec_json("flex", 4, 1));
  bid("ada", spec_json("flex", 4, 1));
  bid("ada", spec_json("reserved", 8, 1));
  bid("ada", spec_json("reserved", 9, 1));
  const auto queued = served.ask("ada", "GET", "/v1/jobs/3/why");
  EXPECT_EQ(text(queued.body, "state"), "queued");
  ASSERT_EQ(queued.body.at("blocking").as_array().size(), 1U) << queued.text;
  const value& blocker = queued.body.at("blocking").at(0);
  EXPECT_FALSE(blocker.as_object().contains("job"));
  EXPECT_EQ(blocker.at("text").as_string().find("another team's job holds"), 0U);
  EXPECT_EQ(number(blocker, "until"), (served.now() + domain::kHour * 2).ms);
  EXPECT_NE(text(queued.body, "text").find("1 flex jobs"), std::string::npos) << queued.text;
  EXPECT_EQ(number(served.ask("olga", "GET", "/v1/jobs/3/why").body.at("blocking").at(0), "job"),
            1);
  const auto reserved = served.ask("ada", "GET", "/v1/jobs/4/why");
  EXPECT_GE(number(reserved.body, "expected_start"), (served.now() + domain::kHour * 2).ms);
  EXPECT_EQ(text(served.ask("ada", "GET", "/v1/jobs/5/why").body, "state"), "refused");
  EXPECT_EQ(text(served.ask("carl", "GET", "/v1/jobs/1/why").body, "state"), "starting");
}

TEST_F(Jobs, WhyNamesTheNodesThatTakeNoWork) {
  served.ask("olga", "POST", "/v1/nodes/g1/drain", R"({"cause":"new fans"})");
  bid("ada", spec_json("flex", 4, 1));
  const auto why = served.ask("ada", "GET", "/v1/jobs/1/why");
  EXPECT_NE(text(why.body, "text").find("takes work now: g1 (new fans)."), std::string::npos)
      << why.text;
  const auto& help = why.body.at("would_help").as_array();
  EXPECT_EQ(help.front(), "An operator can resume nodes that are out of use.");
}

TEST_F(Jobs, AKnownTokenIsGoodUntilAccessChanges) {
  bid("ada", spec_json("flex", 0, 1));
  EXPECT_EQ(bid("ada", spec_json("flex", 0, 1)).status, 201);
  EXPECT_EQ(served.ask("ada", "DELETE", "/v1/tokens/t-ada").status, 200);
  EXPECT_EQ(bid("ada", spec_json("flex", 0, 1)).status, 401);
  bid("bob", spec_json("flex", 0, 1));
  EXPECT_EQ(served.ask("root", "PATCH", "/v1/users/bob", R"({"enabled":false})").status, 200);
  EXPECT_EQ(bid("bob", spec_json("flex", 0, 1)).status, 401);
  bid("carl", spec_json("flex", 0, 1));
  served.pass(domain::kDay * 366);
  EXPECT_EQ(bid("carl", spec_json("flex", 0, 1)).status, 401);
}

TEST_F(Jobs, ABusyOrBrokenControllerIsSaidSo) {
  served.direct().inject(controller::fakes::DirectDesk::Fault::queue_full);
  const auto busy = served.ask("ada", "GET", "/v1/jobs");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.headers.at("retry-after"), "1");
  served.direct().log().inject(fakes::MemoryEventLog::Fault::write_fails);
  EXPECT_EQ(bid("ada", spec_json("flex", 0, 1)).status, 503);
  served.direct().log().inject(fakes::MemoryEventLog::Fault::disk_full);
  EXPECT_EQ(bid("ada", spec_json("flex", 0, 1)).status, 507);
}

/// A spec that waits for `parent`.
std::string after_json(const std::string& job_class, const std::string& parent) {
  const std::string spec = spec_json(job_class, 1, 1);
  return fmt::format(R"({},"after":[{{{}}}]}})", spec.substr(0, spec.size() - 1), parent);
}

TEST_F(Jobs, AJobThatWaitsSaysForWhomAndUntilWhen) {
  bid("ada", spec_json("reserved", 1, 1));
  const auto flex = bid("ada", after_json("flex", R"("job":1)"));
  ASSERT_EQ(flex.status, 201) << flex.text;
  EXPECT_EQ(text(first(flex), "text"), "Starts after job 1; nothing is promised to a flex job.");
  EXPECT_EQ(first(flex).at("waits_for").at(0), 1);
  EXPECT_EQ(text(first(flex).at("spec").at("after").at(0), "when"), "success");
  const auto why = served.ask("bob", "GET", "/v1/jobs/2/why");
  EXPECT_EQ(why.body.at("blocking").at(0).at("job"), 1);
  EXPECT_GT(number(why.body, "until"), 0);
  const auto reserved = bid("ada", after_json("reserved", R"("name":"nobody","when":"any")"));
  EXPECT_EQ(reserved.field(), "after[0].name");
  const auto firm = bid("ada", after_json("reserved", R"("job":2)"));
  EXPECT_EQ(firm.status, 200);
  EXPECT_EQ(text(first(firm).at("refusal"), "reason"), "no_promised_end");
  EXPECT_EQ(first(firm).at("refusal").at("blocking").at(0), 2);
}

TEST_F(Jobs, AQuoteBehindAParentStartsAfterItAndHolds) {
  const auto parent = bid("ada", spec_json("reserved", 4, 2));
  const std::string spec = after_json("reserved", R"("job":1)");
  const auto quote = served.ask("ada", "POST", "/v1/quotes", fmt::format(R"({{"spec":{}}})", spec));
  ASSERT_EQ(quote.status, 200) << quote.text;
  EXPECT_GE(number(quote.body.at("offer"), "start"), number(first(parent), "planned_finish"));
  const auto taken =
      served.ask("ada", "POST", "/v1/jobs",
                 fmt::format(R"({{"quote_id":"{}"}})", text(quote.body, "quote_id")));
  ASSERT_EQ(taken.status, 201) << taken.text;
  EXPECT_EQ(number(first(taken), "planned_start"), number(quote.body.at("offer"), "start"));
}

TEST_F(Jobs, NobodyWaitsForWhatTheyMayNotSee) {
  bid("ada", spec_json("flex", 1, 1));
  for (const char* route : {"/v1/jobs", "/v1/quotes"}) {
    const auto answer = served.ask(
        "carl", "POST", route, fmt::format(R"({{"spec":{}}})", after_json("flex", R"("job":1)")));
    EXPECT_EQ(answer.status, 400) << answer.text;
    EXPECT_EQ(answer.field(), "after[0].job");
    EXPECT_EQ(answer.message(), "there is no job 1");
  }
}

}  // namespace
}  // namespace api
