#pragma once

// Plain STOMP over a stream socket: the bytes as they are. STOMP 1.2, "Overview": the protocol
// assumes a reliable two-way stream such as TCP.
//
// Threading, Lifetime: transport.hpp.

#include "gateway/transports/transport.hpp"

namespace gateway {

class tcp_transport final : public transport {
public:
    std::size_t greeting_bytes_max(const door&) const noexcept override { return 0; }
    greeting greet(std::string_view, std::size_t, const door&, net::outbox&) override;
    incoming
    next(std::span<char>& bytes, std::size_t message_bytes_max, net::connection& to) override;

    bool has_text() const noexcept override { return false; }
    void append_frame(
        net::outbox& out, std::string_view head, std::string_view body, bool text) const override;
    void append_frame(
        net::outbox& out, std::string_view head, const net::payload_ref& rest,
        bool text) const override;
    void append_beat(net::outbox& out, bool text) const override;
    // TCP keep-alive asks the peer's system (outside.md N7).
    bool has_question() const noexcept override { return false; }
    void append_question(net::outbox&) const override {}
    // The FIN says it. An ERROR would make some clients give up that a mere end makes come back.
    void append_close(net::outbox&, disconnect_reason, std::string_view) const override {}
    void
    append_fault(net::outbox& out, disconnect_reason why, std::string_view text) const override;
    void append_unavailable(net::outbox& out, std::string_view sentence) const override;
    void on_written(net::connection&) override {}
    std::size_t held() const noexcept override { return 0; }
};

} // namespace gateway
