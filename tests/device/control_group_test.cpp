// Free memory as control groups of both versions tell it, from copies of the kernel's files.
#include "device/control_group.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "temporary_folder.h"

namespace unclip {
namespace {

using Files = std::map<std::string, std::string>;

uint64_t free_with(const Files& files) {
  const TemporaryFolder root;
  for (const auto& [name, text] : files) {
    std::filesystem::create_directories((root.path / name).parent_path());
    std::ofstream(root.path / name) << text;
  }
  return free_in_control_groups(root.path);
}

const std::string kMount2 = "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:5 - cgroup2 cgroup2 rw\n";
const std::string kMount1 = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n";

TEST(ControlGroup, OfVersion2CountsItsOwnAndAllAroundIt) {
  const std::string job = "sys/fs/cgroup/system.slice/slurmstepd.scope/job_7";
  Files files{{"proc/self/cgroup", "0::/system.slice/slurmstepd.scope/job_7/step_0/user\n"},
              {"proc/self/mountinfo", kMount2},
              {job + "/step_0/user/memory.max", "max\n"},
              {job + "/step_0/user/memory.current", "10\n"}};
  EXPECT_EQ(free_with(files), kNoLimit);
  files[job + "/memory.max"] = "1000\n";
  files[job + "/memory.current"] = "700\n";
  EXPECT_EQ(free_with(files), 300U);
  files[job + "/memory.stat"] = "anon 500\ninactive_file 200\nactive_file 7\n";
  EXPECT_EQ(free_with(files), 500U) << "the cache gives way";
  files["sys/fs/cgroup/system.slice/memory.max"] = "900";
  files["sys/fs/cgroup/system.slice/memory.current"] = "850";
  EXPECT_EQ(free_with(files), 50U);
  files[job + "/step_0/user/memory.max"] = "5";  // less than is in use
  EXPECT_EQ(free_with(files), 0U);
}

TEST(ControlGroup, OfVersion1IsFoundBesideAnEmptyVersion2) {
  Files files{{"proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/docker/ab\n0::/\n"},
              {"proc/self/mountinfo", kMount1 + kMount2},
              {"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"},
              {"sys/fs/cgroup/memory/memory.usage_in_bytes", "12345\n"},
              {"sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes", "1000\n"},
              {"sys/fs/cgroup/memory/docker/ab/memory.usage_in_bytes", "800\n"},
              {"sys/fs/cgroup/memory/docker/ab/memory.stat", "inactive_file 1\ntotal_inactive_file 100\n"}};
  EXPECT_EQ(free_with(files), 300U);
}

TEST(ControlGroup, MountedInAContainerIsItsOwn) {
  const Files files{
      {"proc/self/cgroup", "4:memory:/docker/ab\n"},
      {"proc/self/mountinfo", "35 31 0:32 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"},
      {"sys/fs/cgroup/memory/memory.usage_in_bytes", "400\n"}};
  EXPECT_EQ(free_with(files), 600U);
}

TEST(ControlGroup, ThatIsNotThereLimitsNothing) {
  EXPECT_EQ(free_with({}), kNoLimit);
  EXPECT_EQ(free_with({{"proc/self/cgroup", "0::/../elsewhere\n"}, {"proc/self/mountinfo", kMount2 + "x\n"}}),
            kNoLimit);
}

}  // namespace
}  // namespace unclip
