#pragma once

// Remembers what ended a shared link: destinations and header lines that a broker answered with an
// ERROR and the end of the link. For a while every session of that identity sends frames with such
// a line on a link of its own (switch.md E6).
//
// Threading:  belongs to one shard.
// Invariants:
// (1) At most identities_max identities are remembered, each with lines_max lines, for
//     remembered_for. Three values of one header count as all values of it. So a client that draws
//     a new value each time hurts its neighbours three times, not for ever. A full list counts as
//     all values, too.

#include "broker/net/time.hpp"
#include "broker/quoted_lines.hpp"
#include "broker/stomp/frame.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

class ended_links {
public:
    // `identity`: its key.
    void remember(
        std::string_view identity, const std::vector<broker::header_line>& lines,
        net::time_point now);
    // Whether a frame of that identity would end a link.
    bool would_end(std::string_view identity, const stomp::frame_view& frame, net::time_point now);
    bool empty() const noexcept { return identities_.empty(); }
    std::size_t size() const noexcept { return identities_.size(); }

    static constexpr auto remembered_for = std::chrono::minutes{10};
    static constexpr std::size_t identities_max = 256, lines_max = 16, values_max = 3;

private:
    struct known_line {
        broker::header_line line;
        net::time_point until;
    };
    void forget_old(net::time_point now);
    static std::string_view kind_of(const broker::header_line& line) noexcept;
    static bool says(
        const std::vector<known_line>& known, std::string_view name, std::string_view value);

    std::map<std::string, std::vector<known_line>, std::less<>> identities_;
    net::time_point looked_at_{};
};

} // namespace gateway
