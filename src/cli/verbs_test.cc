#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "base/json.h"
#include "cli/fakes/scripted_environment.h"
#include "cli/run.h"
#include "cli/text/catalog.h"

namespace cli {
namespace {

constexpr std::int64_t kNine = 1'795'338'000'000;  // Sunday 2026-11-22 09:00 UTC.
constexpr std::int64_t kHour = 3'600'000;

class VerbsTest : public testing::Test {
 protected:
  VerbsTest() {
    world.variables = {{"BERTH_SERVER", "http://head:7070"}, {"BERTH_TOKEN", "secret-token"}};
  }
  int berth(std::vector<const char*> words) {
    words.insert(words.begin(), "berth");
    world.out.clear();
    world.error.clear();
    return run(static_cast<int>(words.size()), words.data(), world, extra);
  }
  const ports::HttpRequest& last() const { return world.server->requests.back(); }
  boost::json::value body() const {
    auto value = base::parse_json(last().body);
    return value ? *value : boost::json::value(nullptr);
  }
  bool says(std::string_view text) const { return world.out.contains(text); }
  bool complains(std::string_view text) const { return world.error.contains(text); }

  fakes::ScriptedEnvironment world;
  std::vector<ExtraVerb> extra;
};

std::string reserved_job() {
  return fmt::format(R"({{"id": 12, "name": "train", "user": "li", "team": "vision",
      "state": "reserved", "job_class": "reserved", "planned_start": {}, "planned_finish": {},
      "price": 3200000, "nodes": ["n1", "n2"], "text": "promised"}})",
                     kNine + kHour, kNine + 3 * kHour);
}

std::string refusal() {
  return fmt::format(R"({{"reason": "too_expensive", "blocking": [4, 9], "blocked_until": {0},
      "price": 3456789, "changes": [
        {{"max_price": 3456789, "offer": {{"pool": "a100", "start": {0}, "finish": {1},
                                          "price": 3456789, "nodes": []}}}},
        {{"deadline": {1}, "offer": {{"pool": "a100", "start": {0}, "finish": {1},
                                     "price": 1000000, "nodes": []}}}}],
      "cheaper": {{"pool": "a100", "start": {1}, "finish": {1}, "price": 900000, "nodes": []}}}})",
                     kNine + kHour, kNine + 30 * kHour + 1);
}

TEST_F(VerbsTest, SubmitSendsTheSpecAndPrintsWhatToDoNext) {
  world.server->on("POST", "/v1/jobs", R"({"jobs": [)" + reserved_job() + "]}", 201);
  world.variables["LEVEL"] = "high";
  EXPECT_EQ(berth({"submit",      "--gpus",   "A100:4",   "--ranks=2",
                   "-t",          "2h",       "--by",     "tomorrow 09:00",
                   "--max-price", "12.5",     "--env",    "A=b=c",
                   "--env",       "LEVEL",    "--output", "*.pt",
                   "--placement", "packed",   "--venv",   "venv",
                   "--framework", "pytorch",  "--",       "python",
                   "train.py",    "--epochs", "3"}),
            0);
  const auto sent = body();
  const auto& program = sent.at("spec").at("program");
  EXPECT_EQ(base::to_text(program.at("command")), R"(["python","train.py","--epochs","3"])");
  EXPECT_EQ(base::to_text(program.at("env")), R"({"A":"b=c","LEVEL":"high"})");
  EXPECT_EQ(program.at("workdir").as_string(), "/home/li/project");
  EXPECT_EQ(program.at("environment").at("venv").as_string(), "/home/li/project/venv");
  EXPECT_EQ(program.at("framework").as_string(), "pytorch");
  EXPECT_EQ(base::to_text(program.at("outputs")), R"(["*.pt"])");
  const auto& bid = sent.at("spec").at("bid");
  EXPECT_EQ(bid.at("job_class").as_string(), "reserved");
  EXPECT_EQ(bid.at("shape").at("ranks").as_int64(), 2);
  EXPECT_EQ(bid.at("shape").at("gpu_model").as_string(), "A100");
  EXPECT_EQ(bid.at("shape").at("per_rank").at("gpus").as_int64(), 4);
  EXPECT_EQ(bid.at("shape").at("placement").as_string(), "packed");
  EXPECT_EQ(bid.at("duration").as_int64(), 2 * kHour);
  EXPECT_EQ(bid.at("deadline").as_int64(), kNine + 24 * kHour);
  EXPECT_EQ(bid.at("max_price").as_int64(), 12'500'000);
  EXPECT_EQ(last().headers.at("authorization"), "Bearer secret-token");
  EXPECT_FALSE(last().headers.at("idempotency-key").empty());
  EXPECT_EQ(world.out,
            "job 12 (train) is reserved, planned today 10:00 to today 12:00, at most 3.20 credits\n"
            "\nNext:\n"
            "  berth job logs -f 12    # follow its log\n"
            "  berth why 12            # why it waits, and until when\n"
            "  berth job cancel 12     # stop it\n");
}

TEST_F(VerbsTest, SubmitReadsAJobFileAndOptionsOverrideIt) {
  world.files["/home/li/project/jobs/a.yaml"] =
      "command: [python, a.py]\nworkdir: src\nranks: 2\nduration: 3h\ncount: 4\n";
  world.server->on("POST", "/v1/jobs", R"({"jobs": [)" + reserved_job() + "]}", 201);
  EXPECT_EQ(berth({"submit", "jobs/a.yaml", "--ranks", "8"}), 0) << world.error;
  EXPECT_EQ(body().at("count").as_int64(), 4);
  EXPECT_EQ(body().at("spec").at("program").at("workdir").as_string(), "/home/li/project/jobs/src");
  EXPECT_EQ(body().at("spec").at("bid").at("shape").at("ranks").as_int64(), 8);
  EXPECT_EQ(body().at("spec").at("bid").at("duration").as_int64(), 3 * kHour);
  EXPECT_EQ(body().at("spec").at("bid").at("job_class").as_string(), "flex");
}

