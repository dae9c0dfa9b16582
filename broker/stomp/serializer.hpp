#pragma once

// Builds STOMP frames. Values given as `raw` are appended unchanged, those given as `text` are
// escaped. A writer is reused (it keeps its capacity), and its bytes are appended to an outbox
// once.
//
// REQUIRES: raw names and values hold no LF and no NUL. Those of a parsed frame never do.

#include "broker/stomp/frame.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace stomp {

class serializer {
public:
    serializer& begin(command c);                                   // clears, then the command line
    serializer& raw(std::string_view name, std::string_view value); // one header line, unchanged
    serializer& text(std::string_view name, std::string_view value, version v); // escaped
    serializer& number(std::string_view name, std::uint64_t value);
    // All headers of `frame` but repeats (first one counts) and those for which `owned(name)` is
    // true.
    template <class Owned>
    serializer& forward(const frame_view& frame, Owned owned);
    std::string_view end(std::string_view body = {}); // blank line, body, NUL
    // Without body and NUL, for a head that is followed by a shared payload.
    std::string_view end_head();

    std::string_view bytes() const noexcept { return buffer_; }

private:
    static bool repeated(const frame_view& frame, std::size_t index) noexcept;
    std::string buffer_;
};

template <class Owned>
serializer& serializer::forward(const frame_view& frame, Owned owned)
{
    for (std::size_t i = 0; i < frame.headers.size(); ++i) {
        const header& h = frame.headers[i];
        if (!owned(h.name) && !repeated(frame, i)) {
            raw(h.name, h.value);
        }
    }
    return *this;
}

// A whole frame as bytes; for tests and rare frames.
std::string to_bytes(const frame& f);

} // namespace stomp
