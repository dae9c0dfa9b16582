#include "gateway/memory/shedding.hpp"

#include <algorithm>

namespace gateway {

std::vector<std::size_t> choose_shed(std::vector<shed_candidate> all, std::uint64_t excess)
{
    const auto little = [](const shed_candidate& c) {
        return c.what == shed_class::stranger && c.bytes < stranger_bytes_little;
    };
    std::uint64_t sum = 0, of_little = 0;
    for (const shed_candidate& c : all) {
        sum += c.bytes;
        of_little += little(c) ? c.bytes : 0;
    }
    std::erase_if(all, [&](const shed_candidate& c) {
        return c.bytes < shed_bytes_min || (of_little < excess && little(c)) ||
               (sum < excess && c.what == shed_class::connected && c.bytes < shed_bytes_much);
    });
    std::ranges::sort(all, [](const shed_candidate& a, const shed_candidate& b) {
        return a.what != b.what ? a.what < b.what
               : a.bytes != b.bytes ? a.bytes > b.bytes
                                    : a.index < b.index;
    });
    std::vector<std::size_t> chosen;
    std::uint64_t gone = 0;
    for (const shed_candidate& c : all) {
        if (gone >= excess) {
            break;
        }
        gone += c.bytes;
        chosen.push_back(c.index);
    }
    return chosen;
}

} // namespace gateway
