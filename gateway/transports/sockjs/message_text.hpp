#pragma once

// SockJS messages as JSON: a string for each that goes to the client, an array of strings (or a
// string) from it. Sources: sockjs-protocol 0.3.3, "JSON Unicode Encoding"; RFC 8259.
//
// SockJS carries text only. A byte that belongs to no valid UTF-8 goes out as '?', so that a
// content-length stays true.
//
// Cost: what comes in is read event by event: there is no tree that is larger than its text.

#include "broker/net/outbox.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::sockjs {

// The inside of a JSON string. Returns how many bytes became '?'.
std::size_t append_quoted(net::outbox& out, std::string_view bytes);
std::size_t append_quoted(std::string& out, std::string_view bytes);
// One frame more of which so many bytes became '?'. null: nobody counts.
inline void count_altered(std::uint64_t* frames, std::size_t bytes) noexcept
{
    if (frames != nullptr && bytes > 0) {
        ++*frames;
    }
}
std::string in_quotes(std::string_view text); // with its quotes

// Messages behind each other: one buffer, and where each ends.
struct messages {
    std::string bytes;
    std::vector<std::uint32_t> ends;

    std::size_t count() const noexcept { return ends.size(); }
    std::string_view at(std::size_t n) const noexcept
    {
        const std::size_t begin = n == 0 ? 0 : ends[n - 1];
        return std::string_view{bytes}.substr(begin, ends[n] - begin);
    }
    std::size_t held() const noexcept
    {
        return bytes.capacity() + ends.capacity() * sizeof(std::uint32_t);
    }
};

enum class decoding : std::uint8_t {
    done,
    no_array, // JSON, but not what is asked for
    broken,   // no JSON, or no UTF-8
};
// `single`: one string without an array is allowed, too. A half of a surrogate pair without its
// other half, which JavaScript's strings can have, becomes U+FFFD. All or nothing is taken.
enum class single_string : bool { no, yes };
decoding decode_messages(std::string_view json, single_string single, messages& into);

} // namespace gateway::sockjs