TEST_F(VerbsTest, MistakesAreNamedBeforeAnythingIsSent) {
  world.files["/home/li/project/a.yaml"] = "comand: a\n";
  EXPECT_EQ(berth({"submit", "a.yaml"}), 2);
  EXPECT_TRUE(complains("a.yaml: line 1: unknown key 'comand'; did you mean 'command'?"));
  EXPECT_EQ(berth({"submit", "--gpus", "A100:x", "--", "a"}), 2);
  EXPECT_TRUE(complains("--gpus: 'A100:x' is no number of GPUs"));
  EXPECT_EQ(berth({"submit"}), 2);
  EXPECT_TRUE(complains("there is no command"));
  EXPECT_EQ(berth({"run", "python"}), 2);
  EXPECT_TRUE(complains("berth run -- python"));
  EXPECT_EQ(berth({"submit", "--gpsu", "2", "--", "a"}), 2);
  EXPECT_TRUE(complains("there is no option --gpsu; did you mean --gpus?"));
  EXPECT_EQ(berth({"submit", "--gpus-per-rank", "2", "--", "a"}), 2);
  EXPECT_TRUE(complains("there is no option --gpus-per-rank; did you mean --gpus?"));
  EXPECT_EQ(berth({"submit", "--time", "2", "--", "a"}), 2);
  EXPECT_TRUE(complains("there is no option --time; did you mean --duration?"));  // Not --times.
  EXPECT_EQ(berth({"jobs", "--time", "2"}), 2);
  EXPECT_FALSE(complains("--duration"));  // It has no such option.
  EXPECT_EQ(berth({"submit", "-G", "2", "--", "a"}), 2);
  EXPECT_TRUE(complains("there is no option -G (see"));  // Not -h, which is as near as any.
  EXPECT_EQ(berth({"job", "show", "--bogus"}), 2);
  EXPECT_TRUE(complains("there is no option --bogus"));  // Before JOB, which is missing too.
  EXPECT_EQ(berth({"sumbit", "--", "a"}), 2);
  EXPECT_TRUE(complains("there is no verb 'sumbit'; did you mean 'submit'?"));
  EXPECT_EQ(berth({"job", "shwo", "1"}), 2);
  EXPECT_TRUE(complains("did you mean 'show'?"));
  EXPECT_EQ(berth({"logs", "7"}), 2);
  EXPECT_TRUE(complains("did you mean 'job logs'?"));
  EXPECT_EQ(berth({"job", "show", "seven"}), 2);
  EXPECT_EQ(berth({"submit", "--env", "NOT_SET", "--", "a"}), 2);
  EXPECT_EQ(berth({"submit", "--now", "--flex", "--", "a"}), 2);
  EXPECT_EQ(berth({"run", "--count", "2", "--", "a"}), 2);
  EXPECT_EQ(berth({"job", "show"}), 2);
  EXPECT_EQ(berth({}), 2);
  EXPECT_TRUE(world.server->requests.empty());
}

TEST_F(VerbsTest, ARefusalSaysWhatWouldBeAccepted) {
  world.server->on("POST", "/v1/jobs",
                   R"({"jobs": [{"id": 3, "state": "refused",
      "text": "costs more than you allow", "refusal": )" +
                       refusal() + "}]}");
  EXPECT_EQ(berth({"submit", "--max-price", "1", "--by=10h", "--name", "it's", "--token",
                   "hush-hush", "--", "echo", "a b"}),
            3);
  EXPECT_EQ(world.out,
            "Refused: the cheapest place costs more than the bid's limit\n"
            "In the way: job 4, 9, until today 10:00.\n"
            "This would be accepted:\n"
            "  berth submit --by=10h --name 'it'\\''s' --max-price 3.4568 -- echo 'a b'\n"
            "    pool a100: from today 10:00 to tomorrow 15:00, 3.4568 credits\n"
            "  berth submit --max-price 1 --name 'it'\\''s' --by 2026-11-23T15:01 -- echo 'a b'\n"
            "    pool a100: from today 10:00 to tomorrow 15:00, 1.00 credits\n"
            "Cheaper later: pool a100: from tomorrow 15:00 to tomorrow 15:00, 0.90 credits\n");
  EXPECT_EQ(berth({"submit", "--json", "--", "a"}), 3);
  const auto envelope = base::parse_json(world.out);
  ASSERT_TRUE(envelope) << world.out;
  EXPECT_FALSE(envelope->at("ok").as_bool());
  EXPECT_EQ(envelope->at("error").at("code").as_string(), "refused");
  EXPECT_EQ(envelope->at("error").at("jobs").at(0).at("id").as_int64(), 3);
}

TEST_F(VerbsTest, QuotePrintsTheOfferAndTheCommandThatTakesIt) {
  world.server->on("POST", "/v1/quotes",
                   fmt::format(R"({{"quote_id": "q1", "expires": {0}, "offer": {{"pool": "a100",
                      "start": {0}, "finish": {1}, "price": 3200000, "nodes": ["n1", "n2"]}},
                      "promised_finish": {1}, "firm_start": null, "cheaper": null, "text": ""}})",
                               kNine + kHour, kNine + 3 * kHour));
  EXPECT_EQ(berth({"quote", "--by", "6h", "--", "a"}), 0) << world.error;
  EXPECT_EQ(world.out,
            "planned start     today 10:00\n"
            "promised finish   today 12:00\n"
            "price             3.20 credits at most\n"
            "where             a100 (n1, n2)\n"
            "\nTo take it, until today 10:00:\n"
            "  berth submit --by 6h --quote-id q1 -- a\n");
  world.server->on("POST", "/v1/quotes", R"({"refusal": )" + refusal() + R"(, "text": ""})");
  world.server->answers[{"POST", "/v1/quotes"}].pop_front();
  EXPECT_EQ(berth({"quote", "--by", "6h", "--", "a"}), 3);
  EXPECT_TRUE(says("Refused: the cheapest place costs more than the bid's limit\n"));
}

