#include <gtest/gtest.h>

#include "api/served.h"

namespace api {
namespace {

/// ada's job runs for an hour on 4 of 8 GPUs, carl's on 2 and fails; bob asks for more than there
/// is.
class ReportRoute : public testing::Test {
 protected:
  ReportRoute() {
    run("ada", 4);
    run("carl", 2);
    const auto wide = R"({"spec":)" + spec_json("reserved", 9, 1) + "}";
    EXPECT_EQ(served.ask("bob", "POST", "/v1/jobs", wide).status, 200);
    served.pass(domain::kHour);
    served.end_ranks({1});
    served.end_ranks({2}, domain::ExitCause::failed);
    served.pass(domain::kHour);
  }
  void TearDown() override {
    for (const auto& problem : served.problems) ADD_FAILURE() << problem;
  }
  void run(const std::string& user, int gpus) {
    const auto body = R"({"spec":)" + spec_json("eager", gpus, 1) + "}";
    const auto answer = served.ask(user, "POST", "/v1/jobs", body);
    EXPECT_EQ(answer.status, 201) << answer.text;
    served.start_ranks({answer.body.at("jobs").at(0).at("id").as_int64()});
  }
  static double gpu_hours(const boost::json::value& amounts) {
    return amounts.at("gpu_hours").to_number<double>();
  }

