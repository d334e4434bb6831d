#include "cli/follow.h"

#include <gtest/gtest.h>

#include "cli/fakes/scripted_environment.h"
#include "cli/run.h"

namespace cli {
namespace {

constexpr const char* kLogs = "/v1/jobs/7/logs";
constexpr const char* kStream = "/v1/jobs/7/logs/stream";

std::string job(std::string_view state, std::string_view attempts = "") {
  return fmt::format(R"({{"id": 7, "name": "true", "state": "{}", "nodes": ["n1"],
                      "attempts": [{}]}})",
                     state, attempts);
}

std::string attempt(int number, std::string_view cause, int code, int signal, int ranks = 1) {
  std::string all;
  for (int i = 0; i < ranks; ++i) {
    all += fmt::format(R"({}{{"rank": {}, "node": "n1", "ended": 9, "cause": "{}",
                       "exit_code": {}, "signal": {}}})",
                       i > 0 ? "," : "", i, cause, code, signal);
  }
  return fmt::format(R"({{"number": {}, "cause": "{}", "ranks": [{}]}})", number, cause, all);
}

std::string piece(int offset, std::string_view text, int attempt_number = 1) {
  return fmt::format(R"({{"rank": 0, "attempt": {}, "offset": {}, "next": {}, "text": "{}"}})",
                     attempt_number, offset, offset + static_cast<int>(text.size()), text);
}

std::string tail(int offset, std::string_view text = "", bool complete = true, int rank = 0) {
  return fmt::format(
      R"({{"job": 7, "rank": {}, "attempt": 1, "offset": {}, "next": {}, "text": "{}",
      "complete": {}}})",
      rank, offset, offset + static_cast<int>(text.size()), text, complete);
}

class FollowTest : public testing::Test {
 protected:
  FollowTest() {
    world.variables["BERTH_SERVER"] = "http://127.0.0.1:1";
    world.server->on("POST", "/v1/jobs", R"({"jobs": [)" + job("starting") + "]}", 201);
  }
  int berth(std::vector<const char*> words) {
    words.insert(words.begin(), "berth");
    return run(static_cast<int>(words.size()), words.data(), world);
  }
  int run_true() { return berth({"run", "--", "true"}); }
  /// The queries of all requests to `path`, streams included.
  std::vector<ports::HttpRequest> asked(const std::string& path) const {
    std::vector<ports::HttpRequest> found;
    for (const auto& request : world.server->requests) {
      if (request.path == path) found.push_back(request);
    }
    return found;
  }

  fakes::ScriptedEnvironment world;
};

TEST_F(FollowTest, ShowsTheLogAndEndsWithTheStatusOfTheCommand) {
  world.server->streams(kStream, {piece(0, "one "), "", piece(4, "two")})
      .on("GET", "/v1/jobs/7", job("succeeded", attempt(1, "success", 0, 0)))
      .on("GET", kLogs, tail(7));
  EXPECT_EQ(run_true(), 0);
  EXPECT_EQ(world.out, "one two");
  EXPECT_EQ(world.error, "") << "a job that gets on speaks for itself";
  const auto streams = asked(kStream);
  ASSERT_EQ(streams.size(), 1U);
  EXPECT_EQ(streams[0].query.at("rank"), "0");
  EXPECT_EQ(streams[0].query.at("attempt"), "1");
}

