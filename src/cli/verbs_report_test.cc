#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/fakes/scripted_environment.h"
#include "cli/run.h"
#include "cli/table.h"
#include "cli/text/catalog.h"

namespace cli {
namespace {

constexpr std::int64_t kNine = 1'795'338'000'000;  // Sunday 2026-11-22 09:00 UTC.
constexpr std::int64_t kHour = 3'600'000;

std::string spread(int count, std::int64_t ms) {
  return fmt::format(R"({{"count": {}, "mean_ms": {}, "p50_ms": {}, "p95_ms": {}, "max_ms": {}}})",
                     count, ms, ms, 2 * ms, 3 * ms);
}

std::string class_line(const std::string& name) {
  return fmt::format(
      R"({{"name": "{}", "accepted": 3, "refused": 1, "waiting": {}, "starting": {}, "total": {},
          "first_try": {{"made": 4, "started": 3}}, "second_try": {{"made": 0, "started": 0}},
          "ends": {{"ended": 3, "succeeded": 2, "failed": 1}},
          "promises": {{"on_time": 2, "late": 1, "broken": 0, "unused": 4}},
          "used": {{"gpu_hours": 12.5, "core_hours": 3, "memory_gib_hours": 0}},
          "succeeded_gpu_hours": 10}})",
      name, spread(2, 90'000), spread(2, 1'500), spread(2, 91'500));
}

/// Two bids of which only one can be done in time, and one that asks for too many GPUs.
std::string bids() {
  const auto bid = [](std::int64_t at, int gpus) {  // For an hour, and due after one.
    return fmt::format(
        R"({{"at": {}, "earliest": 0, "deadline": {}, "job_class": "reserved", "gpus": {},
            "stated": {}, "preemptible": false, "restart": 0, "accepted": true}})",
        kNine + at, kNine + at + kHour, gpus, kHour);
  };
  return bid(0, 4) + "," + bid(60'000, 4) + "," + bid(60'000, 40);
}

std::string report() {
  return fmt::format(
      R"({{"period": {{"from": {}, "to": {}}}, "team": "", "classes": [{}, {}],
          "causes": [{{"state": "failed", "cause": "out_of_memory", "jobs": 1}},
                     {{"state": "cancelled", "jobs": 2}}],
          "promised": {{"gpu_hours": 20, "core_hours": 5, "memory_gib_hours": 0}},
          "used": {{"gpu_hours": 12.5, "core_hours": 3, "memory_gib_hours": 0}},
          "money": {{"revenue": 12500000, "refunds": 500000, "penalties": 0, "granted": 0,
                     "per_gpu_hour": 1000000}},
          "cluster": {{"ratios": {{"cpu": 0.2, "gpu": 0.6, "memory": 0.2}}, "utilisation": 0.25,
            "capacity": {{"gpu_hours": 96, "core_hours": 24, "memory_gib_hours": 10}},
            "idle": {{"gpu_hours": 83.5, "core_hours": 21, "memory_gib_hours": 10}},
            "machines": [{{"node": "n1", "pool": "a100", "present": {},
              "capacity": {{"gpu_hours": 96, "core_hours": 24, "memory_gib_hours": 10}},
              "used": {{"gpu_hours": 12.5, "core_hours": 3, "memory_gib_hours": 0}},
              "utilisation": 0.25}}]}},
          "bids": [{}], "bids_left_out": 0}})",
      kNine - 24 * kHour, kNine, class_line("all"), class_line("eager"), 24 * kHour, bids());
}

/// Each look at the clock takes `look`.
class SlowWorld final : public fakes::ScriptedEnvironment {
 public:
  domain::Time now() const override { return clock + look * ++looks_; }
  domain::Duration look{0};

 private:
  mutable std::int64_t looks_ = 0;
};

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    world.variables = {{"BERTH_SERVER", "http://head:7070"}, {"BERTH_TOKEN", "secret-token"}};
  }
  int berth(std::vector<const char*> words) {
    words.insert(words.begin(), "berth");
    world.out.clear();
    world.error.clear();
    return run(static_cast<int>(words.size()), words.data(), world);
  }
  void serve(const std::string& text) { world.server->on("GET", "/v1/report", text); }
  void expect_80_columns() const {
    for (std::size_t from = 0, end = 0; from < world.out.size(); from = end + 1) {
      end = world.out.find('\n', from);
      EXPECT_LE(display_width(world.out.substr(from, end - from)), 80) << world.out;
    }
  }

  SlowWorld world;
};

