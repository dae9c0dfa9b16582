#pragma once

// One client of the fleet: connects, subscribes to all its destinations, sends numbered messages,
// acknowledges, heart-beats, and leaves in order.
//
// Threading:  its loop's thread.
// Lifetime:   owned by the fleet, until the fleet's end; on_gone is the last call it makes.
// Limits:     `outbox_bytes_max` queued bytes; has_room() answers no above it.
// Invariants:
// (1) on_subscribed comes once, when the RECEIPT of every SUBSCRIBE is there.
// (2) After leave() nothing counts as a disconnect: this side ended the session.

#include "broker/net/connection.hpp"
#include "broker/stomp/heart_beat.hpp"
#include "broker/stomp/serializer.hpp"
#include "tests/load/checker.hpp"
#include "tests/load/frame_stream.hpp"
#include "tests/load/numbered_body.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace load {

enum class ack_mode : std::uint8_t {
    automatic,  // ack:auto
    cumulative, // ack:client; every tenth message is acknowledged
    individual, // ack:client-individual; every message is
};
std::string_view to_string(ack_mode mode) noexcept; // as in the ack header

// The same for all clients.
struct client_settings {
    dial_target target;
    std::string virtual_host;
    std::string login, passcode;   // empty: not said
    bool login_per_client = false; // login-N: every client is an identity of its own
    ack_mode acks = ack_mode::automatic;
    confirmation confirm = confirmation::flush;
    // Each SEND has a header of that name, unique over all runs; empty: none.
    std::string id_header, run;
    std::size_t outbox_bytes_max = 256 * 1024;
};

// Scratch that all clients of a loop share.
struct client_commons {
    stomp::serializer writer;
    stomp::frame_view frame;
    numbered_body body;
};

enum class ending : std::uint8_t {
    orderly,      // DISCONNECT was answered
    unanswered,   // closed after our DISCONNECT, without its RECEIPT
    disconnected, // before our DISCONNECT, not by us
};

class client_owner {
public:
    virtual void on_subscribed(std::uint32_t client) = 0;
    virtual void on_delivery(
        std::uint32_t client, stream_kind subscription, const message_number& number,
        redelivered again) = 0;
    virtual void on_receipt(stream_id stream, std::uint32_t sequence) = 0;
    virtual void on_flushed(std::uint32_t client) = 0;
    virtual void on_error(std::uint32_t client, std::string what) = 0;
    virtual void on_gone(std::uint32_t client, ending how, const std::string& why) = 0;

protected:
    ~client_owner() = default;
};

class load_client final : public net::connection, private frame_sink {
public:
    struct place {
        std::uint32_t number;
        const workload& plan;
        const client_settings& settings;
        client_commons& commons;
        client_owner& owner;
    };
    load_client(net::readiness_loop& loop, int descriptor, const place& at);

    bool gone() const noexcept { return state_ == state::gone; }
    bool has_room() const noexcept { return out().size() < settings_.outbox_bytes_max; }
    enum class wrapped : bool { no, in_transaction };
    void send(const message_number& number, wrapped how);
    // A last SEND; its RECEIPT says that all before it was received.
    void flush_sends();
    // Acknowledges the rest and says DISCONNECT; on_gone follows.
    void leave();

private:
    enum class state : std::uint8_t {
        connecting,  // TCP, upgrade
        logging_in,  // CONNECT sent
        subscribing, // SUBSCRIBEs sent
        ready,       // may send
        leaving,     // DISCONNECT sent
        left,        // its RECEIPT is there
        gone,        // closed
    };
    struct beat_timer final : net::timer {
        explicit beat_timer(load_client& c) noexcept : client(c) {}
        void on_timer(net::time_point now) override { client.on_beat(now); }
        load_client& client;
    };

    void on_connected() override;
    void on_bytes(std::span<char> bytes) override;
    void on_peer_fin() override;
    void on_closed(boost::system::error_code reason) override;
    void on_open() override;
    void on_frame(const stomp::frame_view& frame) override;

    void on_beat(net::time_point now);
    void subscribe(const stomp::frame_view& connected);
    void on_message(const stomp::frame_view& frame);
    void on_receipt_frame(std::string_view id);
    void on_error_frame(const stomp::frame_view& frame);
    void on_left();
    void acknowledge(const stomp::frame_view& message);
    void write_ack(std::string_view id);
    void write(std::string_view frame);
    void end(std::string why);

    const std::uint32_t number_;
    const workload& plan_;
    const client_settings& settings_;
    client_commons& commons_;
    client_owner& owner_;
    frame_stream stream_;
    stomp::heart_beat beat_;
    beat_timer beat_timer_{*this};
    std::array<std::string, 3> destinations_;
    std::string ack_pending_; // ack id of the newest message not acknowledged yet (cumulative)
    std::string why_;
    std::uint32_t unacked_ = 0;
    std::uint32_t subscriptions_open_ = 0;
    stomp::version version_ = stomp::version::v12;
    state state_ = state::connecting;
};

} // namespace load