TEST_F(VerbsTest, AtATerminalAPromiseWithoutALimitIsAskedAbout) {
  world.is_terminal = true;
  world.variables["NO_COLOR"] = "1";
  world.server
      ->on("POST", "/v1/quotes", R"({"quote_id": "q9", "offer": {"pool": "a", "price": 2000000}})")
      .on("POST", "/v1/jobs", R"({"jobs": [)" + reserved_job() + "]}");
  world.input = {"n"};
  EXPECT_EQ(berth({"submit", "--by", "6h", "--", "a"}), 130);
  EXPECT_TRUE(complains("Reserve it for at most 2.00 credits? [y/N]"));
  EXPECT_EQ(last().path, "/v1/quotes");
  world.input = {"y"};
  EXPECT_EQ(berth({"submit", "--by", "6h", "--", "a"}), 0);
  EXPECT_EQ(body().at("quote_id").as_string(), "q9");
  const std::size_t before = world.server->requests.size();
  EXPECT_EQ(berth({"submit", "--by", "6h", "--yes", "--", "a"}), 0);
  EXPECT_EQ(world.server->requests.size(), before + 1);
}

TEST_F(VerbsTest, ParentsAreSaidInTwoWays) {
  world.server->on("POST", "/v1/jobs", R"({"jobs": [)" + reserved_job() + "]}", 201);
  EXPECT_EQ(berth({"submit", "--after", "3-4", "--after-any=7", "--after-failure", "prep",
                   "--dependency=afterok:8:9,afternotok:10", "--", "a"}),
            0)
      << world.error;
  std::string after;
  for (const auto& each : body().at("spec").at("after").as_array()) {
    after += base::to_text(each) + " ";
  }
  EXPECT_EQ(after,
            R"({"job":3,"when":"success"} {"job":4,"when":"success"} {"job":7,"when":"any"} )"
            R"({"name":"prep","when":"failure"} {"job":8,"when":"success"} )"
            R"({"job":9,"when":"success"} {"job":10,"when":"failure"} )");
  EXPECT_EQ(berth({"submit", "--dependency=after:8", "--", "a"}), 2);
  EXPECT_TRUE(complains("afterok")) << world.error;
}

TEST_F(VerbsTest, AListOfJobsIsSentAsOne) {
  world.server->on("POST", "/v1/jobs",
                   R"({"jobs": [{"id": 1, "state": "refused", "text": "with the other",
                       "refusal": {"reason": "refused_together"}},
                      {"id": 2, "state": "refused", "text": "too large",
                       "refusal": {"reason": "larger_than_pool"}}]})");
  world.files["/home/li/dag.yaml"] =
      "jobs:\n- {name: prep, command: a}\n- {command: b, after: [{name: prep}]}\n";
  EXPECT_EQ(berth({"submit", "/home/li/dag.yaml"}), 3) << world.error;
  EXPECT_EQ(body().at("jobs").as_array().size(), 2U);
  EXPECT_TRUE(complains("too large") || says("too large")) << world.error << world.out;
  EXPECT_EQ(berth({"run", "/home/li/dag.yaml"}), 2);
  EXPECT_EQ(berth({"quote", "/home/li/dag.yaml"}), 2);
}

/// What POST /v1/jobs says of a job that comes after others.
std::string queued_after(const std::string& parents) {
  return R"({"jobs": [{"id": 12, "name": "b", "state": "queued", "waits_for": )" + parents + "}]}";
}

TEST_F(VerbsTest, WhatAJobComesAfterIsSaid) {
  world.server->on("POST", "/v1/jobs", queued_after("[7, 8]"), 201);
  EXPECT_EQ(berth({"submit", "--after", "prep", "--", "b"}), 0) << world.error;
  EXPECT_TRUE(says("job 12 (b) comes after 7, 8")) << world.out;
  EXPECT_EQ(berth({"submit", "--after", "prep", "--lang", "zh", "--", "b"}), 0) << world.error;
  EXPECT_TRUE(says(text::say(text::Language::zh, "submit.waits", {"12", "b", "7, 8"})));
}

TEST_F(VerbsTest, ThatWhatAJobComesAfterHasEndedIsSaid) {
  world.server->on("POST", "/v1/jobs", queued_after("[]"), 201);
  EXPECT_EQ(berth({"submit", "--after", "prep", "--", "b"}), 0) << world.error;
  EXPECT_TRUE(says("what it was to come after has ended already")) << world.out;
  EXPECT_EQ(berth({"submit", "--", "b"}), 0) << world.error;
  EXPECT_FALSE(says("come after")) << world.out;
}

TEST_F(VerbsTest, ASeriesIsCancelledWhole) {
  world.server->on("POST", "/v1/jobs/12/cancel", reserved_job());
  EXPECT_EQ(berth({"job", "cancel", "12", "--series"}), 0) << world.error;
  EXPECT_EQ(body().at("series"), true);
  EXPECT_TRUE(says("together with job 12")) << world.out;
}

TEST_F(VerbsTest, AQuoteShowsWhatEachBidWouldGet) {
  world.server->on("POST", "/v1/quotes",
                   R"({"quote_id": "q1", "expires": 1, "offer": {"pool": "a100", "start": 1,
                       "finish": 2, "price": 2000000, "nodes": ["n1"]}, "text": "",
                       "choice": {"taken": 1, "options": [{"refused": "no_free_window"},
                                                           {"price": 2000000}]}})");
  EXPECT_EQ(berth({"quote", "--", "a"}), 0) << world.error;
  EXPECT_TRUE(says("bid 1: at no time in the window is enough free")) << world.out;
  EXPECT_TRUE(says("bid 2: 2.00 credits (taken)")) << world.out;
}