TEST_F(ReportTest, ShowsEachFigure) {
  serve(report());
  EXPECT_EQ(berth({"report"}), 0) << world.error;
  EXPECT_TRUE(world.server->requests.back().query.empty());
  EXPECT_EQ(world.out,
            "The whole cluster, from yesterday 09:00 to today 09:00.\n"
            "\n"
            "TIME TO START     PHASE  STARTS   MEAN    P50   P95  LONGEST\n"
            "all             waiting       2  1m30s  1m30s    3m    4m30s\n"
            "all            starting       2   1.5s   1.5s  3.0s     4.5s\n"
            "all               total       2  1m31s  1m31s  3m3s    4m34s\n"
            "eager           waiting       2  1m30s  1m30s    3m    4m30s\n"
            "eager          starting       2   1.5s   1.5s  3.0s     4.5s\n"
            "eager             total       2  1m31s  1m31s  3m3s    4m34s\n"
            "\n"
            "CLASS  ACCEPTED  REFUSED  1ST TRY  2ND TRY  ENDED  SUCCEEDED  GPU-HOURS\n"
            "all           3        1    75.0%        -      3      66.7%       12.5\n"
            "eager         3        1    75.0%        -      3      66.7%       12.5\n"
            "\n"
            "NOT SUCCEEDED  CAUSE          JOBS\n"
            "failed         out_of_memory     1\n"
            "cancelled      never started     2\n"
            "\n"
            "HOURS OF  GPUS  CORES  MEMORY GIB\n"
            "used      12.5    3.0         0.0\n"
            "idle      83.5   21.0        10.0\n"
            "capacity  96.0   24.0        10.0\n"
            "promised  20.0    5.0         0.0\n"
            "\n"
            "25.0% of the machines was given out. Least used first:\n"
            "NODE  POOL  PRESENT    GPU    CPU  MEMORY  IN USE  MEASURED\n"
            "n1    a100       1d  13.0%  12.5%    0.0%   25.0%         -\n"
            "\n"
            "Paid 12.50 credits, given back 0.50, penalties 0.00.\n"
            "A GPU-hour cost 1.00 credits; one of a job that succeeded, -.\n"
            "Promises: 2 kept on time, 1 done late, 0 broken, 4 not needed.\n");
}

TEST_F(ReportTest, FitsATerminalInBothLanguages) {
  serve(report());
  world.is_terminal = true;
  world.variables["NO_COLOR"] = "1";
  for (const char* language : {"en", "zh"}) {
    EXPECT_EQ(berth({"report", "--replay", "--lang", language}), 0) << world.error;
    expect_80_columns();
  }
  const auto zh = text::Language::zh;
  EXPECT_TRUE(world.out.contains(text::find(zh, "report.time_to_start"))) << world.out;
  EXPECT_TRUE(world.out.contains(text::find(zh, "cause.out_of_memory"))) << world.out;
  EXPECT_TRUE(world.out.contains(text::say(zh, "report.replayed", {"2", "4", "60"}))) << world.out;
}

TEST_F(ReportTest, ReplaysTheBidsWithPricesAndWithout) {
  serve(report());
  EXPECT_EQ(berth({"report", "--replay"}), 0) << world.error;
  EXPECT_EQ(world.server->requests.back().query.at("with"), "bids");
  const auto from = world.out.find("Replayed, not measured");
  ASSERT_NE(from, std::string::npos) << world.out;
  EXPECT_EQ(world.out.substr(from),
            "Replayed, not measured: the same 2 bids on 4 GPUs, in slots of 60 s.\n"
            "Bids left out, without GPUs or with more than there are: 1.\n"
            "PRICES   POLICY     VALUE  STARTED    WAIT  ON TIME  LATE    BUSY  COST   PAID\n"
            "with     era        50.0%    50.0%      0s    50.0%     0  100.0%  1.00  0.000\n"
            "without  first-fit  50.0%    50.0%      0s    50.0%     0  100.0%  1.00  0.000\n"
            "without  backfill   50.0%   100.0%  29m30s    50.0%     1  100.0%  2.00  0.000\n"
            "Value: of all that was asked for, what was done on time. Wait: the mean. Cost: "
            "GPU-hours of the cluster, idle or not, for each of a job done on time. Paid: credits "
            "for a GPU-hour used.\n");
}

