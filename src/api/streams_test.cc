#include <gtest/gtest.h>

#include "api/schema_check.h"
#include "api/served.h"
#include "controller/fakes/direct_desk.h"

namespace api {
namespace {

using boost::json::value;

class Streams : public testing::Test {
 protected:
  void SetUp() override {
    const auto answer = served.ask("ada", "POST", "/v1/jobs",
                                   fmt::format(R"({{"spec":{}}})", spec_json("eager", 1, 1)));
    ASSERT_EQ(answer.status, 201) << answer.text;
    served.start_ranks(job);
  }
  void TearDown() override {
    for (const auto& problem : served.problems) ADD_FAILURE() << problem;
  }
  std::shared_ptr<Served::Stream> open(const std::string& what, const std::string& user = "ada") {
    return served.open(user, "/v1/jobs/1/" + what, status);
  }
  static value parsed(const std::string& text) { return *base::parse_json(text); }
  static std::string text(const value& object) {
    return std::string(object.at("text").as_string());
  }
  static std::string all(const Served::Stream& stream) {
    std::string whole;
    for (const auto& each : stream.texts) whole += text(parsed(each));
    return whole;
  }

  static constexpr domain::JobId job{1};
  Served served;
  int status = 0;
};

TEST_F(Streams, ALogComesInPiecesWithOffsetsInBytes) {
  served.put_file(job, "attempt-1/rank-0.log", "one\ntw\xC3\xB6\n");
  const auto whole = served.ask("ada", "GET", "/v1/jobs/1/logs");
  EXPECT_EQ(text(whole.body), "one\ntw\xC3\xB6\n");
  EXPECT_EQ(whole.body.at("next"), 9);
  EXPECT_EQ(whole.body.at("complete"), false);
  const auto torn = served.ask("ada", "GET", "/v1/jobs/1/logs?limit=7");
  EXPECT_EQ(text(torn.body), "one\ntw");
  EXPECT_EQ(torn.body.at("next"), 6) << "half a character waits for its other half";
  EXPECT_EQ(text(served.ask("ada", "GET", "/v1/jobs/1/logs?offset=6").body), "\xC3\xB6\n");
  EXPECT_EQ(text(served.ask("ada", "GET", "/v1/jobs/1/logs?offset=900").body), "");
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/logs?attempt=2").status, 404);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/logs?rank=1").field(), "rank");
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/logs?offset=-1").field(), "offset");
  served.end_ranks(job);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/logs").body.at("complete"), false);
  served.pass({250});
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/logs").body.at("complete"), true);
  served.put_file(job, "attempt-1/rank-0.log", "\xFF");
  const auto bad = served.ask("ada", "GET", "/v1/jobs/1/logs?offset=9");
  EXPECT_EQ(text(bad.body), "\xEF\xBF\xBD");
  EXPECT_EQ(bad.body.at("next"), 10);
  served.fail_files();
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/logs").status, 503);
}

TEST_F(Streams, ALogWhoseLengthIsKnownNeedsNoTimeToSettle) {
  served.put_file(job, "attempt-1/rank-0.log", "ab");
  const auto stream = open("logs/stream");
  const auto& rank = served.direct().state().jobs.jobs.at(job).attempts.back().ranks.front();
  served.direct().presence[rank.node].log_bytes[{job, 1, 0}] = 3;
  served.end_ranks(job);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/logs").body.at("complete"), false);
  EXPECT_FALSE(stream->closed) << "a byte is on its way";
  served.put_file(job, "attempt-1/rank-0.log", "\xC3");
  EXPECT_EQ(all(*stream), "ab\xEF\xBF\xBD") << "the other half of the character will not come";
  EXPECT_TRUE(stream->closed);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/logs").body.at("complete"), true);
  const auto late = open("logs/stream");
  EXPECT_EQ(all(*late), "ab\xEF\xBF\xBD");
  EXPECT_TRUE(late->closed);
}

