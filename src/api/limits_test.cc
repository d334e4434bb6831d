#include <gtest/gtest.h>

#include "api/served.h"
#include "controller/fakes/direct_desk.h"

namespace api {
namespace {

using boost::json::value;

class Limits : public testing::Test {
 protected:
  void TearDown() override {
    for (const auto& problem : served.problems) ADD_FAILURE() << problem;
  }
  Served::Answer bid(const std::string& user, const std::string& spec) {
    return served.ask(user, "POST", "/v1/jobs", fmt::format(R"({{"spec":{}}})", spec));
  }
  static const value& first(const Served::Answer& answer) { return answer.body.at("jobs").at(0); }
  Served served;
};

TEST_F(Limits, OperatorsSetQuotasAndMembersSeeTheirOwn) {
  const char* quota = R"({"team":"vision","gpu_model":"A100","gpus":4})";
  EXPECT_EQ(served.ask("ada", "PUT", "/v1/quotas", quota).status, 403);
  EXPECT_EQ(served.ask("olga", "PUT", "/v1/quotas", quota).status, 200);
  EXPECT_EQ(
      served.ask("olga", "PUT", "/v1/quotas", R"({"user":"carl","gpus":1,"soft":true})").status,
      200);
  EXPECT_EQ(served.ask("olga", "PUT", "/v1/quotas", R"({"gpus":1})").field(), "team");
  EXPECT_EQ(served.ask("olga", "PUT", "/v1/quotas", R"({"team":"none","gpus":1})").status, 404);
  const auto all = served.ask("olga", "GET", "/v1/quotas");
  EXPECT_EQ(all.body.at("quotas").as_array().size(), 2U);
  const auto own = served.ask("ada", "GET", "/v1/quotas");
  ASSERT_EQ(own.body.at("quotas").as_array().size(), 1U);
  EXPECT_EQ(own.body.at("quotas").at(0).at("gpu_model"), "a100");
  EXPECT_EQ(served.ask("olga", "DELETE", "/v1/quotas?user=carl").status, 200);
  EXPECT_EQ(served.ask("olga", "DELETE", "/v1/quotas?user=carl").status, 404);
  EXPECT_EQ(served.ask("ada", "DELETE", "/v1/quotas?team=vision").status, 403);
}

TEST_F(Limits, ARefusalNamesTheQuota) {
  ASSERT_EQ(served.ask("olga", "PUT", "/v1/quotas", R"({"team":"vision","gpus":4})").status, 200);
  ASSERT_EQ(bid("ada", spec_json("eager", 3, 2)).status, 201);
  const auto quote = served.ask("ada", "POST", "/v1/quotes",
                                fmt::format(R"({{"spec":{}}})", spec_json("eager", 2, 1)));
  EXPECT_EQ(quote.body.at("refusal").at("reason"), "limit_reached");
  const auto refused = bid("ada", spec_json("eager", 2, 1));
  ASSERT_EQ(first(refused).at("state"), "refused");
  EXPECT_EQ(first(refused).at("refusal").at("quota").at("quota").at("gpus"), 4);
  EXPECT_EQ(first(refused).at("refusal").at("quota").at("used"), 3);
  EXPECT_EQ(
      std::string(first(refused).at("text").as_string())
          .find("Team vision may have 4 GPUs at once, promised or in use; 3 are taken. There is"),
      0U);
  const auto queued = bid("ada", spec_json("flex", 2, 1));
  ASSERT_EQ(first(queued).at("state"), "queued");
  const auto why = served.ask("ada", "GET", "/v1/jobs/3/why");
  EXPECT_NE(std::string(why.body.at("text").as_string()).find("Team vision may have 4 GPUs"),
            std::string::npos)
      << why.text;
}

TEST_F(Limits, TeamsShowShareUseAndQuota) {
  ASSERT_EQ(served.ask("olga", "PUT", "/v1/teams/vision/share", R"({"weight":3})").status, 200);
  EXPECT_EQ(served.ask("ada", "PUT", "/v1/teams/vision/share", R"({"weight":9})").status, 403);
  EXPECT_EQ(served.ask("olga", "PUT", "/v1/teams/none/share", R"({"weight":9})").status, 404);
  EXPECT_EQ(served.ask("root", "PUT", "/v1/fairness", R"({"half_life":86400000})").status, 200);
  EXPECT_EQ(served.ask("olga", "PUT", "/v1/fairness", R"({"half_life":86400000})").status, 403);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/fairness").body.at("half_life"), 86'400'000);
  ASSERT_EQ(served.ask("olga", "PUT", "/v1/quotas", R"({"team":"vision","gpus":4})").status, 200);
  ASSERT_EQ(bid("ada", spec_json("eager", 3, 2)).status, 201);
  served.pass(domain::kHour);
  const auto teams = served.ask("ada", "GET", "/v1/teams");
  const value& team = teams.body.at("teams").at(0);
  EXPECT_EQ(team.at("weight"), 3);
  EXPECT_NEAR(team.at("used").to_number<double>(), 3 * 3'600'000, 200'000);
  EXPECT_EQ(team.at("quotas").at(0).at("used"), 3);
  EXPECT_EQ(teams.body.at("pricing"), "on");
}

TEST_F(Limits, MembersMoveTheirOwnJobsOperatorsAny) {
  ASSERT_EQ(bid("ada", spec_json("flex", 8, 9)).status, 201);
  for (const char* user : {"ada", "bob", "ada"}) {
    ASSERT_EQ(bid(user, spec_json("flex", 8, 1)).status, 201);
  }
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs/4/move", R"({"spot":"top"})").status, 200);
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs/3/move", R"({"spot":"top"})").status, 403);
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs/4/move", R"({"spot":"after","other":3})").status,
            409);
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs/4/move", R"({"spot":"first"})").status, 400);
  EXPECT_EQ(served.ask("carl", "POST", "/v1/jobs/4/move", R"({"spot":"top"})").status, 404);
  EXPECT_EQ(served.ask("ada", "POST", "/v1/jobs/1/move", R"({"spot":"top"})").status, 409);
  EXPECT_EQ(served.ask("olga", "POST", "/v1/jobs/3/move", R"({"spot":"top"})").status, 200);
  const auto& group = served.direct().state().jobs.queue.at({"vision"}).groups.begin()->second;
  std::vector<std::int64_t> order;
  for (const auto& place : group) order.push_back(place.job.value);
  EXPECT_EQ(order, (std::vector<std::int64_t>{3, 4, 2}));
}

TEST_F(Limits, WithPricingOffNothingSpeaksOfMoney) {
  auto prices = served.ask("root", "GET", "/v1/prices").body;
  prices.as_object()["pricing"] = "off";
  ASSERT_EQ(served.ask("root", "PUT", "/v1/prices", base::to_text(prices)).status, 200);
  const auto quote = served.ask("carl", "POST", "/v1/quotes",
                                fmt::format(R"({{"spec":{}}})", spec_json("reserved", 8, 48)));
  ASSERT_TRUE(quote.body.as_object().contains("offer")) << quote.text;
  EXPECT_EQ(quote.body.at("offer").at("price"), 0);
  EXPECT_EQ(std::string(quote.body.at("text").as_string()).find("credit"), std::string::npos);
  prices.as_object().erase("pricing");
  prices.as_object()["core_hour"] = 1;
  const auto changed = served.ask("root", "PUT", "/v1/prices", base::to_text(prices));
  EXPECT_EQ(changed.body.at("core_hour"), 1);
  EXPECT_EQ(changed.body.at("pricing"), "off");  // Unsaid, it stays.
  const auto job = bid("carl", spec_json("reserved", 8, 48));
  ASSERT_EQ(job.status, 201) << job.text;
  EXPECT_EQ(first(job).at("held"), 0);
  EXPECT_EQ(served.ask("carl", "GET", "/v1/teams/speech/statement").body.at("pricing"), "off");
}

}  // namespace
}  // namespace api
