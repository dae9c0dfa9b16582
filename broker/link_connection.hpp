#pragma once

// The transport of one link: TCP or ws://, within TLS or not, STOMP frames in and out, heart-beats. It holds no rule
// of a session.
//
// Threading:  one loop's thread.
// Lifetime:   owned by its shard's table. lost() is the last call that it makes to the owner, from
//             the end of a turn.

#include "broker/color.hpp"
#include "broker/link_effects.hpp"
#include "broker/net/connection.hpp"
#include "broker/stomp/heart_beat.hpp"
#include "broker/stomp/limits.hpp"
#include "broker/stomp/parser.hpp"
#include "broker/websocket/codec.hpp"
#include "broker/websocket/pong_debt.hpp"
#include "broker/websocket/upgrade.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace tls {
class client_context;
} // namespace tls

namespace broker {

// The listener to a link's events: a shard, or a probe of an endpoint's health.
class link_owner {
public:
    virtual void link_open(link_id id) = 0; // transport is up, the upgrade was answered
    virtual void link_frame(link_id id, const stomp::frame_view& frame, framing as) = 0;
    // A MESSAGE larger than its bound: `head` may not be all of it.
    virtual void link_skipped(link_id id, const stomp::frame_view& head) = 0;
    virtual void link_drained(link_id id) = 0; // the outbox fell below half of its mark
    virtual void link_lost(link_id id, std::string why) = 0;
    // Instead of link_lost: the upgrade was answered with another status than 101.
    virtual void link_refused(link_id id, websocket::upgrade_refusal what) = 0;

protected:
    ~link_owner() = default;
};

// Where what goes over a link is counted; null: nowhere. They outlive the link.
struct link_meters {
    std::uint64_t* bytes_in = nullptr;
    std::uint64_t* bytes_out = nullptr; // handed to the outbox
    std::uint64_t* beats_in = nullptr;
    std::uint64_t* beats_out = nullptr;
};

struct link_transport {
    link_id id = link_id::none;
    broker::color color = broker::color::blue;
    bool websocket = false;
    websocket::upgrade_dial upgrade; // websocket
    std::shared_ptr<const tls::client_context> tls; // null: plain
    std::string tls_name;                           // whom its certificate must be for
    stomp::limits limits;
    std::size_t outbox_mark = 1024 * 1024; // limits.broker_outbox
    net::duration heart_beat{};            // the interval that CONNECT offers in both directions
    // Where the memory held for it is counted; null: nowhere. They outlive the link.
    std::uint64_t* input_meter = nullptr;
    std::uint64_t* outbox_meter = nullptr;
    link_meters meters;
};

class link_connection final : public net::connection, private net::timer {
public:
    link_connection(
        net::readiness_loop& loop, int descriptor, link_transport transport, link_owner& owner);
    ~link_connection() override;

    // One whole frame; see link_effects::write_link.
    void write_frame(std::string_view head, std::string_view body, framing as);
    // The owner does not want to hear of it any more. abandon: closed at the end of this turn.
    // farewell: what is queued is written, a WebSocket's close frame behind it, and the broker has
    // a second to end the connection (RFC 6455, 7.1.1). Whoever owns it keeps it until gone().
    void abandon();
    void farewell();
    bool gone() const noexcept { return descriptor() < 0; }
    // TLS was refused by either side, which a 1.3 server does behind the handshake.
    bool tls_failed() const noexcept { return tls_failed_; }
    // A WebSocket, whose end is a close frame.
    bool speaks_websocket() const noexcept { return decoder_ != nullptr; }
    // Bytes that arrived meanwhile were not read yet, so the broker does not count as silent.
    void resume_reading()
    {
        beat_.on_received(loop().now());
        connection::resume_reading();
    }
    // The memory held for the broker's bytes: an HTTP head, an incomplete frame, a pong that is
    // owed, TLS's buffers.
    std::size_t kept_bytes() const noexcept
    {
        return partial_.capacity() + pongs_.bytes() + layer_held();
    }
    // This process did not run for a while: a broker that expects heart-beats gets one now.
    void beat_at_once(net::time_point now);
    bool flushed() const noexcept { return out().empty() && kernel_unsent() == 0; }
    link_id id() const noexcept { return transport_.id; }
    broker::color color() const noexcept { return transport_.color; }
    bool is_websocket() const noexcept { return transport_.websocket; }
    bool within_tls() const noexcept { return wrapped(); }

    // How far it came, and when; net::time_point{}: not so far.
    struct progress {
        net::time_point began{};
        net::time_point secured{}; // the TCP connection is there, or TLS within it
        net::time_point open{};    // link_open was told
        bool connected = false;    // a CONNECTED came
        bool malformed = false;    // it ended by what is no STOMP, or no WebSocket
        stomp::errc fault{};       // where it was STOMP
    };
    const progress& reached() const noexcept { return reached_; }

private:
    void on_connected() override;
    void on_bytes(std::span<char> bytes) override;
    void on_written() override;
    void on_peer_fin() override;
    void on_closed(boost::system::error_code reason) override;
    void on_timer(net::time_point now) override;

    void take(std::span<char> bytes);
    void feed(std::string_view bytes, framing as);
    std::size_t parse(std::string_view bytes, framing first, framing further);
    void deliver(const stomp::frame_view& frame, framing as);
    void decode(std::span<char> bytes);
    std::span<char> upgraded(std::span<char> bytes);
    void begin_heart_beat(const stomp::frame_view& connected);
    void write_beat(net::time_point now);
    void end(std::string why);
    void end_malformed(std::string why);
    void opened();
    void count(std::uint64_t* meter, std::uint64_t more = 1) const noexcept
    {
        if (meter != nullptr) {
            *meter += more;
        }
    }
    void judge_answer();
    void account() noexcept;
    void account(std::size_t input, std::size_t outbox) noexcept;

    link_transport transport_;
    link_owner* owner_;
    stomp::parser parser_{stomp::peer::broker};
    std::string partial_; // bytes of an incomplete frame, or of the HTTP head
    framing partial_as_ = framing::plain;         // binary: some of them came in a binary message
    std::unique_ptr<websocket::decoder> decoder_; // ws:// once upgraded
    std::unique_ptr<websocket::pending_upgrade> pending_;
    websocket::pong_debt pongs_;
    stomp::heart_beat beat_;
    std::string why_;
    std::unique_ptr<websocket::upgrade_refusal> refusal_;
    std::size_t counted_input_ = 0, counted_outbox_ = 0;
    std::uint64_t counted_out_ = 0; // of its outbox's bytes, in meters.bytes_out
    progress reached_;
    bool over_mark_ = false;
    bool tls_failed_ = false;
    bool said_ = false; // STOMP was appended; a pong is no sign of life to a STOMP broker
};

} // namespace broker
