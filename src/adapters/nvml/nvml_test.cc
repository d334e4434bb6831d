#include "adapters/nvml/nvml.h"

#include <gtest/gtest.h>

namespace adapters::nvml {
namespace {

TEST(NvmlTest, WithoutTheLibraryThereAreNoGpus) {
  const auto nvml = Nvml::open("libno-such-library.so.1");
  EXPECT_TRUE(nvml->inventory().empty());
  EXPECT_TRUE(nvml->sample().empty());
}

TEST(NvmlTest, WhateverThisMachineHasIsDescribedWhole) {
  const auto nvml = Nvml::open();
  const auto gpus = nvml->inventory();
  EXPECT_EQ(nvml->sample().size(), gpus.size());
  for (const domain::Gpu& gpu : gpus) {
    EXPECT_TRUE(gpu.uuid.starts_with("GPU-")) << gpu.uuid;
    EXPECT_FALSE(gpu.model.empty());
    EXPECT_GT(gpu.memory_bytes, std::int64_t{1} << 30);
    EXPECT_FALSE(gpu.driver.empty());
    EXPECT_FALSE(gpu.compute_capability.empty());
  }
  if (gpus.empty()) GTEST_SKIP() << "this machine has no NVIDIA GPU";
}

TEST(Models, AreShortened) {
  const std::pair<const char*, const char*> cases[] = {
      {"NVIDIA A100-SXM4-80GB", "A100"},
      {"NVIDIA H100 80GB HBM3", "H100"},
      {"Tesla V100-PCIE-16GB", "V100"},
      {"NVIDIA GeForce RTX 4090", "RTX4090"},
      {"NVIDIA GeForce RTX 3080 Ti", "RTX3080Ti"},
      {"Tesla T4", "T4"},
      {"NVIDIA RTX A6000", "RTXA6000"},
      {"NVIDIA L40S", "L40S"},
      {"NVIDIA H200", "H200"},
      {"NVIDIA TITAN Xp", "TITANXp"},
      {"", ""},
  };
  for (const auto& [name, expected] : cases) EXPECT_EQ(short_model(name), expected) << name;
}

TEST(Simulated, GpusAreMarked) {
  const auto gpus = parse_simulated_gpus("A100:2,V100");
  ASSERT_TRUE(gpus);
  ASSERT_EQ(gpus->size(), 3U);
  EXPECT_EQ((*gpus)[0].uuid, "SIM-A100-0");
  EXPECT_EQ((*gpus)[1].uuid, "SIM-A100-1");
  EXPECT_EQ((*gpus)[1].model, "A100");
  EXPECT_EQ((*gpus)[1].memory_bytes, std::int64_t{80} << 30);
  EXPECT_EQ((*gpus)[2].uuid, "SIM-V100-0");
  EXPECT_TRUE(parse_simulated_gpus("")->empty());
}

TEST(Simulated, NonsenseIsRefusedWithTheField) {
  for (const char* bad : {"A100:", "A100:0", "A100:x", ":8", "A100:65", "A100:2,", "A 100:2",
                          "A100:2,A100:1", "A100:-1", "A100:99999999999999999999"}) {
    const auto gpus = parse_simulated_gpus(bad);
    ASSERT_FALSE(gpus) << bad;
    EXPECT_EQ(gpus.error().field, "simulated_gpus");
  }
}

}  // namespace
}  // namespace adapters::nvml
