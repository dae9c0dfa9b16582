#pragma once

// STOMP frames over one byte stream, from the client's side: a WebSocket (with its upgrade) or
// plain TCP. No I/O: bytes come in, frames go to the sink, answers are appended to the outbox.
//
// Threading:  none of its own.
// Limits:     frames and WebSocket messages of `frame_bytes_max`; an HTTP head of
//             http_head_bytes_max.
// Invariants:
// (1) Bytes are copied only while a frame is incomplete at the end of a read.

#include "broker/net/outbox.hpp"
#include "broker/stomp/parser.hpp"
#include "broker/websocket/codec.hpp"
#include "broker/websocket/upgrade.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace load {

inline constexpr std::size_t frame_bytes_max = 16 * 1024 * 1024;

// Where to, and what to offer there.
struct dial_target {
    enum class transport : std::uint8_t { websocket, tcp };
    transport over = transport::websocket;
    std::string host_port; // as dialled, and for the Host header
    std::string path = "/";
    std::vector<stomp::version> versions{stomp::version::v12};
    bool subprotocol = true; // offer it in the upgrade
};

class frame_sink {
public:
    virtual void on_open() = 0; // frames may be written
    virtual void on_frame(const stomp::frame_view& frame) = 0;

protected:
    ~frame_sink() = default;
};

class frame_stream {
public:
    enum class outcome : std::uint8_t {
        open,
        closed, // the peer's WebSocket close; it was answered
        failed, // not what the protocols allow; why() says what
    };

    explicit frame_stream(const dial_target& target); // which outlives it

    // The connection is there.
    void start(net::outbox& out, frame_sink& sink);
    void write(net::outbox& out, std::string_view frame);
    void write_close(net::outbox& out); // WebSocket: the close frame; plain TCP has none
    void set_version(stomp::version v) noexcept { parser_.set_version(v); }

    // `scratch` is reused between calls. After closed or failed nothing more is parsed.
    outcome
    feed(std::span<char> bytes, net::outbox& out, stomp::frame_view& scratch, frame_sink& sink);
    const std::string& why() const noexcept { return why_; }

private:
    outcome take_head(std::span<char>& bytes, frame_sink& sink);
    outcome take_messages(
        std::span<char> bytes, net::outbox& out, stomp::frame_view& scratch, frame_sink& sink);
    bool take_frames(std::string_view bytes, stomp::frame_view& scratch, frame_sink& sink);
    outcome fail(std::string why);

    const dial_target& target_;
    websocket::pending_upgrade upgrade_;
    websocket::decoder decoder_{websocket::role::client};
    stomp::parser parser_;
    std::string partial_; // HTTP head, then the front of an incomplete frame
    std::string why_;
    bool head_done_ = false;
    bool over_ = false;
    bool close_sent_ = false;
};

} // namespace load
