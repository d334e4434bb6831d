#include "cli/job_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/json.h"
#include "cli/job_body.h"

namespace cli {
namespace {

Here here() {
  return {domain::Time{1'795'338'000'000}, [](domain::Time) { return domain::Duration{0}; }};
}

base::Result<JobRequest> parse(std::string_view yaml) {
  return parse_job_file(yaml, "/jobs/digits", here());
}

std::string error_of(std::string_view yaml) {
  const auto request = parse(yaml);
  return request ? "no error" : request.error().message;
}

boost::json::object schema() {
  const char* root = std::getenv("BERTH_SOURCE_DIR");
  std::ifstream file(std::string(root ? root : ".") + "/contracts/job.schema.json");
  std::stringstream text;
  text << file.rdbuf();
  auto value = base::parse_json(text.str());
  return value ? value->as_object() : boost::json::object();
}

domain::Widths widths_in(std::string_view elastic) {
  const auto request =
      parse(fmt::format("{{command: a, by: 2d, preemptible: 2m, ranks: 2, elastic: {}}}", elastic));
  EXPECT_TRUE(request) << request.error().message;
  return request ? bid_of(*request).widths : domain::Widths();
}

TEST(JobFile, ElasticIsSaidInThreeWays) {
  const domain::Widths three{{1, 1'000}, {2, 1'900}, {4, 3'500}};
  EXPECT_EQ(widths_in("'1:1,2:1.9,4:3.5'"), three);
  EXPECT_EQ(widths_in("{speed: {1: 1, 2: 1.9, 4: 3.5}}"), three);
  EXPECT_EQ(widths_in("{min: 2, speed: {1: 1, 2: 1.9, 4: 3.5}}").size(), 2U);
  EXPECT_EQ(widths_in("1..4"), (domain::Widths{{1, 1'000}, {2, 1'800}, {4, 3'240}}));
  EXPECT_EQ(widths_in("{min: 1, max: 4, speed: 1.9}"),
            (domain::Widths{{1, 1'000}, {2, 1'900}, {4, 3'610}}));
  const auto says = [](const std::string& yaml, const std::string& what) {
    EXPECT_NE(error_of(yaml).find(what), std::string::npos) << yaml << ": " << error_of(yaml);
  };
  says("elastic: {max: 4, sped: 1.9}", "did you mean 'speed'?");
  says("elastic: {max: 4, q: 1.9}", "known are min, max, speed");
  says("elastic: {speed: [1]}", "expected one value");
  says("elastic: {speed: {1: fast}}", "ranks:speed");
  says("elastic: many", "write 1..8");
  says("elastic: [1]", "expected 1..8");
}

TEST(JobFile, ElasticNeedsADeadlineAndWhatAChangeTakes) {
  const auto error_in = [](std::string_view yaml) {
    const auto spec = to_spec(*parse(yaml), "/jobs", here().now);
    return spec ? std::string("no error") : spec.error().field + ": " + spec.error().message;
  };
  EXPECT_TRUE(error_in("{command: a, by: 2d, elastic: 1..4}").starts_with("elastic: say what"));
  EXPECT_NE(error_in("{command: a, preemptible: 1m, elastic: 1..4}").find("by when"),
            std::string::npos);
  EXPECT_NE(
      error_in("{command: a, by: 2d, preemptible: 1m, ranks: 8, elastic: 1..4}").find("ranks is 8"),
      std::string::npos);
  const auto fewest = parse("{command: a, by: 2d, preemptible: 1m, elastic: 2..4}");
  EXPECT_EQ(bid_of(*fewest).shape.ranks, 2) << "the duration is said for the fewest";
}

TEST(JobFile, EveryKeyIsRead) {
  const auto request = parse(R"(
name: digits
command: [python, train.py, --epochs, "3"]
workdir: src/./train
env: {OMP_NUM_THREADS: 4, EMPTY: ""}
venv: ../venv
framework: pytorch
ranks: 2
gpus: A100:4
cores: 0.5
memory: 2GiB
pool: a100
placement: packed
duration: 1-12:00
by: 3d
after: 1h
class: reserved
max_price: 12.5
retries: 0
grace: 1m
outputs: ["*.pt", logs/*]
count: 3
)");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->name, "digits");
  EXPECT_EQ(request->command, (std::vector<std::string>{"python", "train.py", "--epochs", "3"}));
  EXPECT_EQ(request->workdir, "/jobs/digits/src/train");
  EXPECT_EQ(request->env.at("OMP_NUM_THREADS"), "4");
  EXPECT_EQ(request->env.at("EMPTY"), "");
  EXPECT_EQ(request->venv, "/jobs/digits/../venv");
  EXPECT_EQ(request->framework, domain::Framework::pytorch);
  EXPECT_EQ(request->ranks, 2);
  EXPECT_EQ(request->gpus, (GpuWish{4, "A100"}));
  EXPECT_EQ(request->cpu_millis, 500);
  EXPECT_EQ(request->memory_bytes, std::int64_t{2} << 30);
  EXPECT_EQ(request->pool, "a100");
  EXPECT_EQ(request->placement, domain::Placement::packed);
  EXPECT_EQ(request->duration, domain::kHour * 36);
  EXPECT_EQ(request->by, here().now + domain::kDay * 3);
  EXPECT_EQ(request->after, here().now + domain::kHour);
  EXPECT_EQ(request->job_class, domain::JobClass::reserved);
  EXPECT_EQ(request->max_price, domain::Money{12'500'000});
  EXPECT_EQ(request->retries, 0);
  EXPECT_EQ(request->grace, domain::kMinute);
  EXPECT_EQ(request->outputs, (std::vector<std::string>{"*.pt", "logs/*"}));
  EXPECT_EQ(request->count, 3);
}

TEST(JobFile, OneLineOfCommandIsForTheShell) {
  const auto request = parse("command: python train.py | tee log\n");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->command,
            (std::vector<std::string>{"/bin/sh", "-c", "python train.py | tee log"}));
  EXPECT_FALSE(request->workdir) << "the caller's folder is the default";
}

TEST(JobFile, UnknownKeysNameTheNearestAndTheLine) {
  EXPECT_EQ(error_of("name: a\ndurration: 2h\n"),
            "line 2: unknown key 'durration'; did you mean 'duration'?");
  EXPECT_EQ(error_of("name: a\ngpu: 2\n"), "line 2: unknown key 'gpu'; did you mean 'gpus'?");
  EXPECT_NE(error_of("zzzzzz: 1\n").find("unknown key 'zzzzzz'; known are name, command"),
            std::string::npos);
  EXPECT_EQ(parse("durration: 2h\n").error().field, "durration");
}

TEST(JobFile, WrongValuesNameTheKeyAndTheLine) {
  EXPECT_EQ(error_of("name: a\n\nranks: none\n"),
            "line 3: ranks: expected a whole number from 1 to 100000, got 'none'");
  EXPECT_EQ(error_of("placement: pakced\n"),
            "line 1: placement: 'pakced' is not one of any, packed, spread");
  EXPECT_EQ(error_of("ranks: [1]\n"), "line 1: ranks: expected one value");
  EXPECT_EQ(error_of("outputs: a\n"), "line 1: outputs: expected a list");
  EXPECT_EQ(error_of("env: [a]\n"), "line 1: env: expected NAME: value lines");
  EXPECT_EQ(error_of("env: {A=B: c}\n"), "line 1: env: 'A=B' is no name of a variable");
  EXPECT_EQ(error_of("command: []\n"), "line 1: command: the command is empty");
  EXPECT_EQ(error_of("name: a\nname: b\n"), "line 2: 'name' is there twice");
  EXPECT_EQ(parse("gpus: x:y\n").error().field, "gpus");
}

TEST(JobFile, WhatIsNoJobFileIsRefused) {
  for (const char* text : {"", "- a\n- b\n", "just words", "a: [", "? [x]\n: y\n", "a: b: c\n",
                           "\t", "{{}}", "name: *nowhere\n", "%YAML 9\n---\n"}) {
    EXPECT_FALSE(parse(text)) << text;
  }
  EXPECT_FALSE(parse(std::string(2 << 20, ' ')));
  EXPECT_NE(error_of("name: a\nenv: [\n").find("not YAML"), std::string::npos);
}

TEST(JobFile, TheSchemaHasTheKeysThatTheParserHas) {
  const boost::json::object root = schema();
  ASSERT_FALSE(root.empty()) << "set BERTH_SOURCE_DIR";
  std::set<std::string> in_schema;
  for (const auto& entry : root.at("properties").as_object()) {
    in_schema.insert(std::string(entry.key()));
  }
  std::set<std::string> in_parser(job_file_keys().begin(), job_file_keys().end());
  EXPECT_EQ(in_schema, in_parser);
}

TEST(JobFile, TheParserTakesWhatTheSchemaShows) {
  for (const auto& entry : schema().at("properties").as_object()) {
    const std::string key(entry.key());
    const boost::json::object& property = entry.value().as_object();
    ASSERT_TRUE(property.contains("examples")) << key;
    for (const auto& example : property.at("examples").as_array()) {
      const std::string value =
          example.is_double() ? fmt::format("{}", example.get_double()) : base::to_text(example);
      const std::string yaml = key + ": " + value + "\n";
      EXPECT_EQ(error_of(yaml), "no error") << yaml;
    }
    const auto* words = property.if_contains("enum");
    if (!words) continue;
    EXPECT_EQ(*words, property.at("examples")) << key << ": an example for each word";
    std::string known;
    for (const auto& word : words->as_array()) {
      known += (known.empty() ? "" : ", ") + std::string(word.as_string());
    }
    EXPECT_EQ(error_of(key + ": zzz\n"), "line 1: " + key + ": 'zzz' is not one of " + known);
  }
}

TEST(JobRequestTest, DefaultsMakeASmallFlexJob) {
  JobRequest request;
  request.command = {"/usr/bin/python", "train.py"};
  const auto spec = to_spec(request, "/home/li", here().now);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->at("name").as_string(), "python");
  EXPECT_EQ(spec->at("program").at("workdir").as_string(), "/home/li");
  const auto& bid = spec->at("bid").as_object();
  EXPECT_EQ(bid.at("job_class").as_string(), "flex");
  EXPECT_EQ(bid.at("duration").as_int64(), 3'600'000);
  EXPECT_FALSE(bid.contains("earliest"));
  EXPECT_FALSE(bid.contains("deadline"));
  EXPECT_FALSE(bid.contains("max_price"));
  EXPECT_EQ(bid.at("shape").at("per_rank").at("cpu_millis").as_int64(), 1'000);
}

TEST(JobRequestTest, TheWindowDecidesTheClass) {
  JobRequest request;
  EXPECT_EQ(class_of(request), domain::JobClass::flex);
  request.by = here().now;
  EXPECT_EQ(class_of(request), domain::JobClass::reserved);
  request.job_class = domain::JobClass::eager;
  EXPECT_EQ(class_of(request), domain::JobClass::eager);
}

TEST(JobRequestTest, AFirmStartIsAWindowOfExactlyTheDuration) {
  JobRequest request;
  request.command = {"a"};
  request.at = here().now + domain::kDay;
  request.duration = domain::kHour * 2;
  const auto spec = to_spec(request, "/", here().now);
  ASSERT_TRUE(spec);
  const auto& bid = spec->at("bid").as_object();
  EXPECT_TRUE(bid.at("firm").as_bool());
  EXPECT_EQ(bid.at("earliest").as_int64(), request.at->ms);
  EXPECT_EQ(bid.at("deadline").as_int64(), request.at->ms + 7'200'000);
}

TEST(JobRequestTest, WhatCannotBeIsSaidBeforeItIsSent) {
  JobRequest request;
  EXPECT_EQ(to_spec(request, "/", here().now).error().field, "command");
  request.command = {"a"};
  request.by = here().now;
  EXPECT_EQ(to_spec(request, "/", here().now).error().field, "by");
  request.by = here().now + domain::kMinute * 30;
  request.after = here().now + domain::kHour;
  EXPECT_EQ(to_spec(request, "/", here().now).error().field, "by");
  request.after.reset();
  EXPECT_TRUE(to_spec(request, "/", here().now)) << "too short, which is for the controller to say";
  request.at = here().now + domain::kHour;
  EXPECT_EQ(to_spec(request, "/", here().now).error().field, "at");
  request.by.reset();
  request.job_class = domain::JobClass::eager;
  EXPECT_EQ(to_spec(request, "/", here().now).error().field, "at");
  request.at.reset();
  request.conda = "/c";
  request.venv = "/v";
  EXPECT_EQ(to_spec(request, "/", here().now).error().field, "conda");
}

TEST(JobRequestTest, OptionsOverrideTheFile) {
  auto file = parse("command: a\nranks: 2\nby: 3d\nenv: {A: one, B: two}\n");
  ASSERT_TRUE(file);
  JobRequest over;
  over.ranks = 4;
  over.env = {{"B", "three"}};
  over.at = here().now + domain::kHour;
  const JobRequest both = merged(*file, over);
  EXPECT_EQ(both.ranks, 4);
  EXPECT_EQ(both.env, (std::map<std::string, std::string>{{"A", "one"}, {"B", "three"}}));
  EXPECT_FALSE(both.by) << "a firm start takes the place of the file's window";
  EXPECT_EQ(both.command->size(), 3U);
}

TEST(JobFile, AfterIsAMomentOrJobs) {
  const auto parents = [](std::string_view yaml) {
    const auto request = parse(yaml);
    EXPECT_TRUE(request) << yaml << request.error().message;
    std::string text;
    if (!request) return text;
    for (const auto& each : request->parents) {
      const auto when = base::to_json(each.when);
      text += fmt::format("{}{}:{} ", each.name, each.job.value, std::string(when.as_string()));
    }
    return request->after ? "a moment " + text : text;
  };
  EXPECT_EQ(parents("after: 2h"), "a moment ");
  EXPECT_EQ(parents("after: 12"), "12:success ");
  EXPECT_EQ(parents("after: 12-14"), "12:success 13:success 14:success ");
  EXPECT_EQ(parents("after: prep"), "prep0:success ");
  EXPECT_EQ(parents("after: [7, prep, {job: 9, when: any}, {name: x, when: failure}]"),
            "7:success prep0:success 9:any x0:failure ");
  EXPECT_FALSE(parse("after: [{when: any}]"));
  EXPECT_FALSE(parse("after: 14-12"));
  EXPECT_FALSE(parse("after: 1-9999"));
  EXPECT_FALSE(parse("after: [{job: 9, when: soon}]"));
  EXPECT_FALSE(parse("after: 'yesterday at noon'"));
}

TEST(JobRequestTest, AListOfJobsSharesWhatStandsAboveIt) {
  const auto request = parse(R"(
gpus: 2
by: 2d
jobs:
  - {name: prep, command: make data, gpus: 0}
  - {name: train, command: python a.py, count: 3, after: [{name: prep}]}
)");
  ASSERT_TRUE(request) << request.error().message;
  const auto body = to_body(*request, "/home/li", here().now);
  ASSERT_TRUE(body) << body.error().message;
  const auto& jobs = body->at("jobs").as_array();
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].at("spec").at("bid").at("shape").at("per_rank").at("gpus"), 0);
  EXPECT_EQ(jobs[1].at("spec").at("bid").at("shape").at("per_rank").at("gpus"), 2);
  EXPECT_EQ(jobs[1].at("spec").at("bid").at("job_class"), "reserved");
  EXPECT_EQ(jobs[1].at("count"), 3);
  EXPECT_EQ(jobs[1].at("spec").at("after").at(0).at("name"), "prep");
  const auto bad = parse("jobs: [{name: prep}]");
  ASSERT_TRUE(bad);
  EXPECT_EQ(to_body(*bad, "/", here().now).error().field, "jobs[0].command");
}

TEST(JobRequestTest, AlternativesSayOnlyWhatIsOtherwise) {
  const auto request = parse(
      "command: a\ngpus: 4\nby: 2d\nchoose: first\n"
      "alternatives: [{gpus: 'V100:8', duration: 4h}, {class: flex}]\n");
  ASSERT_TRUE(request) << request.error().message;
  const auto spec = to_spec(*request, "/", here().now);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->at("choose"), "first");
  const auto& first = spec->at("alternatives").at(0).as_object();
  EXPECT_EQ(first.at("shape").at("gpu_model"), "V100");
  EXPECT_EQ(first.at("duration"), 4 * 3'600'000);
  EXPECT_FALSE(first.contains("deadline"));
  const auto& second = spec->at("alternatives").at(1).as_object();
  EXPECT_EQ(second.at("job_class"), "flex");
  EXPECT_EQ(second.size(), 1U);
}

TEST(JobRequestTest, ARepeatedJobSaysHowOftenAndHowManyTimes) {
  auto request = parse("command: a\nrepeat: {every: 1d, times: 5}\n");
  ASSERT_TRUE(request);
  const auto spec = to_spec(*request, "/", here().now);
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->at("repeat").at("every"), domain::kDay.ms);
  EXPECT_EQ(spec->at("repeat").at("times"), 5);
  request->times.reset();
  EXPECT_EQ(to_spec(*request, "/", here().now).error().field, "times");
  request->every.reset();
  request->times = 3;
  EXPECT_EQ(to_spec(*request, "/", here().now).error().field, "every");
}

}  // namespace
}  // namespace cli
