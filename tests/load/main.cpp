// teal-load: see README.md in this folder.

#include "tests/load/fleet.hpp"
#include "tests/load/options.hpp"
#include "tests/load/run_result.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <utility>

namespace {

enum exit_status { kept = 0, broken = 1, usage = 2, not_connected = 3 };

constexpr rlim_t descriptors_of_its_own = 32;

// Every client is a descriptor; distributions start processes with 1024.
bool raise_descriptor_limit(rlim_t needed)
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    limit.rlim_cur = limit.rlim_max;
    return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed;
}

int say(exit_status status, const std::string& sentence)
{
    std::fprintf(stderr, "teal-load: %s\n", sentence.c_str());
    return status;
}

int run(int argc, char** argv)
{
    auto options = load::parse_options(argc, argv);
    if (!options) {
        const load::usage_exit& exit = options.error();
        std::fputs(exit.text.c_str(), exit.status == 0 ? stdout : stderr);
        return exit.status;
    }
    const std::uint32_t clients = options->fleet.shape.clients;
    if (!raise_descriptor_limit(clients + descriptors_of_its_own)) {
        return say(usage, "--clients: not that many descriptors are allowed (ulimit -n)");
    }
    const auto addresses = net::resolve(options->address);
    if (!addresses) {
        return say(not_connected, options->address.text() + ": " + addresses.error().message());
    }
    options->fleet.address = addresses->front();
    load::fleet fleet{std::move(options->fleet)};
    const auto result = fleet.run();
    if (!result) {
        return say(not_connected, result.error());
    }
    std::fputs(load::to_table(*result).c_str(), stdout);
    for (const auto& [name, text] :
         {std::pair{options->json_file, load::to_json(*result)},
          std::pair{options->missing_file, result->missing}}) {
        if (!name.empty() && !(std::ofstream{name} << text << std::flush)) {
            return say(broken, name + ": " + std::strerror(errno));
        }
    }
    return result->passed() ? kept : broken;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        return say(broken, error.what());
    }
}
