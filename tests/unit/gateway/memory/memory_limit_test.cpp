// What limits.buffered_total is a percentage of, read from a made-up file system; and when freed
// memory goes back to the system.

#include "gateway/memory/memory_limit.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace gateway {
namespace {

constexpr auto none = std::numeric_limits<std::uint64_t>::max();

class CgroupMemory : public testing::Test {
protected:
    CgroupMemory()
    {
        std::string name = (std::filesystem::temp_directory_path() / "teal-cgroup-XXXXXX").string();
        root = ::mkdtemp(name.data());
    }
    ~CgroupMemory() override { std::filesystem::remove_all(root); }
    void put(const std::string& path, const std::string& text)
    {
        std::filesystem::create_directories((root / path).parent_path());
        std::ofstream{root / path} << text;
    }
    std::filesystem::path root;
};

TEST_F(CgroupMemory, L4_IsTheSmallestOfAllAncestorsInVersion2)
{
    put("proc/self/cgroup", "0::/system.slice/teal.service\n");
    put("proc/self/mountinfo",
        "25 20 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
    put("sys/fs/cgroup/system.slice/teal.service/memory.max", "max\n");
    put("sys/fs/cgroup/system.slice/memory.max", "536870912\n");
    EXPECT_EQ(cgroup_memory(root), 512U << 20);
    put("sys/fs/cgroup/system.slice/teal.service/memory.high", "268435456\n");
    EXPECT_EQ(cgroup_memory(root), 256U << 20);
}

TEST_F(CgroupMemory, L4_AContainersOwnGroupIsTheRootOfItsMount)
{
    put("proc/self/cgroup", "0::/\n");
    put("proc/self/mountinfo", "25 20 0:22 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
    put("sys/fs/cgroup/memory.max", "134217728\n");
    EXPECT_EQ(cgroup_memory(root), 128U << 20);
}

TEST_F(CgroupMemory, L4_Version1WithinAndWithoutAContainer)
{
    put("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n1:name=systemd:/docker/abc\n");
    put("proc/self/mountinfo",
        "31 25 0:27 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
        "32 25 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "67108864\n");
    EXPECT_EQ(cgroup_memory(root), 64U << 20);
    put("proc/self/mountinfo", "32 25 0:28 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
    put("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "33554432\n");
    EXPECT_EQ(cgroup_memory(root), 32U << 20);
}

TEST_F(CgroupMemory, L4_WithoutAnyThereIsNoLimit)
{
    EXPECT_EQ(cgroup_memory(root), none);
    put("proc/self/cgroup", "0::/x\nnot a line\n");
    put("proc/self/mountinfo", "\n1 2 3\n25 20 0:22 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
    EXPECT_EQ(cgroup_memory(root), none);
    put("sys/fs/cgroup/x/memory.max", "");
    EXPECT_EQ(cgroup_memory(root), none);
}

TEST(MemoryAvailable, L4_AnAddressSpaceLimitCounts)
{
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
    const std::uint64_t all = memory_available();
    EXPECT_LE(all, static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE)));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    rlimit small = before;
    small.rlim_cur = all - 4096; // nobody could map that much anyway
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &small), 0);
    EXPECT_EQ(memory_available(), all - 4096);
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
#endif
}

TEST(TrimDecider, L3_WhenAQuarterOfWhatWasHeldHasGone)
{
    trim_decider decider;
    EXPECT_FALSE(decider.due(100 << 20, 1000));
    EXPECT_FALSE(decider.due(80 << 20, 1000));
    EXPECT_TRUE(decider.due(75 << 20, 1000));
    EXPECT_FALSE(decider.due(74 << 20, 1000));
    EXPECT_TRUE(decider.due(74 << 20, 1000)); // once more, as nothing goes any more
    EXPECT_FALSE(decider.due(74 << 20, 1000));
    EXPECT_FALSE(decider.due(57 << 20, 1000));
    EXPECT_TRUE(decider.due(0, 1000));
}

TEST(TrimDecider, L3_WhenAQuarterOfTheClientsHasGone)
{
    trim_decider decider;
    EXPECT_FALSE(decider.due(0, 1000));
    EXPECT_FALSE(decider.due(0, 751));
    EXPECT_TRUE(decider.due(0, 750));
    EXPECT_FALSE(decider.due(0, 660)); // fewer than a hundred
    EXPECT_TRUE(decider.due(0, 660));  // those were the last
    EXPECT_FALSE(decider.due(0, 660));
}

TEST(TrimDecider, L3_LittleIsNotWorthIt)
{
    trim_decider decider;
    EXPECT_FALSE(decider.due(3 << 20, 50));
    EXPECT_FALSE(decider.due(0, 0));
}

} // namespace
} // namespace gateway
