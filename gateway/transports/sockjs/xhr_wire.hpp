#pragma once

// STOMP inside a SockJS session over HTTP: each frame to the client becomes a line of the outbox, a
// JSON string, which the session hands to whoever receives.
//
// Threading:  one loop's thread.
// Lifetime:   a part of the user's connection, which is a carried one. It and its session know each
//             other until one of them ends.

#include "gateway/transports/sockjs/session.hpp"
#include "gateway/transports/transport.hpp"

namespace gateway::sockjs {

// Of a close frame: c[code,"reason"].
std::string close_frame(unsigned code, std::string_view reason);
std::string close_frame(disconnect_reason why, std::string_view text);

class xhr_wire final : public transport {
public:
    // `altered` counts frames of which a byte became '?'; it outlives the wire.
    xhr_wire(session& over, net::connection& user, std::uint64_t* altered = nullptr);
    ~xhr_wire() override;
    void unbind() noexcept { session_ = nullptr; }

    static void append_message(net::outbox& out, std::string_view text);
    void end_with(std::string frame) const; // a close frame

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
    // The receiver's connection says whether the client is there; a poll comes again and again.
    bool has_question() const noexcept override { return false; }
    void append_question(net::outbox&) const override {}
    void
    append_close(net::outbox& out, disconnect_reason why, std::string_view text) const override;
    void append_fault(net::outbox& out, disconnect_reason why, std::string_view text) const override
    {
        append_close(out, why, text);
    }
    void append_unavailable(net::outbox& out, std::string_view sentence) const override;
    void on_written(net::connection&) override {}
    std::size_t held() const noexcept override { return 0; }
    void on_turn() override;
    void on_closed() override;

private:
    session* session_; // null: it is over
    std::uint64_t* altered_;
};

} // namespace gateway::sockjs