TEST_F(ReportTest, SaysHowFarTheReplayIsWhenItTakesLong) {
  // Bids over ten hours: 600 slots.
  std::string text = report();
  const std::string first = std::to_string(kNine + 60'000);
  for (auto at = text.find(first); at != text.npos; at = text.find(first)) {
    text.replace(at, first.size(), std::to_string(kNine + 10 * kHour));
  }
  serve(text);
  world.is_terminal = true;
  EXPECT_EQ(berth({"report", "--replay"}), 0);
  EXPECT_FALSE(world.error.contains("replaying")) << "not in the first second";
  world.look = domain::kSecond;
  EXPECT_EQ(berth({"report", "--replay"}), 0);
  EXPECT_TRUE(world.error.contains("\r\x1b[Kreplaying era 42%")) << world.error;
  EXPECT_TRUE(world.error.ends_with("\r\x1b[K")) << world.error;
}

TEST_F(ReportTest, LengthsOfTimeLookBack) {
  serve(report());
  EXPECT_EQ(berth({"report", "--from", "3d", "--to", "2026-11-21T09:00Z", "--ratios", "0,100,0",
                   "--team", "vision"}),
            0)
      << world.error;
  const auto& query = world.server->requests.back().query;
  EXPECT_EQ(query.at("from"), std::to_string(kNine - 72 * kHour));
  EXPECT_EQ(query.at("to"), std::to_string(kNine - 24 * kHour));
  EXPECT_EQ(query.at("ratios"), "0,100,0");
  EXPECT_EQ(query.at("team"), "vision");
  EXPECT_FALSE(query.contains("with"));
  EXPECT_EQ(berth({"report", "--from", "whenever"}), 2);
  EXPECT_TRUE(world.error.contains("--from: 'whenever' is no moment")) << world.error;
}

TEST_F(ReportTest, SamplesSayWhatProgramsMadeOfIt) {
  std::string text = report();
  text.insert(text.rfind("\"bids_left_out\""),
              R"("measured": {"utilisation": 0.125, "rank_hours": 10, "measured_hours": 7.5,
                              "machines": [{"node": "n1", "utilisation": 0.125}]}, )");
  serve(text);
  EXPECT_EQ(berth({"report", "--measured"}), 0) << world.error;
  EXPECT_EQ(world.server->requests.back().query.at("with"), "samples");
  EXPECT_TRUE(world.out.contains("made use of 12.5% of the machines (7.5 of 10.0 hours of ranks"))
      << world.out;
  EXPECT_TRUE(world.out.contains("0.0%   25.0%     12.5%\n")) << world.out;
  EXPECT_EQ(berth({"report", "--measured", "--replay"}), 0);
  EXPECT_EQ(world.server->requests.back().query.at("with"), "bids,samples");
}

TEST_F(ReportTest, JsonHasTheComparisonInPlaceOfTheBids) {
  serve(report());
  EXPECT_EQ(berth({"report", "--replay", "--json"}), 0);
  const auto envelope = base::parse_json(world.out);
  ASSERT_TRUE(envelope) << world.out;
  const auto& data = envelope->at("data").as_object();
  EXPECT_FALSE(data.contains("bids"));
  EXPECT_EQ(data.at("replayed").at("policies").as_array().size(), 3U);
  EXPECT_TRUE(data.at("replayed").at("policies").at(0).at("economy").as_bool());
  EXPECT_EQ(data.at("classes").at(0).at("ends").at("failed").as_int64(), 1) << "all that came";
}

}  // namespace
}  // namespace cli
