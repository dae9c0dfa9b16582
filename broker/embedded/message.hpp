#pragma once

// One message as it lies in queues: the parts of a MESSAGE frame that are the same for all
// receivers.
//
// Threading:  one loop's thread (the payload's reference count is a plain integer).

#include "broker/net/payload.hpp"
#include "broker/stomp/frame.hpp"
#include "broker/stomp/serializer.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace embedded {

struct message {
    net::payload_ref wire;                        // header lines, blank line, body, NUL
    stomp::version encoded = stomp::version::v12; // whose escapes the header lines have
    bool alike = true;                            // the same bytes in every version
    bool own = false;                             // SENT to a destination of the gateway's own

    // What it is charged with where it is queued, as if nobody shared it.
    std::size_t cost() const noexcept { return wire->size() + 64; }
};

struct encoding {
    stomp::version version = stomp::version::v12; // the sender's
    std::string_view reply_to;                    // raw; replaces the sender's where not empty
    bool own = false;
};
// Forwards the headers of a SEND raw, but for those that say something to or from this broker only.
message
encode_message(stomp::serializer& scratch, const stomp::frame_view& send, const encoding& how);

// The bytes for a subscriber of that version; built anew in the rare case that its escapes differ.
net::payload_ref wire_for(const message& m, stomp::version to);

} // namespace embedded