  Served served;
};

TEST_F(ReportRoute, AnOperatorSeesEverything) {
  const auto report = served.ask("olga", "GET", "/v1/report").body;
  EXPECT_EQ(report.at("team").as_string(), "");
  const auto& all = report.at("classes").at(0);
  EXPECT_EQ(all.at("accepted").as_int64(), 2);
  EXPECT_EQ(all.at("refused").as_int64(), 1);
  EXPECT_EQ(all.at("ends").at("succeeded").as_int64(), 1);
  EXPECT_EQ(all.at("ends").at("failed").as_int64(), 1);
  EXPECT_EQ(all.at("first_try").at("started").as_int64(), 2);
  EXPECT_EQ(report.at("causes").at(0).at("cause").as_string(), "failed");
  EXPECT_DOUBLE_EQ(gpu_hours(report.at("used")), 6);
  EXPECT_DOUBLE_EQ(gpu_hours(report.at("promised")), 6);
  const auto& cluster = report.at("cluster");
  EXPECT_DOUBLE_EQ(gpu_hours(cluster.at("capacity")), 16);  // Eight GPUs for two hours.
  EXPECT_DOUBLE_EQ(gpu_hours(cluster.at("idle")), 10);
  EXPECT_EQ(cluster.at("machines").as_array().size(), 2U);
  EXPECT_GT(report.at("money").at("revenue").as_int64(), 0);
  EXPECT_FALSE(report.as_object().contains("bids"));
}

TEST_F(ReportRoute, AMemberSeesTheirTeamsJobsAlone) {
  for (const char* target : {"/v1/report", "/v1/report?team=vision"}) {
    const auto report = served.ask("ada", "GET", target).body;
    EXPECT_EQ(report.at("team").as_string(), "vision");
    EXPECT_EQ(report.at("classes").at(0).at("accepted").as_int64(), 1);
    EXPECT_EQ(report.at("classes").at(0).at("refused").as_int64(), 1);
    EXPECT_DOUBLE_EQ(gpu_hours(report.at("used")), 4);
    EXPECT_FALSE(report.as_object().contains("cluster"));
  }
  for (const char* team : {"speech", "nobody"}) {
    const auto answer = served.ask("ada", "GET", std::string("/v1/report?team=") + team);
    EXPECT_EQ(answer.status, 403);
  }
  EXPECT_EQ(served.ask("ada", "GET", "/v1/report?with=bids").status, 403);
}

TEST_F(ReportRoute, AnOperatorMayAskForATeamOrForTheBids) {
  const auto speech = served.ask("olga", "GET", "/v1/report?team=speech").body;
  EXPECT_DOUBLE_EQ(gpu_hours(speech.at("used")), 2);
  EXPECT_EQ(served.ask("olga", "GET", "/v1/report?team=nobody").status, 404);
  EXPECT_EQ(served.ask("olga", "GET", "/v1/report?team=speech&with=bids").status, 403);
  const auto report = served.ask("root", "GET", "/v1/report?with=bids").body;
  const auto& bids = report.at("bids").as_array();
  ASSERT_EQ(bids.size(), 3U);
  EXPECT_EQ(bids[0].at("ran").as_int64(), domain::kHour.ms);
  EXPECT_FALSE(bids[1].as_object().contains("ran"));
  EXPECT_FALSE(bids[2].at("accepted").as_bool());
  EXPECT_EQ(report.at("bids_left_out").as_int64(), 0);
}

TEST_F(ReportRoute, ThePeriodIsWhatWasAskedFor) {
  const std::int64_t now = served.now().ms;
  const std::int64_t hour = domain::kHour.ms;
  const auto target = [](std::int64_t from, std::int64_t to) {
    return fmt::format("/v1/report?from={}&to={}&ratios=0,100,0", from, to);
  };
  const auto half = served.ask("olga", "GET", target(now - 2 * hour, now - 3 * hour / 2)).body;
  EXPECT_DOUBLE_EQ(gpu_hours(half.at("used")), 3);
  EXPECT_EQ(half.at("classes").at(0).at("ends").at("ended").as_int64(), 0);
  EXPECT_DOUBLE_EQ(half.at("cluster").at("machines").at(1).at("utilisation").to_number<double>(),
                   6 / 8.0);
  const auto late = served.ask("olga", "GET", target(now - hour / 2, now + hour)).body;
  EXPECT_EQ(late.at("period").at("to").as_int64(), now);
  EXPECT_DOUBLE_EQ(gpu_hours(late.at("used")), 0);
  const auto usual = served.ask("olga", "GET", "/v1/report").body;
  EXPECT_EQ(usual.at("period").at("from").as_int64(), now - 7 * 24 * hour);
}

TEST_F(ReportRoute, WhatCannotBeAskedIsNamed) {
  const auto field = [&](const std::string& query) {
    const auto answer = served.ask("olga", "GET", "/v1/report?" + query);
    EXPECT_EQ(answer.status, 400) << query;
    return answer.field();
  };
  EXPECT_EQ(field("from=x"), "from");
  EXPECT_EQ(field("from=9&to=9"), "from");
  EXPECT_EQ(field(fmt::format("from={}", served.now().ms + 1)), "from");
  for (const char* ratios : {"20,60", "20,60,20,0", "20,60,30", "a,60,20", "-20,100,20", ""}) {
    EXPECT_EQ(field(std::string("ratios=") + ratios), "ratios") << ratios;
  }
  EXPECT_EQ(field("with=luck"), "with");
}

TEST_F(ReportRoute, SamplesSayWhatProgramsUsed) {
  const std::int64_t start = served.now().ms - 2 * domain::kHour.ms;
  for (std::int64_t minute = 0; minute <= 30;
       ++minute) {  // ada's: one core of 64, two GPUs of eight.
    served.put_file(
        {1}, "attempt-1/rank-0.samples.jsonl",
        fmt::format(R"({{"t":{},"cpu_ms":{},"memory_bytes":0,"gpus":[)"
                    R"({{"uuid":"a","permille":1000}},{{"uuid":"b","permille":1000}}]}})"
                    "\n",
                    start + minute * 60'000, minute * 60'000));
  }
  const auto report = served.ask("olga", "GET", "/v1/report?with=bids,samples&ratios=50,50,0").body;
  EXPECT_EQ(report.at("bids").as_array().size(), 3U);
  const auto& measured = report.at("measured");
  EXPECT_DOUBLE_EQ(measured.at("measured_hours").to_number<double>(), 0.5);
  EXPECT_DOUBLE_EQ(measured.at("rank_hours").to_number<double>(), 2);
  const auto& gpu_node = measured.at("machines").at(1);
  EXPECT_EQ(gpu_node.at("node").as_string(), "g1");
  EXPECT_DOUBLE_EQ(gpu_hours(gpu_node.at("used")), 1);
  EXPECT_DOUBLE_EQ(gpu_node.at("utilisation").to_number<double>(), (0.5 / 128 + 1 / 16.0) / 2);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/report?with=samples").status, 403);
}

TEST_F(ReportRoute, OneThatIsDoneMakesRoomForTheNext) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(served.ask("olga", "GET", "/v1/report").status, 200);
}

}  // namespace
}  // namespace api