TEST_F(Streams, ALogThatIsKnownToBeLongerIsNotCalledComplete) {
  served.put_file(job, "attempt-1/rank-0.log", "ab");
  const auto stream = open("logs/stream");
  const auto& rank = served.direct().state().jobs.jobs.at(job).attempts.back().ranks.front();
  served.direct().presence[rank.node].log_bytes[{job, 1, 0}] = 3;
  served.end_ranks(job);
  served.pass(domain::kSecond * 29);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/logs").body.at("complete"), false);
  EXPECT_FALSE(stream->closed);
  served.pass(domain::kSecond * 2);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/logs").body.at("complete"), true)
      << "the rest is lost";
  EXPECT_TRUE(stream->closed);
}

TEST_F(Streams, ALogStreamFollowsTheAttemptsUntilTheJobHasEnded) {
  served.put_file(job, "attempt-1/rank-0.log", "a");
  const auto stream = open("logs/stream");
  ASSERT_EQ(status, 101);
  EXPECT_EQ(all(*stream), "a");
  served.put_file(job, "attempt-1/rank-0.log", "b\xC3");
  EXPECT_EQ(all(*stream), "ab");
  served.put_file(job, "attempt-1/rank-0.log", "\xB6");
  EXPECT_EQ(all(*stream), "ab\xC3\xB6");
  served.end_ranks(job, domain::ExitCause::port_in_use);  // Passing: it is tried again.
  served.put_file(job, "attempt-1/rank-0.log", "late");
  served.pass(domain::kMinute * 10);
  ASSERT_EQ(served.direct().state().jobs.jobs.at(job).attempts_made, 2);
  served.start_ranks(job);
  served.put_file(job, "attempt-2/rank-0.log", "second");
  EXPECT_EQ(all(*stream), "ab\xC3\xB6latesecond");
  const value last = parsed(stream->texts.back());
  EXPECT_EQ(last.at("attempt"), 2);
  EXPECT_EQ(last.at("offset"), 0);
  EXPECT_EQ(last.at("next"), 6);
  served.end_ranks(job);
  EXPECT_FALSE(stream->closed) << "its agent may have some left to send";
  served.put_file(job, "attempt-2/rank-0.log", "!");
  served.pass({250});
  EXPECT_EQ(all(*stream), "ab\xC3\xB6latesecond!");
  EXPECT_TRUE(stream->closed);
}

