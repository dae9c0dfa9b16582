#pragma once

// STOMP over WebSocket: the HTTP upgrade, then one unfragmented message for each frame.
//
// Threading, Lifetime: transport.hpp.

#include "broker/websocket/codec.hpp"
#include "broker/websocket/pong_debt.hpp"
#include "gateway/transports/transport.hpp"

namespace gateway {

// contract.md, "What bad input gets"; RFC 6455 section 7.4.1 for the rest.
websocket::close_code close_code_of(disconnect_reason why) noexcept;

class websocket_transport final : public transport {
public:
    std::size_t greeting_bytes_max(const door& at) const noexcept override
    {
        return at.upgrade.head_bytes_max;
    }
    greeting greet(
        std::string_view so_far, std::size_t looked_at, const door& at, net::outbox& out) override;
    incoming
    next(std::span<char>& bytes, std::size_t message_bytes_max, net::connection& to) override;

    bool has_text() const noexcept override { return true; }
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
    std::size_t held() const noexcept override { return pongs_.bytes(); }

private:
    websocket::decoder decoder_{websocket::role::server};
    websocket::pong_debt pongs_;
};

} // namespace gateway