TEST_F(VerbsTest, ARefusedJobIsShownWithWhatToChange) {
  world.server->on("GET", "/v1/jobs/12",
                   R"({"id": 12, "name": "a", "state": "refused", "text": "",
                                             "refusal": )" +
                       refusal() + "}");
  EXPECT_EQ(berth({"job", "show", "12"}), 0) << world.error;
  EXPECT_TRUE(says("\n  --max-price ")) << world.out;
  EXPECT_FALSE(says("berth job show")) << world.out;
}

TEST_F(VerbsTest, AQuoteIsTakenWhateverStandsBeforeTheVerb) {
  world.server->on("POST", "/v1/quotes",
                   R"({"quote_id": "q1", "expires": 1, "offer": {"pool": "a", "price": 1}})");
  EXPECT_EQ(berth({"--lang", "en", "quote", "--", "a"}), 0) << world.error;
  EXPECT_TRUE(says("berth --lang en submit --quote-id q1 -- a")) << world.out;
}

TEST_F(VerbsTest, JobsAreATableInBothLanguages) {
  world.server->on("GET", "/v1/jobs", R"({"jobs": [)" + reserved_job() + R"(], "next": 0})");
  EXPECT_EQ(berth({"jobs", "--all", "--user", "li"}), 0);
  EXPECT_EQ(last().query.at("state"), "all");
  EXPECT_EQ(last().query.at("user"), "li");
  EXPECT_EQ(world.out,
            "ID  NAME   USER  STATE     CLASS     START  FINISH  PRICE  NODES\n"
            "12  train  li    reserved  reserved  10:00  12:00    3.20  n1,n2\n");
  EXPECT_EQ(berth({"jobs", "--lang", "zh"}), 0);
  EXPECT_FALSE(says("STATE"));
  EXPECT_EQ(last().headers.at("accept-language"), "zh");
  EXPECT_EQ(berth({"jobs", "--json"}), 0);
  EXPECT_TRUE(world.out.starts_with(R"({"ok":true,"data":{"jobs":[{"id":12)"));
}

TEST_F(VerbsTest, OneJobIsShownAndChanged) {
  world.server->on("GET", "/v1/jobs/12", reserved_job())
      .on("POST", "/v1/jobs/12/cancel", R"({"id": 12, "state": "cancelled"})")
      .on("POST", "/v1/jobs/12/extend", reserved_job())
      .on("GET", "/v1/jobs/12/why",
          R"({"job": 12, "state": "reserved", "text": "it starts later",
              "blocking": [{"job": 4, "until": 1795341600000, "text": ""}, {"text": "job 5 runs"}],
              "expected_start": 1795341600000, "until": 0, "would_help": ["fewer ranks"]})");
  EXPECT_EQ(berth({"job", "show", "12"}), 0);
  EXPECT_TRUE(says("Job 12 (train): reserved\npromised\n"));
  EXPECT_TRUE(says("3.20 at most, 0.00 held, 0.00 paid"));
  EXPECT_EQ(berth({"job", "cancel", "12"}), 0);
  EXPECT_EQ(world.out, "job 12 was cancelled\n");
  EXPECT_EQ(berth({"job", "extend", "12", "90m", "--max-price", "2"}), 0);
  EXPECT_EQ(last().body, R"({"duration":5400000,"max_price":2000000})");
  EXPECT_EQ(berth({"why", "12"}), 0);
  EXPECT_EQ(world.out,
            "job 12 is reserved\nit starts later\n  - job 4, until today 10:00\n  - job 5 runs\n"
            "Expected start: today 10:00\nWhat would help:\n  - fewer ranks\n");
}

TEST_F(VerbsTest, ErrorsBecomeExitCodes) {
  const std::vector<std::tuple<int, const char*, int>> cases{
      {400, "invalid_argument", 2},   {401, "unauthenticated", 5},  {403, "permission_denied", 5},
      {404, "not_found", 4},          {409, "conflict", 6},         {410, "gone", 6},
      {429, "resource_exhausted", 8}, {500, "internal", 9},         {500, "data_loss", 9},
      {503, "unavailable", 7},        {504, "deadline_exceeded", 7}};
  for (const auto& [http, code, status] : cases) {
    world.server->answers.clear();
    const std::string text =
        fmt::format(R"({{"error": {{"code": "{}", "message": "because {}"}}}})", code, code);
    world.server->on("GET", "/v1/jobs/1", text, http);
    EXPECT_EQ(berth({"job", "show", "1"}), status) << code;
    EXPECT_TRUE(complains(fmt::format("because {}", code))) << world.error;
    EXPECT_EQ(berth({"job", "show", "1", "--json"}), status);
    const auto envelope = base::parse_json(world.out);
    ASSERT_TRUE(envelope) << world.out;
    EXPECT_EQ(envelope->at("error").at("code").as_string(), code);
  }
  world.server->answers.clear();
  world.server->on("GET", "/v1/jobs/1", "<html>", 502);
  EXPECT_EQ(berth({"job", "show", "1"}), 7);
  world.server->answers.clear();
  world.server->on("GET", "/v1/jobs/1", "<html>");
  EXPECT_EQ(berth({"job", "show", "1"}), 9);
}

TEST_F(VerbsTest, WhatIsNotReachedIsAskedAgainWithTheSameKey) {
  world.server->breaks("POST", "/v1/jobs/1/cancel")
      .on("POST", "/v1/jobs/1/cancel", "{}", 503)
      .on("POST", "/v1/jobs/1/cancel", R"({"id": 1, "state": "cancelled"})");
  EXPECT_EQ(berth({"job", "cancel", "1"}), 0);
  ASSERT_EQ(world.server->requests.size(), 3U);
  for (const auto& request : world.server->requests) {
    EXPECT_EQ(request.headers.at("idempotency-key"),
              world.server->requests.front().headers.at("idempotency-key"));
  }
  EXPECT_GT(world.clock.ms, kNine);
  EXPECT_TRUE(world.error.ends_with("connection lost; trying again\n"));
}

