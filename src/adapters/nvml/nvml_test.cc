#include "adapters/nvml/nvml.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace adapters::nvml {
namespace {

/// A driver with GPU-a and GPU-b that loses what the test says; see pretended/driver.cc.
class LosingDriver : public testing::Test {
 protected:
  LosingDriver() {
    const char* build = std::getenv("BERTH_BUILD_DIR");
    path_ = std::string(build == nullptr ? "." : build) + "/libpretended_driver.so";
    handle_ = dlopen(path_.c_str(), RTLD_NOW);
  }
  ~LosingDriver() override {
    lose(0, false);
    lose(1, false);
    list(2);
    dlclose(handle_);
  }

  void SetUp() override { ASSERT_NE(handle_, nullptr) << path_; }
  void lose(unsigned int at, bool lost) {
    reinterpret_cast<void (*)(unsigned int, bool)>(dlsym(handle_, "pretended_lose"))(at, lost);
  }
  void list(unsigned int count) {
    reinterpret_cast<void (*)(unsigned int)>(dlsym(handle_, "pretended_list"))(count);
  }

  std::string path_;
  void* handle_ = nullptr;
};

TEST_F(LosingDriver, ALostGpuIsListedAsItWasWithItsFault) {
  const auto nvml = Nvml::open(path_);
  const auto before = nvml->inventory();
  ASSERT_EQ(before.size(), 2U);
  EXPECT_EQ(before[0].health, "ok");
  lose(0, true);
  auto after = nvml->inventory();
  EXPECT_EQ(after[0].health, "the driver lost it");
  after[0].health = "ok";
  EXPECT_EQ(after, before);
  EXPECT_EQ(nvml->sample()[0].permille, 0);
  EXPECT_EQ(nvml->sample()[1].permille, 500);
  lose(0, false);
  EXPECT_EQ(nvml->inventory(), before);
}

TEST_F(LosingDriver, AGpuThatIsNoLongerListedIsNotForgotten) {
  const auto nvml = Nvml::open(path_);
  const auto before = nvml->inventory();
  list(1);
  for (int look = 0; look < 2; ++look) {
    const auto after = nvml->inventory();
    ASSERT_EQ(after.size(), 2U);
    EXPECT_EQ(after[0], before[0]);
    EXPECT_EQ(after[1].uuid, "GPU-b");
    EXPECT_EQ(after[1].health, "the driver no longer lists it");
  }
  list(2);
  EXPECT_EQ(nvml->inventory(), before);
}

TEST_F(LosingDriver, AGpuThatWasNeverKnownHasAPlaceholder) {
  lose(1, true);
  const auto gpus = Nvml::open(path_)->inventory();
  ASSERT_EQ(gpus.size(), 2U);
  EXPECT_EQ(gpus[1].uuid, "UNKNOWN-1");
  EXPECT_EQ(gpus[1].health, "the driver lost it");
}

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
