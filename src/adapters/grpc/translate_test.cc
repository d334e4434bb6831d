#include "adapters/grpc/translate.h"

#include <gtest/gtest.h>

#include <random>

#include "contracts/agent.pb.h"

namespace adapters::grpc {
namespace {

/// Over the wire and back.
ports::FromAgent there_and_back(const ports::FromAgent& message) {
  wire::FromAgent encoded;
  encode(message, encoded);
  auto decoded = decode_from_agent(encoded.SerializeAsString());
  EXPECT_TRUE(decoded) << decoded.error().message;
  return decoded ? *std::move(decoded) : ports::FromAgent{};
}

ports::ToAgent there_and_back(const ports::ToAgent& message) {
  wire::ToAgent encoded;
  encode(message, encoded);
  wire::ToAgent received;
  EXPECT_TRUE(received.ParseFromString(encoded.SerializeAsString()));
  auto decoded = decode(received);
  EXPECT_TRUE(decoded) << decoded.error().message;
  return decoded ? *std::move(decoded) : ports::ToAgent{};
}

domain::Inventory inventory() {
  return {.address = "10.0.0.1",
          .boot_id = "boot",
          .pool = "a100",
          .cpu_millis = 2'000,
          .memory_bytes = 3,
          .gpus = {{.uuid = "GPU-a",
                    .model = "A100",
                    .memory_bytes = 4,
                    .driver = "535",
                    .compute_capability = "8.0",
                    .enabled = false,
                    .health = "bad"}},
          .simulated = true,
          .version = "0.1"};
}

TEST(Translate, Hello) {
  const ports::Hello hello{{"n1"}, inventory()};
  const auto back = std::get<ports::Hello>(there_and_back(ports::FromAgent(hello)));
  EXPECT_EQ(back.node, hello.node);
  EXPECT_EQ(back.inventory, hello.inventory);
}

TEST(Translate, ReportsWithEveryPhaseAndCause) {
  ports::Report report{.sequence = 9, .ranks = {}, .sample = ports::NodeSample{}};
  for (int cause = 0; cause <= static_cast<int>(domain::ExitCause::node_lost); ++cause) {
    report.ranks.push_back({.key = {{1}, 2, cause},
                            .phase = ports::RankPhase::ended,
                            .started = {3},
                            .end = ports::RankEnd{.exit_code = 4,
                                                  .signal = 5,
                                                  .cause = static_cast<domain::ExitCause>(cause),
                                                  .detail = "why",
                                                  .at = {6}},
                            .checkpoint = "step-00000007",
                            .checkpoint_step = 7,
                            .log_bytes = 8});
  }
  for (const auto phase :
       {ports::RankPhase::starting, ports::RankPhase::running, ports::RankPhase::stopping}) {
    report.ranks.push_back({.key = {{2}, 1, static_cast<int>(phase)}, .phase = phase});
  }
  *report.sample = {.at = {1},
                    .cpu_permille = 2,
                    .memory_used_bytes = 3,
                    .disk_read_bytes = 4,
                    .disk_write_bytes = 5,
                    .net_receive_bytes = 6,
                    .net_send_bytes = 7,
                    .disk_free_bytes = 8,
                    .gpu_permille = {9, 10},
                    .gpu_memory_bytes = {11, 12}};
  const auto back = std::get<ports::Report>(there_and_back(ports::FromAgent(report)));
  EXPECT_EQ(back.sequence, 9U);
  EXPECT_EQ(back.ranks, report.ranks);
  ASSERT_TRUE(back.sample);
  EXPECT_EQ(back.sample->gpu_memory_bytes, report.sample->gpu_memory_bytes);
  EXPECT_EQ(back.sample->disk_free_bytes, 8);
  EXPECT_EQ(back.sample->net_send_bytes, 7);
}

TEST(Translate, ChunksKeepTheirBytesAndTextBecomesUtf8) {
  const ports::FileChunk chunk{{1}, "a\xff", 2, std::string("\0\xff", 2), true};
  const auto back = std::get<ports::FileChunk>(there_and_back(ports::FromAgent(chunk)));
  EXPECT_EQ(back.bytes, chunk.bytes);
  EXPECT_EQ(back.path, "a\xef\xbf\xbd");
  EXPECT_EQ(back.offset, 2U);
  EXPECT_TRUE(back.replace);
}

TEST(Translate, OrdersWhole) {
  ports::RankOrder order{.key = {{1}, 2, 3},
                         .stop = true,
                         .grace = {4},
                         .stop_reason = "why",
                         .program = {.command = {"a", "b"},
                                     .workdir = "/w",
                                     .env = {{"K", "V"}},
                                     .environment = {.conda = "/c", .venv = "/v"},
                                     .framework = domain::Framework::pytorch,
                                     .max_retries = 5,
                                     .grace = {6},
                                     .outputs = {"*.pt"}},
                         .per_rank = {.gpus = 7, .cpu_millis = 8, .memory_bytes = 9},
                         .gpu_uuids = {"GPU-a"},
                         .job_name = "digits",
                         .user = "alice",
                         .team = "vision",
                         .world = 10,
                         .local_rank = 11,
                         .local_world = 12,
                         .node_rank = 13,
                         .node_addresses = {"x", "y"},
                         .master_port = 14,
                         .finish = {15},
                         .resume_from = "step-00000001",
                         .mtbf = {16}};
  const auto back = there_and_back(ports::ToAgent(ports::Wanted{{order}}));
  EXPECT_EQ(std::get<ports::Wanted>(back).ranks, std::vector{order});
}

TEST(Translate, Answers) {
  EXPECT_EQ(std::get<ports::Welcome>(there_and_back(ports::ToAgent(ports::Welcome{{5}}))).lease.ms,
            5);
  EXPECT_EQ(
      std::get<ports::ReportSeen>(there_and_back(ports::ToAgent(ports::ReportSeen{6}))).sequence,
      6U);
  const auto kept =
      std::get<ports::FileKept>(there_and_back(ports::ToAgent(ports::FileKept{{1}, "p", 7})));
  EXPECT_EQ(kept.size, 7U);
  EXPECT_EQ(kept.path, "p");
  EXPECT_EQ(std::get<ports::Rejected>(there_and_back(ports::ToAgent(ports::Rejected{"no"}))).reason,
            "no");
}

TEST(Translate, WhatIsUnknownIsRefused) {
  EXPECT_FALSE(decode_from_agent(""));
  EXPECT_FALSE(decode_from_agent("\xff\xff\xff"));
  wire::FromAgent message;
  auto& rank = *message.mutable_report()->add_ranks();
  rank.set_phase(static_cast<wire::RankPhase>(99));
  EXPECT_FALSE(decode_from_agent(message.SerializeAsString()));
  rank.set_phase(wire::RANK_PHASE_ENDED);  // Without an end.
  EXPECT_FALSE(decode_from_agent(message.SerializeAsString()));
  rank.mutable_end()->set_cause(wire::EXIT_CAUSE_UNSPECIFIED);
  EXPECT_FALSE(decode_from_agent(message.SerializeAsString()));
  rank.mutable_end()->set_cause(wire::EXIT_CAUSE_SUCCESS);
  EXPECT_TRUE(decode_from_agent(message.SerializeAsString()));
}

TEST(Translate, RubbishDoesNoHarm) {
  std::mt19937 random(7);
  wire::FromAgent message;
  encode(ports::FromAgent(ports::Hello{{"n1"}, inventory()}), message);
  const std::string good = message.SerializeAsString();
  int taken = 0;
  int refused = 0;
  for (int turn = 0; turn < 20'000; ++turn) {
    std::string bytes = good.substr(0, random() % (good.size() + 1));
    for (unsigned change = random() % 4; change > 0 && !bytes.empty(); --change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    ++(decode_from_agent(bytes) ? taken : refused);
  }
  EXPECT_GT(taken, 100);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace adapters::grpc
