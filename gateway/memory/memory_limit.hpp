#pragma once

// How much memory this process may use. A percentage in limits.buffered_total is taken from this
// amount.

#include <cstdint>
#include <filesystem>

namespace gateway {

// The limit of this process's cgroups, version 1 and 2, with every ancestor's limit;
// UINT64_MAX where there is none. `root`: of the file system; for tests.
std::uint64_t cgroup_memory(const std::filesystem::path& root = "/");

// The smallest of RAM, the cgroups' limit and RLIMIT_AS.
std::uint64_t memory_available();

// Whether memory that was freed should go back to the system now: a heap that held much more a
// while ago keeps it otherwise, as glibc returns only what lies at its top.
class trim_decider {
public:
    // Called now and then with what is held of peers' bytes, and how many clients there are. Once
    // more when nobody has gone since: the last of a crowd are too few to be worth it by themselves.
    bool due(std::uint64_t held, std::uint64_t clients) noexcept;

private:
    std::uint64_t held_high_ = 0, clients_high_ = 0; // since the last time
    std::uint64_t held_before_ = 0, clients_before_ = 0; // at the last call
    bool once_more_ = false;
};

} // namespace gateway