TEST_F(VerbsTest, NodesAreShownAndChanged) {
  world.server
      ->on("GET", "/v1/nodes", R"({"nodes": [{"name": "n1", "pool": "a100",
      "gpu_model": "A100", "state": "draining", "cause": "new disk", "simulated": true,
      "capacity": {"gpus": 8, "cpu_millis": 64000, "memory_bytes": 549755813888},
      "in_use": {"gpus": 2, "cpu_millis": 1500, "memory_bytes": 0}, "sample": null}]})")
      .on("POST", "/v1/nodes/n1/drain", R"({"name": "n1", "state": "draining"})")
      .on("POST", "/v1/nodes/n1/resume", R"({"name": "n1", "state": "ready"})")
      .on("DELETE", "/v1/nodes/n1", "{}")
      .on("POST", "/v1/join-tokens", R"({"id": "j", "token": "t", "expires": 1795341600000,
                                         "command": "berth agent --join t"})");
  EXPECT_EQ(berth({"nodes"}), 0);
  EXPECT_EQ(world.out,
            "NODE  POOL  STATE     GPUS  MODEL              CORES   MEMORY  CAUSE\n"
            "n1    a100  draining   2/8  A100 (simulated)  1.5/64  512 GiB  new disk\n");
  EXPECT_EQ(berth({"node", "drain", "n1", "--cause", "new disk"}), 0);
  EXPECT_EQ(last().body, R"({"cause":"new disk"})");
  EXPECT_EQ(berth({"node", "resume", "n1"}), 0);
  EXPECT_EQ(world.out, "node n1 is ready\n");
  EXPECT_EQ(berth({"node", "remove", "n1"}), 2) << "nobody can be asked";
  EXPECT_EQ(berth({"node", "remove", "n1", "--yes"}), 0);
  EXPECT_EQ(last().method, "DELETE");
  EXPECT_EQ(berth({"node", "token", "--hours", "2"}), 0);
  EXPECT_EQ(last().body, R"({"hours":2})");
  EXPECT_TRUE(says("  berth agent --join t\n"));
  EXPECT_EQ(berth({"node", "drain", ".."}), 2);
}

TEST_F(VerbsTest, JoinTokensAreMadeListedAndRevoked) {
  world.server
      ->on("POST", "/v1/join-tokens", R"({"id": "j", "token": "t", "expires": 1795341600000,
           "command": "echo t | berth agent", "note": "Only this machine."})")
      .on("GET", "/v1/join-tokens", R"({"join_tokens": [{"id": "j", "expires": 1795341600000}]})")
      .on("GET", "/v1/join-tokens", R"({"join_tokens": []})")
      .on("DELETE", "/v1/join-tokens/j", "{}");
  EXPECT_EQ(berth({"node", "token"}), 0);
  EXPECT_EQ(world.out,
            "Run this on the new node, until today 10:00:\n\n  echo t | berth agent\n\n"
            "Only this machine.\n");
  EXPECT_EQ(berth({"node", "token", "list"}), 0);
  EXPECT_EQ(world.out, "ID  EXPIRES\nj   today 10:00\n");
  EXPECT_EQ(berth({"node", "token", "list"}), 0);
  EXPECT_TRUE(says("No token lets a machine join now."));
  EXPECT_EQ(berth({"node", "token", "revoke"}), 2);
  EXPECT_TRUE(complains("ID is missing (see: berth node token revoke --help)"));
  EXPECT_EQ(berth({"node", "token", "revoke", "j", "--yes"}), 0);
  EXPECT_EQ(last().method, "DELETE");
  EXPECT_EQ(world.out, "token j lets no machine join any more\n");
}

TEST_F(VerbsTest, AWindowThatIsTooShortIsABidThatIsRefused) {
  const std::string no = R"({"reason": "window_too_short", "changes": []})";
  world.server->on("POST", "/v1/quotes", R"({"quote_id": "", "expires": 0, "refusal": )" + no + "}")
      .on("POST", "/v1/jobs", R"({"jobs": [{"id": 3, "state": "refused", "refusal": )" + no + "}]}")
      .on("POST", "/v1/jobs",
          R"({"jobs": [{"id": 4, "state": "refused", "refusal": )" + no + "}]}");
  for (const char* verb : {"quote", "submit", "run"}) {
    EXPECT_EQ(berth({verb, "--by", "30m", "-t", "1h", "--", "a"}), 3) << verb << world.error;
    EXPECT_TRUE(says("Refused: the duration does not fit between the earliest start and the"))
        << world.out;
  }
}

TEST_F(VerbsTest, MessagesAreBrokenAtWordsOnATerminal) {
  world.variables.clear();
  world.is_terminal = true;
  world.columns = 60;
  world.variables["NO_COLOR"] = "1";
  EXPECT_EQ(berth({"jobs"}), 2);
  EXPECT_EQ(world.error,
            "berth: which controller? `berth up` starts one on this\n"
            "machine; for another run `berth login URL`, set BERTH_SERVER\n"
            "or give --server\n");
}

TEST_F(VerbsTest, AnAttemptThatThereIsNotIsNotAnEmptyLog) {
  world.server->on("GET", "/v1/jobs/7",
                   R"({"id": 7, "state": "failed", "attempts": [{"number": 1}]})");
  EXPECT_EQ(berth({"job", "logs", "7", "--attempt", "4"}), 4);
  EXPECT_TRUE(complains("job 7 has no attempt 4"));
}

