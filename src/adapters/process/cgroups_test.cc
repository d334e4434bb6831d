#include "adapters/process/cgroups.h"

#include <gtest/gtest.h>

namespace {

using namespace adapters::process;

constexpr char kVersion1[] =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "34 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "35 31 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
constexpr char kVersion1Own[] =
    "9:memory:/system.slice/berth.service\n4:cpu,cpuacct:/\n3:cpuset:/other\n0::/x\n";
constexpr char kVersion2[] =
    "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST(CgroupPlaces, Version1UsesItsOwnPathInEachHierarchy) {
  EXPECT_EQ(find_cgroup_places(kVersion1, kVersion1Own, ""),
            (CgroupPlaces{.unified = false,
                          .cpu = "/sys/fs/cgroup/cpu,cpuacct",
                          .memory = "/sys/fs/cgroup/memory/system.slice/berth.service"}));
}

TEST(CgroupPlaces, Version2IsOneFolder) {
  const std::string place = "/sys/fs/cgroup/system.slice/berth.service";
  EXPECT_EQ(find_cgroup_places(kVersion2, "0::/system.slice/berth.service\n", ""),
            (CgroupPlaces{.unified = true, .cpu = place, .memory = place}));
}

TEST(CgroupPlaces, AGivenParentReplacesTheOwnPath) {
  const CgroupPlaces places = find_cgroup_places(kVersion1, kVersion1Own, "/berth.slice");
  EXPECT_EQ(places.cpu, "/sys/fs/cgroup/cpu,cpuacct/berth.slice");
  EXPECT_EQ(places.memory, "/sys/fs/cgroup/memory/berth.slice");
}

TEST(CgroupPlaces, AContainerSeesOnlyWhatItsMountShows) {
  const std::string mounts = "9 8 0:1 /docker/abc /sys/fs/cgroup/memory ro - cgroup c rw,memory\n";
  EXPECT_EQ(find_cgroup_places(mounts, "1:memory:/docker/abc/job\n", "").memory,
            "/sys/fs/cgroup/memory/job");
  EXPECT_EQ(find_cgroup_places(mounts, "1:memory:/docker/abcdef\n", "").memory, "");
  EXPECT_EQ(find_cgroup_places(kVersion2, "0::/../elsewhere\n", "").cpu, "");
  EXPECT_EQ(find_cgroup_places("", "", ""), (CgroupPlaces{.unified = true}));
}

TEST(Cgroups, LimitsNothingWhereThereIsNothingToWrite) {
  const Cgroups none(CgroupPlaces{.unified = false, .cpu = "/no/such/place", .memory = ""});
  EXPECT_FALSE(none.limits_cpu());
  EXPECT_FALSE(none.limits_memory());
  const auto cgroup = none.create("1.1.0-x", {.gpus = 0, .cpu_millis = 1000, .memory_bytes = 1});
  ASSERT_TRUE(cgroup);
  EXPECT_TRUE(cgroup->folders.empty());
  EXPECT_EQ(count_oom_kills(*cgroup), 0);
  EXPECT_EQ(memory_in_use(*cgroup), -1);
  EXPECT_TRUE(remove(*cgroup));
}

}  // namespace
