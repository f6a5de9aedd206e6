#include "store/uv/cgroup.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace cloakroom {
namespace {

/// A folder that looks like the root of a machine, as far as control groups go.
class CgroupTest : public testing::Test {
 protected:
  CgroupTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cgroup-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
  }
  ~CgroupTest() override { std::filesystem::remove_all(root); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  std::string root;
};

TEST_F(CgroupTest, WithoutControlGroupsThereIsNoLimit) { EXPECT_EQ(CgroupMemoryLimit(root), 0U); }

TEST_F(CgroupTest, ReadsVersion2) {
  Write("/proc/self/cgroup", "0::/kubepods/pod1/box\n");
  Write("/sys/fs/cgroup/kubepods/pod1/box/memory.max", "536870912\n");
  EXPECT_EQ(CgroupMemoryLimit(root), 536870912U);
}

// A group has no more than those above it.
TEST_F(CgroupTest, TheLeastOfAllLevelsHolds) {
  Write("/proc/self/cgroup", "0::/kubepods/pod1/box\n");
  Write("/sys/fs/cgroup/kubepods/pod1/box/memory.max", "max\n");
  Write("/sys/fs/cgroup/kubepods/pod1/memory.max", "268435456\n");
  Write("/sys/fs/cgroup/kubepods/memory.max", "1073741824\n");
  EXPECT_EQ(CgroupMemoryLimit(root), 268435456U);
}

// In a container with a namespace of its own the group is the root of what it sees.
TEST_F(CgroupTest, ReadsTheRootOfAContainer) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/memory.max", "104857600\n");
  EXPECT_EQ(CgroupMemoryLimit(root), 104857600U);
}

TEST_F(CgroupTest, MaxIsNoLimit) {
  Write("/proc/self/cgroup", "0::/box\n");
  Write("/sys/fs/cgroup/box/memory.max", "max\n");
  EXPECT_EQ(CgroupMemoryLimit(root), 0U);
}

TEST_F(CgroupTest, ReadsVersion1) {
  Write("/proc/self/cgroup", "12:cpu,cpuacct:/docker/abc\n9:hugetlb:/\n5:memory:/docker/abc\n");
  Write("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "209715200\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(CgroupMemoryLimit(root), 209715200U);
}

// Docker shows the host's path, and mounts the group itself: the path is not there.
TEST_F(CgroupTest, ReadsVersion1OfAContainer) {
  Write("/proc/self/cgroup", "5:memory:/docker/abc\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "209715200\n");
  EXPECT_EQ(CgroupMemoryLimit(root), 209715200U);
}

// Version 1 has no word for "none", only a number that no machine reaches.
TEST_F(CgroupTest, TheLargestNumberIsNoLimit) {
  Write("/proc/self/cgroup", "5:memory:/\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(CgroupMemoryLimit(root), 0U);
}

TEST_F(CgroupTest, NonsenseIsNoLimit) {
  Write("/proc/self/cgroup", "\nnonsense\n0:\n0::relative\n5:memory:\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "12 bananas?");
  Write("/sys/fs/cgroup/memory.max", "-5");
  EXPECT_EQ(CgroupMemoryLimit(root), 12U) << "the number is what counts";
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "12x");
  EXPECT_EQ(CgroupMemoryLimit(root), 0U);
}

}  // namespace
}  // namespace cloakroom