TEST_F(VerbsTest, TheCalendarShowsWhatIsFree) {
  world.server->on("GET", "/v1/calendar",
                   fmt::format(R"({{"hours": [
      {{"pool": "a100", "from": {}, "capacity_gpus": 8, "free_gpus": 3,
        "capacity_cpu_millis": 64000,
        "free_cpu_millis": 500, "next_gpu_hour": 1500000, "next_core_hour": 50000}},
      {{"pool": "cpu", "from": {}, "capacity_gpus": 0, "free_gpus": 0}}]}})",
                               kNine, kNine));
  EXPECT_EQ(berth({"calendar", "--hours", "2", "--from", "today 09:00", "--pool", "a100"}), 0);
  EXPECT_EQ(last().query.at("hours"), "2");
  EXPECT_EQ(last().query.at("from"), std::to_string(kNine));
  EXPECT_EQ(world.out,
            "POOL  FROM         UNTIL        FREE GPUS  FREE CORES  GPU-HOUR  CORE-HOUR\n"
            "a100  today 09:00  today 10:00        3/8      0.5/64      1.50       0.05\n");
}

TEST_F(VerbsTest, HelpFitsTheTerminal) {
  world.is_terminal = true;
  for (const int columns : {60, 80}) {
    world.columns = columns;
    ASSERT_EQ(berth({"run", "--help"}), 0);
    std::istringstream lines(world.out.substr(0, world.out.find("\nExamples:")));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), static_cast<std::size_t>(columns)) << line;
    }
  }
}

TEST_F(VerbsTest, HoursInWhichNothingChangesShareALine) {
  std::string hours;
  std::int64_t from = kNine - domain::kHour.ms;
  for (const int free : {3, 3, 1, 3}) {
    from += domain::kHour.ms;
    hours += fmt::format(R"({}{{"pool": "a100", "from": {}, "capacity_gpus": 8, "free_gpus": {}}})",
                         hours.empty() ? "" : ",", from, free);
  }
  world.server->on("GET", "/v1/calendar", R"({"hours": [)" + hours + "]}");
  EXPECT_EQ(berth({"calendar"}), 0);
  EXPECT_EQ(std::ranges::count(world.out, '\n'), 4) << world.out;
  EXPECT_TRUE(says("today 09:00  today 11:00        3/8"));
  EXPECT_TRUE(says("today 11:00  today 12:00        1/8"));
}

TEST_F(VerbsTest, PeopleAreShownAndChanged) {
  world.server
      ->on("GET", "/v1/teams", R"({"teams": [{"team": "vision", "balance": 5000000,
                                           "held": 1000000, "members": ["li", "wang"]}]})")
      .on("POST", "/v1/teams", R"({"team": "audio"})", 201)
      .on("GET", "/v1/users", R"({"users": [{"user": "li", "team": "vision", "role": "admin"}]})")
      .on("POST", "/v1/users", R"({"user": "wu"})", 201)
      .on("GET", "/v1/me", R"({"user": "li", "team": "vision", "role": "admin"})")
      .on("PATCH", "/v1/users/li", "{}")
      .on("GET", "/v1/tokens", R"({"tokens": [{"id": "t1", "name": "ci", "user": "li"}]})")
      .on("POST", "/v1/tokens", R"({"id": "t2", "token": "berth_abc"})", 201)
      .on("DELETE", "/v1/tokens/t2", "{}");
  EXPECT_EQ(berth({"teams"}), 0);
  EXPECT_EQ(world.out,
            "TEAM    BALANCE  HELD  SHARE  GPU-HOURS  QUOTA  MEMBERS\n"
            "vision     5.00  1.00      1        0.0         li, wang\n");
  EXPECT_EQ(berth({"team", "add", "audio"}), 0);
  EXPECT_EQ(last().body, R"({"team":"audio"})");
  EXPECT_EQ(berth({"users"}), 0);
  EXPECT_TRUE(says("li    vision  admin  yes"));
  EXPECT_EQ(berth({"users", "list"}), 0);
  world.input = {"pass-word"};
  EXPECT_EQ(berth({"users", "add", "wu", "--team", "vision", "--password-stdin"}), 0);
  EXPECT_EQ(last().body, R"({"user":"wu","team":"vision","role":"member","password":"pass-word"})");
  EXPECT_EQ(berth({"users", "add", "wu", "--team", "vision"}), 2) << "no terminal to ask at";
  world.input = {"new-word"};
  EXPECT_EQ(berth({"users", "passwd", "--password-stdin"}), 0);
  EXPECT_EQ(last().path, "/v1/users/li");
  EXPECT_EQ(last().body, R"({"password":"new-word"})");
  EXPECT_EQ(berth({"tokens"}), 0);
  EXPECT_EQ(berth({"tokens", "create", "laptop", "--days", "90"}), 0);
  EXPECT_EQ(last().body, R"({"name":"laptop","days":90})");
  EXPECT_EQ(world.out, "berth_abc\n");
  EXPECT_EQ(berth({"tokens", "revoke", "t2", "-y"}), 0);
  EXPECT_EQ(last().method, "DELETE");
}

