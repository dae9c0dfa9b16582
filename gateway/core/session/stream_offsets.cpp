#include "gateway/core/session/stream_offsets.hpp"

#include <algorithm>
#include <charconv>

namespace gateway {

namespace {

constexpr std::string_view offset_header = "x-stream-offset";

std::optional<std::uint64_t> number_from(std::string_view text)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{value}
                                                                    : std::nullopt;
}

bool is_offset_line(std::string_view line)
{
    return line.starts_with(offset_header) && line.substr(offset_header.size()).starts_with(':');
}

} // namespace

std::unique_ptr<stream_place> read_stream(const stomp::frame_view& subscribe)
{
    const auto begins = subscribe.find(offset_header);
    if (!begins && subscribe.find("x-queue-type") != std::string_view{"stream"}) {
        return nullptr;
    }
    auto place = std::make_unique<stream_place>();
    place->fixed_start = begins == std::string_view{"first"} ||
                         (begins && begins->starts_with("offset=") &&
                          number_from(begins->substr(std::string_view{"offset="}.size())));
    return place;
}

std::optional<std::uint64_t> stream_offset_of(const stomp::frame_view& message)
{
    const auto value = message.find(offset_header);
    return value ? number_from(*value) : std::nullopt;
}

std::optional<std::uint64_t> stream_offset_of(std::string_view header_lines)
{
    while (!header_lines.empty() && header_lines.front() != '\n') {
        const auto end = std::min(header_lines.find('\n'), header_lines.size());
        const auto line = header_lines.substr(0, end);
        if (is_offset_line(line)) {
            return number_from(line.substr(offset_header.size() + 1));
        }
        header_lines.remove_prefix(std::min(end + 1, header_lines.size()));
    }
    return std::nullopt;
}

// T1.
std::string head_behind(std::string_view head, const stream_place& place, broker::color c)
{
    if (!place.given[c]) {
        return std::string{head};
    }
    std::string out;
    while (!head.empty()) {
        const auto end = std::min(head.find('\n') + 1, head.size());
        if (!is_offset_line(head.substr(0, end))) {
            out.append(head.substr(0, end));
        }
        head.remove_prefix(end);
    }
    out.append(offset_header).append(":offset=");
    out.append(std::to_string(*place.given[c] + 1)).append("\n");
    return out;
}

} // namespace gateway
