#pragma once

// What a link's core asks of its driver. Each call is an effect: it appends to an outbox or queues
// an order, and never calls back into a core. Tests record the calls as a list. The simulator
// carries them over its own network.

#include "broker/ids.hpp"
#include "broker/stomp/serializer.hpp"

#include <cstdint>
#include <string_view>

namespace broker {

// How the frame came over WebSocket, so that it goes on the same way; what came over plain STOMP
// goes to a client as text when it is valid UTF-8, else as binary (design.md section 4).
enum class framing : std::uint8_t { text, binary, plain };

// Why a link was lost, where its driver ended it. (Behind "malformed" it did, too.)
inline constexpr std::string_view broker_was_silent =
    "the broker was silent for twice its heart-beat";

class link_effects {
public:
    virtual ~link_effects() = default;

    // One whole frame: `head` ends with the blank line; body and NUL follow it.
    virtual void
    write_link(link_id to, std::string_view head, std::string_view body, framing as) = 0;
    // Closes the transport at once; on_lost of that link is not called any more.
    virtual void close_link(link_id which) = 0;
    // True when nothing written to this link waits in its outbox or in the kernel (SIOCOUTQ).
    virtual bool link_flushed(link_id which) const = 0;

    // Scratch for building heads; its bytes live until the next use.
    stomp::serializer& scratch() noexcept { return scratch_; }

private:
    stomp::serializer scratch_;
};

} // namespace broker
