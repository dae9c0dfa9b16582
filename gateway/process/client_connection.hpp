#pragma once

// One client's socket: PROXY header, TLS's handshake, what its transport makes of the bytes, STOMP frames,
// heart-beats. It holds no rule of a session. It hands frames to the router as long as the router
// wants them, and otherwise carries their bytes.
//
// Threading:  belongs to one shard.
// Lifetime:   owned by the shard's table from accept to on_closed. That may be long after the
//             session's end. It may also be before it: carried bytes are interpreted although the
//             socket is gone (switch.md S4).
// Invariants:
// (1) The transport is always read until limits.client_carry is full. So pings are answered and
//     CLOSE is seen.
// (2) Until a PROXY header that the listener demands is whole, nothing is written to the peer, and
//     nobody knows whose connection it is.
// (3) Before its CONNECTED a peer makes the gateway hold at most limits.frame_before_connect,
//     whatever it sends, and nothing once it has left.

#include "broker/net/connection.hpp"
#include "broker/stomp/heart_beat.hpp"
#include "broker/stomp/parser.hpp"
#include "broker/websocket/idle_watch.hpp"
#include "gateway/core/messages/message_kinds.hpp"
#include "gateway/core/tables/client_session.hpp"
#include "gateway/core/tables/effects.hpp"
#include "gateway/transports/sockjs/hub.hpp"
#include "gateway/transports/tcp/tcp_transport.hpp"
#include "gateway/transports/websocket/websocket_transport.hpp"

#include <memory>
#include <string>
#include <variant>

namespace tls {
class server_context;
} // namespace tls

namespace gateway {

class shard;
struct listener_config;

class client_connection final : public net::connection, private net::timer {
public:
    client_connection(
        shard& owner, net::loose_socket socket, std::size_t listener, std::uint64_t number);
    // The user of a SockJS session: a carried connection.
    client_connection(
        shard& owner, const sockjs::standing& who, std::uint64_t number, sockjs::session& over);
    ~client_connection() override;

    // ---- effects
    void write(std::string_view head, std::string_view body, framing as);
    void write(std::string_view head, const net::payload_ref& rest, framing as);
    void up(stomp::version version, std::string_view heart_beat, net::duration ours);
    void close(disconnect_reason reason, std::string_view text);
    void watch_written() noexcept { watch_written_ = true; }

    // ---- SockJS (client_sockjs.cpp)
    // Its requests so far were others'; the next one is a WebSocket's handshake.
    void go_on(sockjs::standing who, std::string bytes);
    void begin_session(
        std::vector<std::pair<std::string, std::string>> headers, websocket::client_place place);
    // Of one request's body.
    std::size_t body_bytes_max() const noexcept;
    // Its socket serves HTTP now: only this object is left of it.
    bool moved() const noexcept { return moved_; }

    // ---- by the shard
    // Interprets carried frames as far as the router wants them.
    void interpret(net::time_point now);
    void check_backlog(net::time_point now);
    void refuse(std::string_view sentence); // not now
    void turn_away(std::string_view why);   // it is no proxy's, or says nothing that one would say
    // It has waited for that (N27). Takes the first step, which is the one that costs.
    void begin_handshake(const std::shared_ptr<const tls::server_context>& from);
    // limits.buffered_total: closes at once. Queued bytes are not written.
    void cut();
    // The same from hold to commit: nobody goes, reading stops (S14).
    void stop_for_memory(bool on);
    bool connected() const noexcept { return connected_; }
    // Memory that is this connection's own, beside the object itself.
    std::size_t held() const noexcept { return held_input() + out().held(); }
    // What it sent that the router does not want yet.
    std::size_t carried_bytes() const noexcept { return partial_.size(); }
    // REQUIRES: connected(). Has something to take, and took nothing for that long.
    bool stalled_for(net::duration span, net::time_point now) const noexcept
    {
        return !out().empty() && now - since_ >= span;
    }
    // The gateway goes away: closed (1012) once nothing is owed, to be asked again until then. `at_once`:
    // whatever is owed. True: it is closing.
    bool send_away(bool at_once);

    // It counts in the listener's gauge, and for its address where limits.clients_per_address is
    // set.
    void set_counted(bool on = true) noexcept { counted_ = on; }
    void set_counted_address();
    bool counted() const noexcept { return counted_; }
    std::string counted_address() const; // empty: it is not counted
    // Who the client is, as net::peer_address() writes it: whom the PROXY header named, else the peer.
    std::string peer() const;
    std::size_t listener() const noexcept { return listener_; }
    std::uint64_t number() const noexcept { return number_; } // in the shard's table

    session_id session() const noexcept { return session_; }
    bool over_mark() const noexcept { return level_ != backlog::below; }
    bool socket_gone() const noexcept { return socket_gone_; }
    // This process did not run for a while. A client that expects heart-beats gets one now.
    void beat_at_once(net::time_point now);

private:
    enum class stage : std::uint8_t {
        proxy_header, // the listener demands one
        hello,        // the first bytes of a TLS handshake
        securing,     // it waits for its turn, then it is under way
        greeting,     // the transport's first bytes
        open,         // STOMP bytes come
    };
    using any_transport =
        std::variant<websocket_transport, tcp_transport, std::unique_ptr<transport>>;
    // Frames in the outbox that are larger than its wall.
    struct large_frames {
        std::uint64_t until = 0; // where in all that was appended the last of them ends
        std::size_t bytes = 0;
    };