TEST_F(VerbsTest, MoneyIsShownAndGranted) {
  world.server->on("POST", "/v1/teams/vision/grants", R"({"team": "vision", "balance": 12500000})")
      .on("GET", "/v1/me", R"({"user": "li", "team": "vision", "role": "member"})")
      .on("GET", "/v1/teams/vision/statement", R"({"team": "vision", "balance": 9300000,
          "held": 3200000, "lines": [
          {"at": 1795338000000, "from": "grants", "to": "team:vision", "amount": 12500000,
           "why": "grant", "job": 0, "balance": 12500000},
          {"at": 1795338000000, "from": "team:vision", "to": "hold:12", "amount": 3200000,
           "why": "hold", "job": 12, "balance": 9300000}]})")
      .on("GET", "/v1/prices", R"({"gpu_hour": {"": 1000000, "a100": 2000000}, "core_hour": 50000,
          "eager_permille": 1000, "firm_permille": 1100, "flex_permille": 300,
          "curve": [{"fullness_permille": 500, "rate_permille": 1500}],
          "floor_permille": 250})")
      .on("PUT", "/v1/prices", R"({"gpu_hour": {}, "core_hour": 1})");
  EXPECT_EQ(berth({"grant", "vision", "12.5"}), 0);
  EXPECT_EQ(last().body, R"({"credits_micros":12500000})");
  EXPECT_EQ(world.out, "team vision got 12.50 credits and has 12.50\n");
  EXPECT_EQ(berth({"statement"}), 0);
  EXPECT_EQ(world.out,
            "Team vision: 9.30 credits, 3.20 held\n"
            "TIME         WHY    JOB  AMOUNT  BALANCE\n"
            "today 09:00  grant        12.50    12.50\n"
            "today 09:00  hold    12   -3.20     9.30\n");
  EXPECT_EQ(berth({"prices"}), 0);
  EXPECT_TRUE(says("GPU a100        2.00\n"));
  EXPECT_TRUE(
      says("eager x1, firm start x1.1, flex x0.3\nfrom 50% full on: x1.5\n"
           "Once demand is forecast it makes the price, from x0.25 on.\n"));
  world.files["/home/li/project/p.json"] = R"({"core_hour": 1})";
  EXPECT_EQ(berth({"prices", "--set", "p.json"}), 0);
  EXPECT_EQ(last().body, R"({"core_hour":1})");
  EXPECT_EQ(berth({"grant", "vision", "-5"}), 2);
}

TEST_F(VerbsTest, FilesAreFetchedInPiecesAndStayInTheFolder) {
  world.server
      ->on("GET", "/v1/jobs/7/files", R"({"files": [{"path": "out/model.pt", "bytes": 6},
                                                     {"path": "empty", "bytes": 0}]})")
      .on("GET", "/v1/jobs/7/files/out/model.pt", "abc")
      .on("GET", "/v1/jobs/7/files/out/model.pt", "def")
      .on("GET", "/v1/jobs/7/files/empty", "");
  EXPECT_EQ(berth({"job", "files", "7"}), 0);
  EXPECT_TRUE(says("out/model.pt"));
  EXPECT_EQ(berth({"job", "get", "7", "--to", "results"}), 0) << world.error;
  EXPECT_EQ(world.files["/home/li/project/results/out/model.pt"], "abcdef");
  EXPECT_TRUE(world.files.contains("/home/li/project/results/empty"));
  EXPECT_EQ(berth({"job", "get", "7", "no-such-file"}), 4);

  world.server->answers.clear();
  world.server
      ->on("GET", "/v1/jobs/7/files", R"({"files": [{"path": "../../.ssh/x", "bytes": 1}]})")
      .on("GET", "/v1/jobs/7/files/../../.ssh/x", "!");
  const std::size_t before = world.files.size();
  EXPECT_EQ(berth({"job", "get", "7"}), 9);
  EXPECT_EQ(world.files.size(), before);
}

TEST_F(VerbsTest, MetricsAndEventsAreShown) {
  world.server
      ->on("GET", "/v1/jobs/7/metrics", R"({"points": [{"t": 1795338000000, "attempt": 1, "rank": 0,
           "step": 20, "values": {"loss": 0.25, "lr": 0.001}}], "next": 2})")
      .on("GET", "/v1/events", R"({"events": [{"position": 5, "at": 1795338000000, "by": "li",
           "type": "JobBid", "job": 7, "body": {}}]})")
      .streams("/v1/events/stream",
               {R"({"position": 6, "at": 1795338000000, "by": "li", "type": "JobEnded"})", ""});
  EXPECT_EQ(berth({"job", "metrics", "7"}), 0);
  EXPECT_TRUE(says("loss   0.25\n")) << world.out;
  EXPECT_EQ(berth({"events"}), 0);
  EXPECT_EQ(world.out, "     5  today 09:00  li        JobBid job=7\n");
  world.interrupted = [&] { return world.out.contains("JobEnded") ? 1 : 0; };
  EXPECT_EQ(berth({"events", "-f", "--from", "6"}), 130);
  EXPECT_EQ(last().query.at("from"), "6");
}

TEST_F(VerbsTest, LoginKeepsServerAndTokenWhereOnlyTheOwnerReads) {
  world.variables = {{"HOME", "/home/li"}};
  world.files["/home/li/project/head.pem"] = "-----BEGIN CERTIFICATE-----\nAA\n";
  world.server
      ->on("POST", "/v1/login", R"({"token": "berth_xyz", "user": "li", "team": "vision",
                                            "role": "member", "expires": 0})")
      .on("GET", "/v1/me", R"({"user": "li", "team": "vision", "role": "member"})");
  world.input = {"pass-word"};
  EXPECT_EQ(berth({"login", "head:7070", "--user", "li", "--ca", "head.pem", "--password-stdin"}),
            0)
      << world.error;
  EXPECT_EQ(world.out, "You are li of team vision at https://head:7070.\n");
  EXPECT_EQ(last().body, R"({"user":"li","password":"pass-word"})");
  const std::string path = "/home/li/.config/berth/config.yaml";
  EXPECT_EQ(world.private_files, std::vector<std::string>{path});
  EXPECT_TRUE(world.files[path].contains("berth_xyz"));

  EXPECT_EQ(berth({"whoami"}), 0);
  EXPECT_EQ(world.out, "li of team vision, member\n");
  EXPECT_EQ(last().headers.at("authorization"), "Bearer berth_xyz");
  EXPECT_EQ(world.connected.back(),
            (ServerAddress{"https://head:7070", "-----BEGIN CERTIFICATE-----\nAA\n"}));

  // Another server gets neither the token nor the trust.
  EXPECT_EQ(berth({"whoami", "--server", "https://elsewhere"}), 0);
  EXPECT_FALSE(last().headers.contains("authorization"));
  EXPECT_EQ(world.connected.back(), (ServerAddress{"https://elsewhere", ""}));
}

