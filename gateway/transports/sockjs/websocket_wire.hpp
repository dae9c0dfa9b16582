#pragma once

// STOMP inside SockJS's frames inside WebSocket messages (BASE/SERVER/SESSION/websocket): `o`, then
// a["..."] for each frame to the client, and from it a JSON string or an array of them in each message.
// The session is the connection's: nothing is kept when it ends.
//
// Threading:  one loop's thread.
// Lifetime:   a part of its connection.

#include "broker/net/timer_wheel.hpp"
#include "broker/websocket/codec.hpp"
#include "broker/websocket/pong_debt.hpp"
#include "gateway/transports/sockjs/message_text.hpp"
#include "gateway/transports/transport.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace gateway::sockjs {

class websocket_wire final : public transport, private net::timer {
public:
    explicit websocket_wire(
        net::connection& at, std::chrono::milliseconds heart_beat = std::chrono::seconds{25})
        : at_(at), heart_beat_(heart_beat)
    {
    }
    // `altered` counts frames of which a byte became '?'; it outlives the wire.
    websocket_wire(net::connection& at, std::uint64_t& altered) : websocket_wire(at)
    {
        altered_ = &altered;
    }

    static void append_message(net::outbox& out, std::string_view text);
    // A close frame of SockJS's, then WebSocket's.
    static void append_end(net::outbox& out, std::string_view frame, websocket::close_code code);

    std::size_t greeting_bytes_max(const door& at) const noexcept override
    {
        return at.upgrade.head_bytes_max;
    }
    greeting greet(
        std::string_view so_far, std::size_t looked_at, const door& at, net::outbox& out) override;
    incoming
    next(std::span<char>& bytes, std::size_t message_bytes_max, net::connection& to) override;
    bool has_text() const noexcept override { return false; }
    void append_frame(
        net::outbox& out, std::string_view head, std::string_view body, bool text) const override;
    void append_frame(
        net::outbox& out, std::string_view head, const net::payload_ref& rest,
        bool text) const override;
    void append_beat(net::outbox& out, bool text) const override;
    bool has_question() const noexcept override { return true; }
    void append_question(net::outbox& out) const override;
    void
    append_close(net::outbox& out, disconnect_reason why, std::string_view text) const override;
    void append_fault(net::outbox& out, disconnect_reason why, std::string_view text) const override
    {
        append_close(out, why, text);
    }
    void append_unavailable(net::outbox& out, std::string_view sentence) const override;
    void on_written(net::connection& to) override;
    std::size_t held() const noexcept override
    {
        return pongs_.bytes() + message_.capacity() + came_.held();
    }
    // JSON says a quote or an end of line with two characters.
    std::size_t wrapped_bytes_max(std::size_t bytes) const noexcept override { return 2 * bytes; }

private:
    void on_timer(net::time_point now) override;
    bool take_message(std::span<const char> part, bool end);
    incoming fail(net::connection& to, websocket::close_code code, std::string_view reason);

    net::connection& at_;
    std::chrono::milliseconds heart_beat_;
    websocket::decoder decoder_{websocket::role::server};
    websocket::pong_debt pongs_;
    std::string message_; // the part of one that is there
    messages came_;       // that is being read
    std::size_t next_ = 0;
    std::uint64_t* altered_ = nullptr;
};

} // namespace gateway::sockjs