TEST_F(FollowTest, SaysWhatASlowJobWaitsFor) {
  world.server->on("GET", "/v1/jobs/7", job("queued"))
      .on("GET", "/v1/jobs/7", job("queued"))
      .on("GET", "/v1/jobs/7", job("running"))
      .on("GET", "/v1/jobs/7", job("succeeded", attempt(1, "success", 0, 0)))
      .on("GET", kLogs, tail(0));
  int looks = 0;
  world.server->streams(kStream, {"", "", "", ""});
  world.interrupted = [&] {
    world.clock = world.clock + domain::Duration{++looks > 1 ? 1'000 : 0};
    return 0;
  };
  EXPECT_EQ(run_true(), 0);
  EXPECT_EQ(world.error, "job 7 waits for idle capacity\njob 7 runs on n1\n");
}

TEST_F(FollowTest, PassesExitCodesAndSignalsOn) {
  world.server->streams(kStream, {})
      .on("GET", "/v1/jobs/7", job("failed", attempt(1, "failed", 3, 0)))
      .on("GET", kLogs, tail(0));
  EXPECT_EQ(run_true(), 3);
  EXPECT_EQ(world.error, "job 7 failed (rank 0 on n1: exit 3)\n") << "and it is said once";

  fakes::ScriptedEnvironment other;
  other.variables = world.variables;
  std::swap(world.server, other.server);
  world.server->on("POST", "/v1/jobs", R"({"jobs": [)" + job("starting") + "]}", 201)
      .streams(kStream, {})
      .on("GET", "/v1/jobs/7", job("failed", attempt(1, "crashed", 0, 11)))
      .on("GET", kLogs, tail(0));
  EXPECT_EQ(run_true(), 128 + 11);
}

TEST(StatusOf, NeverSaysSuccessOfWhatWasNone) {
  Job job;
  for (const char* state : {"failed", "lost", "expired", "running", "something-new"}) {
    job.state = state;
    EXPECT_EQ(status_of(job), 1) << state;
  }
  job.state = "failed";
  job.attempts = {{.number = 1, .ranks = {{.cause = "failed", .exit_code = 0}}}};
  EXPECT_EQ(status_of(job), 1);
  job.attempts = {{.number = 1,
                   .ranks = {{.ended = 5, .cause = "stopped", .signal = 15},
                             {.ended = 4, .cause = "failed", .exit_code = 9},
                             {.ended = 3, .cause = "out_of_memory", .signal = 9}}}};
  EXPECT_EQ(status_of(job), 128 + 9) << "the first that ended badly by itself";
  job.state = "cancelled";
  EXPECT_EQ(status_of(job), 130);
  job.state = "succeeded";
  EXPECT_EQ(status_of(job), 0);
}

TEST_F(FollowTest, GoesOnFromTheByteWhereTheStreamBroke) {
  world.server->streams_and_breaks(kStream, {piece(0, "one "), piece(4, "two ")})
      .streams_and_breaks(kStream, {})
      .streams(kStream, {piece(4, "two three "), piece(14, "four")})
      .breaks("GET", "/v1/jobs/7")
      .on("GET", "/v1/jobs/7", job("running", attempt(1, "", 0, 0)))
      .on("GET", "/v1/jobs/7", job("running", attempt(1, "", 0, 0)))
      .on("GET", "/v1/jobs/7", job("succeeded", attempt(1, "success", 0, 0)))
      .on("GET", kLogs, tail(18, "", false))
      .on("GET", kLogs, tail(18, " five", false))
      .on("GET", kLogs, tail(23));
  EXPECT_EQ(run_true(), 0);
  EXPECT_EQ(world.out, "one two three four five");
  const auto streams = asked(kStream);
  ASSERT_EQ(streams.size(), 3U);
  EXPECT_EQ(streams[1].query.at("offset"), "8");
  EXPECT_EQ(streams[2].query.at("offset"), "8");
  EXPECT_EQ(asked(kLogs).front().query.at("offset"), "18");
  EXPECT_NE(world.error.find("connection lost"), std::string::npos);
}

TEST_F(FollowTest, ShowsLaterAttemptsFromTheirFirstByte) {
  world.server->streams_and_breaks(kStream, {piece(0, "first "), piece(0, "second ", 2)})
      .streams(kStream, {piece(7, "more", 2)})
      .on("GET", "/v1/jobs/7", job("running", attempt(2, "", 0, 0)))
      .on("GET", "/v1/jobs/7", job("succeeded", attempt(2, "success", 0, 0)))
      .on("GET", kLogs, tail(11));
  EXPECT_EQ(run_true(), 0);
  EXPECT_EQ(world.out, "first second more");
  EXPECT_EQ(asked(kStream)[1].query.at("attempt"), "2");
  EXPECT_NE(world.error.find("attempt 2"), std::string::npos);
}

TEST_F(FollowTest, TheFirstInterruptCancelsAndTheSecondLeaves) {
  int pressed = 0;
  world.interrupted = [&] { return pressed; };
  world.on_wait = [&] { pressed = 1; };
  // The first quiet moment comes after Ctrl-C; the job ends cancelled.
  world.server->streams_and_breaks(kStream, {})
      .streams(kStream, {"", ""})
      .on("GET", "/v1/jobs/7", job("running"))
      .on("GET", "/v1/jobs/7", job("cancelled"))
      .on("POST", "/v1/jobs/7/cancel", job("running"));
  EXPECT_EQ(run_true(), 130);
  EXPECT_EQ(asked("/v1/jobs/7/cancel").size(), 1U);
  EXPECT_NE(world.error.find("cancelling job 7"), std::string::npos);
}

TEST_F(FollowTest, TheSecondInterruptLeavesTheJobRunning) {
  int calls = 0;
  world.interrupted = [&] { return calls++ / 4; };
  world.server->streams(kStream, std::vector<std::string>(40, ""))
      .on("POST", "/v1/jobs/7/cancel", job("running"))
      .on("GET", "/v1/jobs/7", job("running"));
  EXPECT_EQ(run_true(), 130);
  EXPECT_EQ(asked("/v1/jobs/7/cancel").size(), 1U);
  EXPECT_NE(world.error.find("left job 7"), std::string::npos) << world.error;
}

TEST_F(FollowTest, ShowsEveryRankWithItsNumber) {
  const std::string two = attempt(1, "success", 0, 0, 2);
  world.server->on("GET", "/v1/jobs/7", job("succeeded", two))
      .on("GET", kLogs, tail(0, R"(a\nb)", false, 0))
      .on("GET", kLogs, tail(3, "", true, 0))
      .on("GET", kLogs, tail(0, R"(c\n)", false, 1))
      .on("GET", kLogs, tail(3, "", true, 0));
  EXPECT_EQ(berth({"run", "--all-ranks", "--ranks", "2", "--", "true"}), 0);
  EXPECT_NE(world.out.find("[0] a\n"), std::string::npos) << world.out;
  EXPECT_NE(world.out.find("[1] c\n"), std::string::npos) << world.out;
  EXPECT_TRUE(world.out.ends_with("[0] b\n")) << world.out;
}

TEST_F(FollowTest, GivesUpWhenTheControllerStaysAway) {
  const domain::Time before = world.clock;
  world.server->breaks("GET", "/v1/jobs/7");
  EXPECT_EQ(run_true(), 7);
  EXPECT_GE(world.clock - before, domain::kMinute * 10);
  EXPECT_NE(world.error.find("job 7 is not affected"), std::string::npos);
}

TEST_F(FollowTest, JsonKeepsStandardOutputForTheEnvelope) {
  world.server->streams(kStream, {piece(0, "hello")})
      .on("GET", "/v1/jobs/7", job("failed", attempt(1, "failed", 2, 0)))
      .on("GET", kLogs, tail(5));
  EXPECT_EQ(berth({"run", "--json", "--", "false"}), 2);
  EXPECT_NE(world.error.find("hello"), std::string::npos);
  const auto body = base::parse_json(world.out);
  ASSERT_TRUE(body) << world.out;
  EXPECT_FALSE(body->at("ok").as_bool());
  EXPECT_EQ(body->at("error").at("exit_status").as_int64(), 2);
  EXPECT_EQ(body->at("error").at("job").at("id").as_int64(), 7);
}

TEST_F(FollowTest, LogsOfAnEndedJobAreShownAtOnce) {
  world.server->on("GET", "/v1/jobs/7", job("succeeded", attempt(1, "success", 0, 0)))
      .on("GET", kLogs, tail(0, "all of it", false))
      .on("GET", kLogs, tail(9));
  EXPECT_EQ(berth({"job", "logs", "7"}), 0);
  EXPECT_EQ(world.out, "all of it");
  EXPECT_EQ(world.error, "");
}

}  // namespace
}  // namespace cli