TEST_F(VerbsTest, NoSecretIsEverPrinted) {
  const std::string answer =
      R"({"error": {"code": "unauthenticated", "message": "secret-token is wrong"}})";
  world.server->on("GET", "/v1/me", answer, 401);
  EXPECT_EQ(berth({"whoami"}), 5);
  EXPECT_FALSE(complains("secret-token"));
  EXPECT_TRUE(complains("Sign in with: berth login"));
  EXPECT_EQ(berth({"whoami", "--json"}), 5);
  EXPECT_FALSE(says("secret-token"));
  EXPECT_EQ(berth({"whoami", "--tokne", "oops-a-secret"}), 2);
  EXPECT_FALSE(complains("oops-a-secret"));
  EXPECT_TRUE(complains("did you mean --token?"));
  world.variables = {{"BERTH_CONFIG", "/c.yaml"}};
  world.files["/c.yaml"] = "token: [hidden-secret\n";
  EXPECT_EQ(berth({"whoami"}), 2);
  EXPECT_FALSE(complains("hidden-secret"));
}

TEST_F(VerbsTest, WithoutAServerItSaysHowToNameOne) {
  world.variables.clear();
  EXPECT_EQ(berth({"jobs"}), 2);
  EXPECT_TRUE(complains("berth login URL"));
  EXPECT_EQ(berth({"version"}), 0);
  EXPECT_EQ(world.out, "berth 0.1.0\n");
}

TEST_F(VerbsTest, EveryVerbHasHelpInBothLanguages) {
  const std::vector<std::vector<const char*>> verbs{{"quote"},
                                                    {"submit"},
                                                    {"run"},
                                                    {"jobs"},
                                                    {"job", "show"},
                                                    {"job", "logs"},
                                                    {"job", "cancel"},
                                                    {"job", "extend"},
                                                    {"job", "metrics"},
                                                    {"job", "files"},
                                                    {"job", "get"},
                                                    {"why"},
                                                    {"nodes"},
                                                    {"node", "drain"},
                                                    {"node", "resume"},
                                                    {"node", "remove"},
                                                    {"node", "close"},
                                                    {"node", "closures"},
                                                    {"node", "open"},
                                                    {"node", "token"},
                                                    {"node", "token", "list"},
                                                    {"node", "token", "revoke"},
                                                    {"calendar"},
                                                    {"teams"},
                                                    {"team", "add"},
                                                    {"users"},
                                                    {"users", "add"},
                                                    {"users", "passwd"},
                                                    {"tokens"},
                                                    {"tokens", "create"},
                                                    {"tokens", "revoke"},
                                                    {"grant"},
                                                    {"statement"},
                                                    {"prices"},
                                                    {"login"},
                                                    {"whoami"},
                                                    {"events"},
                                                    {"version"},
                                                    {"help"},
                                                    {"completion"}};
  for (std::vector<const char*> words : verbs) {
    words.push_back("--help");
    EXPECT_EQ(berth(words), 0);
    EXPECT_TRUE(says("Usage: berth ")) << words[0];
    EXPECT_TRUE(says("Examples:\n  ")) << words[0];
    EXPECT_TRUE(says("--json")) << words[0];
    EXPECT_TRUE(says("  --lang en|zh  ")) << words[0];
    EXPECT_EQ(world.out.find("--help"), world.out.rfind("--help")) << words[0];
    const std::string english = world.out;
    world.variables["LC_ALL"] = "zh_CN.UTF-8";
    EXPECT_EQ(berth(words), 0);
    EXPECT_NE(world.out, english) << words[0];
    world.variables.erase("LC_ALL");
    words.pop_back();
    words.insert(words.begin(), "help");
    EXPECT_EQ(berth(words), 0);
    EXPECT_EQ(world.out, english) << words[1];
  }
}

TEST_F(VerbsTest, HelpListsExitCodesAndVerbsMadeElsewhere) {
  std::vector<std::string> got;
  extra.push_back({"up", "Start a cluster.", "-", [&](const std::vector<std::string>& words) {
                     got = words;
                     return 42;
                   }});
  EXPECT_EQ(berth({"--help"}), 0);
  EXPECT_TRUE(says("Start a cluster."));
  EXPECT_EQ(berth({"--lang", "en", "up", "--port", "1", "--", "x"}), 42);
  EXPECT_EQ(got, (std::vector<std::string>{"--port", "1", "--", "x"}));
  EXPECT_EQ(berth({"help", "exit-codes"}), 0);
  for (const char* row :
       {"    0  ok", "    3  refused", "    7  unavailable", "  130  interrupted"}) {
    EXPECT_TRUE(says(row)) << row;
  }
}

TEST_F(VerbsTest, CompletionKnowsVerbsAndOptions) {
  EXPECT_EQ(berth({"completion", "bash"}), 0);
  EXPECT_TRUE(says("complete -o default -F _berth berth"));
  EXPECT_TRUE(says("'job logs') words='"));
  EXPECT_TRUE(says("    'run' | 'run '*) words='"));
  EXPECT_TRUE(says("--all-ranks"));
  EXPECT_EQ(berth({"completion", "zsh"}), 0);
  EXPECT_TRUE(world.out.starts_with("#compdef berth\n"));
  EXPECT_EQ(berth({"completion", "fish"}), 2);
}

TEST_F(VerbsTest, ColoursOnlyAtATerminalThatWantsThem) {
  world.server->on("GET", "/v1/jobs", R"({"jobs": [)" + reserved_job() + "]}");
  world.is_terminal = true;
  EXPECT_EQ(berth({"jobs"}), 0);
  EXPECT_TRUE(says("\x1b["));
  world.variables["NO_COLOR"] = "1";
  EXPECT_EQ(berth({"jobs"}), 0);
  EXPECT_FALSE(says("\x1b["));
}

}  // namespace
}  // namespace cli
