#include "adapters/system/machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace adapters::system {
namespace {

TEST(Machine, SaysWhatItIs) {
  const MachineFacts facts = read_machine_facts();
  EXPECT_EQ(facts.boot_id.size(), 36U);
  EXPECT_GE(facts.cpu_millis, 1'000);
  EXPECT_GT(facts.memory_bytes, std::int64_t{100} << 20);
}

TEST(Machine, CountersAreThereAndGrow) {
  const MachineCounters before = read_machine_counters("/");
  EXPECT_GT(before.memory_used_bytes, 0);
  EXPECT_LT(before.memory_used_bytes, read_machine_facts().memory_bytes);
  EXPECT_GT(before.disk_free_bytes, 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  MachineCounters after = before;
  while (after.cpu_busy_ticks == before.cpu_busy_ticks &&
         std::chrono::steady_clock::now() < deadline) {
    after = read_machine_counters("/");
  }
  EXPECT_GT(after.cpu_busy_ticks, before.cpu_busy_ticks);
  EXPECT_GE(after.cpu_all_ticks - before.cpu_all_ticks,
            after.cpu_busy_ticks - before.cpu_busy_ticks);
}

TEST(Machine, TalksToItselfOverTheLoopback) {
  EXPECT_EQ(address_towards("127.0.0.1:80"), "127.0.0.1");
  EXPECT_EQ(address_towards("127.0.0.2"), "127.0.0.1");
  EXPECT_EQ(address_towards("no such host"), "127.0.0.1");
}

TEST(Machine, TheSteadyClockAgreesWithTheWallClock) {
  const SteadyClock clock;
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const auto wall_ms = std::chrono::duration_cast<std::chrono::milliseconds>(wall).count();
  EXPECT_NEAR(static_cast<double>(clock.now().ms), static_cast<double>(wall_ms), 60'000.0);
  const auto first = clock.now();
  EXPECT_GE(clock.now(), first);
}

TEST(Machine, TheClockOfABootStaysWhatItWasAndANewBootHasItsOwn) {
  const std::string path =
      testing::TempDir() + "clock-of-boot-" + std::to_string(::getpid()) + ".txt";
  const std::string boot = read_machine_facts().boot_id;
  const SteadyClock first = SteadyClock::of_boot(path);
  EXPECT_EQ(SteadyClock::of_boot(path).booted(), first.booted());
  // As if the wall clock had been set since: what was noted counts.
  std::ofstream(path) << boot << " 86400000\n";
  EXPECT_EQ(SteadyClock::of_boot(path).booted(), domain::Time{86'400'000});
  std::ofstream(path) << "another-boot 86400000\n";
  EXPECT_NE(SteadyClock::of_boot(path).booted(), domain::Time{86'400'000});
  EXPECT_NE(SteadyClock::of_boot("/no/such/folder/clock").booted(), domain::Time{});
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace adapters::system
