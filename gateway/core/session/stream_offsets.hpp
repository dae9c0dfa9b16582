#pragma once

// Where a client is in a stream (RabbitMQ `x-queue-type:stream`), so that its subscription can be
// made again after the last message that it was given. A stream returns nothing by itself and
// delivers nothing twice by itself: only the start of the subscription matters. switch.md T1 to T3.
//
// Source:     RabbitMQ 3.10.8, live: a MESSAGE names its place in `x-stream-offset`, which a sender
//             cannot forge. SUBSCRIBE takes `x-stream-offset:offset=N` and begins exactly at N. A
//             classic queue closes the link for that header, so only a subscription that says that
//             it is a stream gets one.
// Invariant:  only what was given to the client moves `given`. What was read and kept in order to
//             go back does not.

#include "broker/color.hpp"
#include "broker/stomp/frame.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

struct stream_place {
    // `first` and `offset=N` find the same place again where nothing was given yet; `next` (the
    // default), `last` and a time do not.
    bool fixed_start = false;
    broker::per_color<std::optional<std::uint64_t>> given; // the newest offset, by message world

    // Whether a SUBSCRIBE there goes on where the client is.
    bool goes_on_at(broker::color c) const noexcept { return fixed_start || given[c].has_value(); }
};

// Null: not a stream's SUBSCRIBE.
std::unique_ptr<stream_place> read_stream(const stomp::frame_view& subscribe);

// Of a MESSAGE, and of its header lines as they are kept.
std::optional<std::uint64_t> stream_offset_of(const stomp::frame_view& message);
std::optional<std::uint64_t> stream_offset_of(std::string_view header_lines);

// The SUBSCRIBE's header lines, so that it begins after the last message given there.
std::string
head_behind(std::string_view head, const stream_place& place, broker::color c);

} // namespace gateway
