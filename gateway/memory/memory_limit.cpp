#include "gateway/memory/memory_limit.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace gateway {

namespace {

constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t held_step = 4 * 1024 * 1024; // less is not worth a walk over the heap
constexpr std::uint64_t clients_step = 100;

std::uint64_t number_in(const std::filesystem::path& file)
{
    std::ifstream in{file};
    std::string text;
    std::uint64_t bytes = 0;
    if (!(in >> text)) {
        return no_limit;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    return error == std::errc{} && end == text.data() + text.size() ? bytes : no_limit; // "max"
}

bool has_word(std::string_view list, std::string_view word)
{
    while (!list.empty()) {
        const auto one = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), one.size() + 1));
        if (one == word) {
            return true;
        }
    }
    return false;
}

// Where a hierarchy is mounted, and which of its groups that is the root of (proc(5), mountinfo).
struct cgroup_mount {
    std::string at, shows;
    bool unified = false;
};

std::vector<cgroup_mount> memory_mounts(const std::filesystem::path& root)
{
    std::vector<cgroup_mount> found;
    std::ifstream in{root / "proc/self/mountinfo"};
    for (std::string line; std::getline(in, line);) {
        const auto dash = line.find(" - ");
        if (dash == line.npos) {
            continue;
        }
        std::istringstream front{line.substr(0, dash)}, back{line.substr(dash + 3)};
        std::string skipped, shows, at, type, source, options;
        front >> skipped >> skipped >> skipped >> shows >> at;
        back >> type >> source >> options;
        if (type == "cgroup2" || (type == "cgroup" && has_word(options, "memory"))) {
            found.push_back({at, shows, type == "cgroup2"});
        }
    }
    return found;
}

// This process's group in that kind of hierarchy (cgroups(7), /proc/self/cgroup).
std::string own_group(const std::filesystem::path& root, bool unified)
{
    std::ifstream in{root / "proc/self/cgroup"};
    for (std::string line; std::getline(in, line);) {
        const auto first = line.find(':');
        const auto second = first == line.npos ? line.npos : line.find(':', first + 1);
        if (second == line.npos) {
            continue;
        }
        const std::string_view controllers =
            std::string_view{line}.substr(first + 1, second - first - 1);
        if (unified ? controllers.empty() : has_word(controllers, "memory")) {
            return line.substr(second + 1);
        }
    }
    return "/";
}

} // namespace

std::uint64_t cgroup_memory(const std::filesystem::path& root)
{
    std::uint64_t least = no_limit;
    for (const cgroup_mount& mount : memory_mounts(root)) {
        std::string group = own_group(root, mount.unified);
        // In a container the mount's root is the container's own group, or the path says nothing.
        if (mount.shows != "/" && group.starts_with(mount.shows)) {
            group.erase(0, mount.shows.size());
        }
        const std::filesystem::path top =
            root / std::filesystem::path{mount.at}.relative_path();
        std::filesystem::path at = std::filesystem::path{group}.relative_path().lexically_normal();
        while (true) {
            const auto folder = at.empty() || at == "." ? top : top / at;
            if (mount.unified) {
                least = std::min(
                    {least, number_in(folder / "memory.max"), number_in(folder / "memory.high")});
            } else {
                least = std::min(least, number_in(folder / "memory.limit_in_bytes"));
            }
            if (at.empty() || at == ".") {
                break;
            }
            at = at.parent_path();
        }
    }
    return least;
}

std::uint64_t memory_available()
{
    const auto ram = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                     static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
    rlimit space{};
    const bool known = ::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY;
    return std::min({ram, cgroup_memory(), known ? std::uint64_t{space.rlim_cur} : no_limit});
}

bool trim_decider::due(std::uint64_t held, std::uint64_t clients) noexcept
{
    held_high_ = std::max(held_high_, held);
    clients_high_ = std::max(clients_high_, clients);
    const bool much = held_high_ - held >= std::max(held_step, held_high_ / 4);
    const bool many = clients_high_ - clients >= std::max(clients_step, clients_high_ / 4);
    const bool quiet = held >= held_before_ && clients >= clients_before_;
    held_before_ = held;
    clients_before_ = clients;
    if (much || many || (once_more_ && quiet)) {
        held_high_ = held;
        clients_high_ = clients;
        once_more_ = much || many;
        return true;
    }
    return false;
}

} // namespace gateway