TEST_F(Streams, AStreamOfAnEndedJobSendsEverythingAndCloses) {
  served.put_file(job, "attempt-1/rank-0.log", std::string(1'000'000, 'x'));
  served.end_ranks(job);
  served.pass(domain::kMinute);
  const auto stream = open("logs/stream?attempt=1&offset=10");
  served.pass(domain::kSecond);
  EXPECT_EQ(all(*stream).size(), 999'990U);
  EXPECT_TRUE(stream->closed);
  const auto beyond = open("logs/stream?attempt=7");
  EXPECT_TRUE(beyond->closed);
}

TEST_F(Streams, ASlowReaderIsDropped) {
  const auto stream = open("logs/stream");
  stream->is_full = true;
  served.put_file(job, "attempt-1/rank-0.log", "a");
  stream->is_full = false;
  served.put_file(job, "attempt-1/rank-0.log", "b");
  EXPECT_TRUE(stream->texts.empty());
}

TEST_F(Streams, StreamsOfOtherTeamsDoNotExist) {
  open("logs/stream", "carl");
  EXPECT_EQ(status, 404);
  open("metrics/stream", "carl");
  EXPECT_EQ(status, 404);
  open("logs/stream?rank=9");
  EXPECT_EQ(status, 400);
  open("logs/stream?speed=9");
  EXPECT_EQ(status, 400);
}

constexpr const char* kPoint =
    R"({"t":5,"kind":"metric","step":1,"values":{"loss":0.5,"bad":"nan"}})";

TEST_F(Streams, MetricsSkipWhatIsBrokenAndGoOnAfter) {
  served.put_file(job, "attempt-1/rank-0.metrics.jsonl",
                  std::string(kPoint) + "\n{broken\n{\"kind\":\"note\",\"text\":\"x\"}\n" + kPoint +
                      "\n{\"t\"");
  const auto once = served.ask("ada", "GET", "/v1/jobs/1/metrics?limit=1");
  ASSERT_EQ(once.body.at("points").as_array().size(), 1U) << once.text;
  EXPECT_EQ(once.body.at("points").at(0).at("values").at("loss"), 0.5);
  EXPECT_EQ(once.body.at("points").at(0).at("values").at("bad"), "NaN");
  const auto next = fmt::format("{}", once.body.at("next").as_int64());
  const auto rest = served.ask("ada", "GET", "/v1/jobs/1/metrics?after=" + next);
  EXPECT_EQ(rest.body.at("points").as_array().size(), 1U);
  const auto stream = open("metrics/stream?after=" + next);
  ASSERT_EQ(stream->texts.size(), 1U);
  EXPECT_EQ(parsed(stream->texts[0]).at("next"), rest.body.at("next"));
  served.put_file(job, "attempt-1/rank-0.metrics.jsonl", ":1}\n" + std::string(kPoint) + "\n");
  ASSERT_EQ(stream->texts.size(), 2U);
  EXPECT_EQ(parsed(stream->texts[1]).at("points").as_array().size(), 1U);
}

TEST_F(Streams, SamplesAreThinnedAndKeepTheLast) {
  std::string lines;
  for (int i = 1; i <= 5'000; ++i) {
    lines += fmt::format(
        R"({{"t":{},"cpu_ms":1,"memory_bytes":2,"read_bytes":3,"write_bytes":4,"gpus":[]}})"
        "\n",
        i);
  }
  served.put_file(job, "attempt-1/rank-0.samples.jsonl", lines + "garbage\n");
  const auto answer = served.ask("ada", "GET", "/v1/jobs/1/samples");
  ASSERT_EQ(answer.body.at("points").as_array().size(), 2'000U);
  EXPECT_EQ(answer.body.at("points").as_array().back().at("t"), 5'000);
}

TEST_F(Streams, FilesAreListedAndFetchedInParts) {
  served.put_file(job, "outputs/a b/\xC3\xB6.pt", "0123456789");
  const auto list = served.ask("ada", "GET", "/v1/jobs/1/files");
  EXPECT_EQ(list.body.at("files").at(0).at("bytes"), 10);
  const std::string path = "/v1/jobs/1/files/outputs/a b/\xC3\xB6.pt";
  const auto whole = served.ask("ada", "GET", path);
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.text, "0123456789");
  EXPECT_EQ(whole.headers.at("content-disposition"), "attachment; filename*=UTF-8''%C3%B6.pt");
  EXPECT_EQ(served.ask("ada", "GET", path + "?offset=7").text, "789");
  const auto part = served.ask("ada", "GET", path, "", {{"range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.text, "234");
  EXPECT_EQ(part.headers.at("content-range"), "bytes 2-4/10");
  EXPECT_EQ(served.ask("ada", "GET", path, "", {{"range", "bytes=99-"}}).status, 416);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/files/../../secret").field(), "path");
  EXPECT_EQ(served.ask("ada", "GET", "/v1/jobs/1/files/none").status, 404);
}

TEST_F(Streams, EventsComeAsTheyHappenAndOnlyTheOwn) {
  int opened = 0;
  const auto mine = served.open("ada", "/v1/events/stream", opened);
  const auto theirs = served.open("carl", "/v1/events/stream?from=0", opened);
  ASSERT_EQ(opened, 101);
  const std::size_t old = theirs->texts.size();
  EXPECT_GT(old, 0U);
  served.end_ranks(job);
  ASSERT_FALSE(mine->texts.empty());
  std::set<std::string> types;
  for (const auto& each : mine->texts)
    types.insert(std::string(parsed(each).at("type").as_string()));
  EXPECT_TRUE(types.contains("JobEnded"));
  EXPECT_EQ(theirs->texts.size(), old);
  served.ask("root", "PATCH", "/v1/users/ada", R"({"enabled":false})");
  EXPECT_TRUE(mine->closed) << "whose rights are gone hears nothing more";
}

}  // namespace
}  // namespace api
