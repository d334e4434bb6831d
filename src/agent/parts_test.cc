#include <gtest/gtest.h>

#include "agent/glob.h"
#include "agent/lease.h"
#include "agent/manifest.h"
#include "agent/past.h"
#include "agent/samples.h"

namespace agent {
namespace {

using domain::Duration;
using domain::Time;

TEST(Glob, MatchesAsPeopleExpect) {
  struct Case {
    const char* pattern;
    const char* path;
    bool expected;
  };
  const Case cases[] = {
      {"*.pt", "model.pt", true},
      {"*.pt", "runs/model.pt", false},
      {"runs/*/*.pt", "runs/1/a.pt", true},
      {"runs/*/*.pt", "runs/a.pt", false},
      {"**/*.pt", "a.pt", true},
      {"**/*.pt", "x/y/a.pt", true},
      {"runs/**", "runs/x/y", true},
      {"runs/**", "other/x", false},
      {"?.txt", "a.txt", true},
      {"?.txt", "ab.txt", false},
      {"a*b*c", "axxbyyc", true},
      {"a*b*c", "axxbyy", false},
      {"./out/*", "out/x", true},
      {"plain", "plain", true},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(matches(each.pattern, each.path), each.expected)
        << each.pattern << " on " << each.path;
  }
}

TEST(Glob, SearchesNoFurtherThanNeeded) {
  const Glob glob = parse_glob("runs/last/*.pt");
  EXPECT_EQ(glob.folder, "runs/last");
  EXPECT_EQ(glob.depth, 1);
  EXPECT_EQ(parse_glob("runs/*/a/b.pt").depth, 3);
  EXPECT_EQ(parse_glob("**/x").depth, 32);
  for (const char* outside : {"/etc/*", "../x", "a/../../x", ""}) {
    EXPECT_EQ(parse_glob(outside).pattern, "") << outside;
  }
}

TEST(LeaseTest, EndsALengthAfterTheLastSeenReportWasSent) {
  Lease lease(Time{0});
  EXPECT_FALSE(lease.allows_start(Time{1'000}));
  lease.set_length(Duration{10'000});
  lease.on_sent(1, Time{1'000});
  lease.on_sent(2, Time{2'000});
  lease.on_sent(3, Time{3'000});
  EXPECT_TRUE(lease.on_seen(2));
  EXPECT_EQ(lease.end(), Time{12'000});
  EXPECT_EQ(lease.unacknowledged(), 1U);
  EXPECT_FALSE(lease.on_seen(1));
  EXPECT_EQ(lease.kill_at(), Time{10'000});
  EXPECT_EQ(lease.terminate_at(Duration{1'000}), Time{9'000});
  EXPECT_EQ(lease.longest_grace(), Duration{3'333});
  EXPECT_EQ(lease.terminate_at(Duration{60'000}), Time{6'667});
  EXPECT_TRUE(lease.allows_start(Time{6'666}));
  EXPECT_FALSE(lease.allows_start(Time{6'667}));
}

TEST(LeaseTest, TheFirstAnswerOfThisLifeDecidesAlsoAgainstALaterNote) {
  Lease lease(Time{3'600'000});  // Noted in an earlier boot, by another clock.
  lease.set_length(Duration{10'000});
  lease.on_sent(1, Time{1'000});
  EXPECT_TRUE(lease.on_seen(1));
  EXPECT_EQ(lease.end(), Time{11'000});
}

TEST(LeaseTest, AnswersOfAnotherConnectionCountForNothing) {
  Lease lease(Time{0});
  lease.set_length(Duration{10'000});
  lease.on_sent(1, Time{1'000});
  lease.on_disconnected();
  EXPECT_FALSE(lease.on_seen(1));
  EXPECT_EQ(lease.end(), Time{0});
}

TEST(Manifests, AreReadAndNeverLeadOut) {
  const auto manifest = decode_manifest(
      R"({"version":1,"step":7,"pieces":2,"files":{"a/b.pt":{"bytes":3,"sha256":"ff"}},"t":1})");
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->step, 7);
  EXPECT_EQ(manifest->pieces, 2);
  EXPECT_EQ(manifest->files.at("a/b.pt").bytes, 3U);
  for (const char* bad :
       {"", "{}", R"({"version":2,"step":7,"pieces":1,"files":{}})",
        R"({"version":1,"step":-1,"pieces":1,"files":{}})",
        R"({"version":1,"step":1,"pieces":0,"files":{}})",
        R"({"version":1,"step":1,"pieces":1,"files":{"../x":{"bytes":1,"sha256":""}}})",
        R"({"version":1,"step":1,"pieces":1,"files":{"/x":{"bytes":1,"sha256":""}}})",
        R"({"version":1,"step":1,"pieces":1,"files":{"a":{"bytes":-1,"sha256":""}}})"}) {
    EXPECT_FALSE(decode_manifest(bad)) << bad;
  }
}

TEST(Manifests, NamesSayStepAndPiece) {
  EXPECT_EQ(parse_checkpoint_name("step-00000120")->step, 120);
  EXPECT_EQ(parse_checkpoint_name("step-00000120-rank-00003")->piece, 3);
  for (const char* other : {"step-", "step-x", ".step-00000001", "step-1-rank-", "step-1x", "x"}) {
    EXPECT_FALSE(parse_checkpoint_name(other)) << other;
  }
  EXPECT_EQ(piece_name("step-00000120", 3), "step-00000120-rank-00003");
  EXPECT_EQ(piece_name("step-00000120", 0), "step-00000120");
}

TEST(Past, RemembersTheNewest) {
  PastRanks past;
  const auto key = [](std::size_t job) {
    return ports::RankKey{.job = {static_cast<std::int64_t>(job)}, .attempt = 1, .rank = 0};
  };
  for (std::size_t job = 1; job <= ports::kPastRanks + 1; ++job) past.add({key(job), {}});
  EXPECT_EQ(past.find(key(1)), nullptr);
  EXPECT_NE(past.find(key(2)), nullptr);
  EXPECT_NE(past.find(key(ports::kPastRanks + 1)), nullptr);
}

TEST(Samples, ASimulatedGpuIsAsBusyAsItIsHeld) {
  const std::vector<domain::Gpu> gpus{{.uuid = "SIM-a"}, {.uuid = "SIM-b"}, {.uuid = "SIM-c"}};
  ports::NodeSample sample;
  sample.gpu_permille = {0, 0, 0};
  load_simulated({"SIM-b", "SIM-x"}, gpus, sample);
  EXPECT_EQ(sample.gpu_permille, (std::vector<std::int32_t>{0, 1'000, 0}));
  sample.gpu_permille = {0};  // Of a machine that has changed since.
  load_simulated({"SIM-a", "SIM-c"}, gpus, sample);
  EXPECT_EQ(sample.gpu_permille, (std::vector<std::int32_t>{1'000}));
}

}  // namespace
}  // namespace agent