    void on_connected() override;
    void on_bytes(std::span<char> bytes) override;
    void on_written() override;
    void on_peer_fin() override;
    bool unread_matters() const override { return connected_; }
    void on_closed(boost::system::error_code reason) override;
    void on_carried_turn() override { wire().on_turn(); }
    void on_timer(net::time_point now) override;

    void take(std::span<char> bytes);
    std::span<char> read_proxy_header(std::span<char> bytes);
    stage first_stage() const noexcept; // behind the PROXY header
    void await_handshake(std::span<char> hello);
    void leave_gate();
    // Its first bytes are kept, and none more may be read.
    bool waits_for_turn() const noexcept { return stage_ == stage::securing && !wrapped(); }
    void handshake_failed(const std::string& why);
    std::span<char> greet(std::span<char> bytes);
    sockjs::wish sockjs_wish(std::size_t looked_at);
    void serve_http(std::span<const char> rest);
    void
    open(std::vector<std::pair<std::string, std::string>> headers, websocket::client_place place);
    const listener_config& place() const noexcept;
    static transport& as_transport(transport& one) noexcept { return one; }
    static transport& as_transport(const std::unique_ptr<transport>& one) noexcept { return *one; }
    transport& wire() noexcept
    {
        return std::visit([](auto& one) -> transport& { return as_transport(one); }, transport_);
    }
    const transport& wire() const noexcept { return const_cast<client_connection*>(this)->wire(); }
    void decode(std::span<char> bytes);
    void feed(std::string_view bytes, bool binary);
    bool came_binary(std::size_t from, std::size_t to) noexcept;
    bool goes_as_text(bool may) const noexcept;
    std::size_t parse(std::string_view bytes);
    void peer_left(disconnect_reason how);
    void tell_gone();
    void drain();
    void write_beat(net::time_point now);
    void run_idle_watch(net::time_point now);
    void close_silent(std::string_view text);
    void arm_clocks();
    // With the clocks of a client that cannot be heard.
    void stop_reading();
    void go_on_reading(net::time_point now);
    void wrote(std::size_t frame_bytes);
    std::size_t backlog_bytes() const noexcept;
    void keep(std::string_view more);
    void let_go_of_room();
    void drop_input() noexcept;
    void bound_input();
    void judge_pile(net::time_point now);
    bool carry_is_full() const noexcept;
    std::size_t room_before_connect() const noexcept;
    // A head or a frame without its end, what is carried, a pong that is owed, TLS's buffers.
    std::size_t held_input() const noexcept
    {
        const std::size_t room = partial_.capacity();
        return (room > std::string{}.capacity() ? room : 0) + kinds_.weight() + wire().held() +
               layer_held();
    }
    void account() noexcept;
    stomp::limits frame_limits() const noexcept;

    shard& shard_;
    session_id session_ = session_id::none;
    any_transport transport_;
    stomp::parser parser_;
    // PROXY header, then the greeting, then STOMP bytes that are not interpreted yet.
    std::string partial_;
    // While it is counted or in the gate, or until the session knows it.
    std::unique_ptr<std::string> peer_;
    std::unique_ptr<large_frames> large_;
    stomp::heart_beat beat_;
    websocket::idle_watch idle_;
    // When it was accepted; from its CONNECTED on: when something of the outbox was taken, or it was
    // empty.
    net::time_point since_;
    [[no_unique_address]] message_kinds kinds_; // of the messages that partial_ came in
    std::uint64_t number_;
    std::uint32_t charged_input_ = 0, charged_outbox_ = 0;
    std::uint16_t listener_;
    backlog level_ = backlog::below;
    disconnect_reason left_how_ = disconnect_reason::reset;
    stage stage_;
    bool said_ = false; // STOMP was appended; a pong is no sign of life to a STOMP client
    bool connected_ : 1 = false;
    bool said_binary_ : 1 = false, said_text_ : 1 = false; // some of its STOMP frames were
    bool left_ : 1 = false; // the client is gone; the router hears of it when nothing is carried
    bool told_ : 1 = false; // the session is over
    bool watch_written_ : 1 = false;
    bool socket_gone_ : 1 = false; // on_closed came while bytes were carried
    bool counted_ : 1 = false, address_counted_ : 1 = false;
    bool stopped_ : 1 = false; // stop_for_memory
    bool in_gate_ : 1 = false; // its TLS handshake waits or is under way
    bool parsing_ : 1 = false; // partial_ is being read: it must not be freed
    bool moved_ : 1 = false;

public: // by the shard; here for the sake of the size
    bool backlog_listed : 1 = false, resume_listed : 1 = false;
};

// The budget of an idle client's socket; its transport and the parser are within it.
static_assert(sizeof(client_connection) <= 448);

} // namespace gateway
