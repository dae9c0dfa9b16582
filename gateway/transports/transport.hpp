#pragma once

// How one client's STOMP bytes are wrapped on its socket. client_connection owns the socket, the
// clocks and the limits, and asks its transport what incoming bytes mean and how outgoing ones are
// written. A transport makes no call of its own and knows no session.
//
// Threading:  belongs to one shard.
// Lifetime:   a part of its connection.
// Invariants:
// (1) It keeps none of the client's STOMP bytes: data() points into the bytes that were given. SockJS's
//     framed WebSocket keeps a message until its JSON is whole, and says so in held().
// (2) One STOMP frame to the client is appended in one call, so that nothing gets between its parts.

#include "broker/net/connection.hpp"
#include "broker/net/outbox.hpp"
#include "broker/websocket/upgrade.hpp"
#include "gateway/telemetry/metrics.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

// What a listener demands of its clients' first bytes.
struct door {
    const websocket::upgrade_policy& upgrade;
    websocket::hop from = websocket::hop::peer;
};

// What came of a client's first bytes.
struct greeting {
    enum class outcome : std::uint8_t {
        unfinished, // more bytes are needed
        accepted,   // the first `used` bytes were the greeting
        refused,    // the answer is in the outbox; the connection is to be closed
    };
    outcome came = outcome::unfinished;
    std::size_t used = 0;
    reject_reason why = reject_reason::handshake; // refused
    std::string reason;                           // refused: a sentence for the log; may be empty
    std::vector<std::pair<std::string, std::string>> headers; // accepted: said again to brokers
    websocket::client_place place;
};

// What the front of the bytes behind the greeting is.
struct incoming {
    enum class kind : std::uint8_t {
        need_more, // all bytes are taken
        data,      // `payload`: STOMP bytes
        control,   // of the transport's own: dealt with
        closed,    // the client says goodbye; the answer is in the outbox
        failed,    // `fault`: the stream is lost; the answer is in the outbox
    };
    kind what = kind::need_more;
    std::span<char> payload;
    bool binary = false; // data: it came as such
    frame_error fault = frame_error::parse;
};

class transport {
public:
    virtual ~transport();

    // ---- in
    // The longest greeting; 0: there is none, and the first byte is STOMP's.
    virtual std::size_t greeting_bytes_max(const door& at) const noexcept = 0;
    // `so_far`: all bytes since the connection began, of which `looked_at` were given before.
    virtual greeting
    greet(std::string_view so_far, std::size_t looked_at, const door& at, net::outbox& out) = 0;
    // Takes one thing off the front of `bytes`, which may be changed in place. Call until need_more.
    virtual incoming
    next(std::span<char>& bytes, std::size_t message_bytes_max, net::connection& to) = 0;

    // ---- out
    // Whether it tells text from binary messages; else `text` means nothing.
    virtual bool has_text() const noexcept = 0;
    // A whole frame but for the NUL at its end, which is added.
    virtual void append_frame(
        net::outbox& out, std::string_view head, std::string_view body, bool text) const = 0;
    // A whole frame, whose last part is shared with other clients.
    virtual void append_frame(
        net::outbox& out, std::string_view head, const net::payload_ref& rest, bool text) const = 0;
    virtual void append_beat(net::outbox& out, bool text) const = 0;
    // Whether there is something that every client must answer.
    virtual bool has_question() const noexcept = 0;
    virtual void append_question(net::outbox& out) const = 0; // REQUIRES: has_question()
    // The session is over, and its ERROR was appended where it has one.
    virtual void
    append_close(net::outbox& out, disconnect_reason why, std::string_view text) const = 0;
    // The connection ends for a reason that no ERROR has told.
    virtual void
    append_fault(net::outbox& out, disconnect_reason why, std::string_view text) const = 0;
    // In place of the greeting's answer: not now.
    virtual void append_unavailable(net::outbox& out, std::string_view sentence) const = 0;
    virtual void on_written(net::connection& to) = 0;
    // Memory beside the object itself.
    virtual std::size_t held() const noexcept = 0;
    // Of a carried connection: its turn is over; it is closed.
    virtual void on_turn() {}
    virtual void on_closed() {}
    // How large a message may be in its wrapping that has so many bytes without.
    virtual std::size_t wrapped_bytes_max(std::size_t bytes) const noexcept { return bytes; }
};

} // namespace gateway
