#include "gateway/telemetry/metrics_page.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

namespace gateway::metric_text {

// prometheus-cpp has no collector of its own for these; names are those of Prometheus's client
// libraries.
void process_metrics(page& p)
{
    std::ifstream stat_file{"/proc/self/stat"};
    const std::string stat{std::istreambuf_iterator<char>{stat_file}, {}};
    // Fields of proc(5) from the third on: the second is a name in parentheses that may hold
    // anything.
    std::istringstream fields{stat.substr(std::min(stat.rfind(')') + 2, stat.size()))};
    std::array<std::string, 22> f;
    for (auto& word : f) {
        fields >> word;
    }
    const auto number = [&](std::size_t field) {
        return std::strtod(f[field - 3].c_str(), nullptr);
    };
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    const auto bytes_per_page = static_cast<double>(sysconf(_SC_PAGESIZE));
    double booted = 0;
    std::ifstream stat_of_all{"/proc/stat"};
    for (std::string word; stat_of_all >> word;) {
        if (word == "btime") {
            stat_of_all >> booted;
        }
    }
    std::error_code ignored;
    std::uint64_t open = 0;
    for (std::filesystem::directory_iterator i{"/proc/self/fd", ignored}, end; i != end;
         i.increment(ignored)) {
        ++open;
    }
    rlimit descriptors{};
    getrlimit(RLIMIT_NOFILE, &descriptors);
    p.single(
        "process_cpu_seconds_total", C, "User and system time.", (number(14) + number(15)) / ticks);
    p.single("process_threads", G, "Threads.", number(20));
    p.single(
        "process_start_time_seconds", G, "Start, in seconds since 1970.",
        booted + number(22) / ticks);
    p.single("process_virtual_memory_bytes", G, "Address space.", number(23));
    p.single("process_resident_memory_bytes", G, "Resident memory.", number(24) * bytes_per_page);
    p.single("process_open_fds", G, "Open descriptors.", open);
    p.single(
        "process_max_fds", G, "How many descriptors are allowed.",
        static_cast<double>(descriptors.rlim_cur));
}

} // namespace gateway::metric_text
