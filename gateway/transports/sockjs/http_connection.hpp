#pragma once

// One HTTP connection of SockJS clients: requests one after the other, maybe of several sessions. The
// next request is looked at once the answer before it was taken.
//
// Threading:  one loop's thread.
// Lifetime:   owned by its hub, until on_closed or until its socket is given away.
// Limits:     a head of limits.http_head; a body as its session may bring; request_timeout for both,
//             with a second more for each 16 KiB that came; `stall` for an answer that nobody takes;
//             `idle` between two requests.

#include "broker/net/connection.hpp"
#include "gateway/transports/sockjs/answer.hpp"
#include "gateway/transports/sockjs/hub.hpp"
#include "gateway/transports/sockjs/request.hpp"
#include "gateway/transports/sockjs/session.hpp"

#include <memory>
#include <optional>
#include <string>

namespace gateway::sockjs {

class http_connection final : public net::connection,
                              private receiver,
                              private sender,
                              private net::timer {
public:
    http_connection(hub& owner, net::loose_socket socket, standing who, std::uint64_t number);
    ~http_connection() override;

    void begin(std::string bytes); // what was read before
    void drain();
    void read_or_not();
    void cut(); // closes at once; nothing that is queued is written
    void abandon() noexcept { session_ = nullptr; } // the hub ends

    const standing& who() const noexcept { return who_; }
    std::uint64_t number() const noexcept { return number_; }
    std::size_t held() const noexcept;
    // Waits for what a session says, and has all of it taken.
    bool receives() const noexcept { return state_ == state::receiving; }

private:
    enum class state : std::uint8_t {
        reading,   // a request, or waits for one
        receiving, // the answer is open for its session
        sending,   // the request's messages are not all read
        answered,  // and the answer is not all taken
        gone,      // closed, or given away
    };

    // net::connection
    void on_bytes(std::span<char> bytes) override;
    void on_written() override;
    void on_peer_fin() override;
    void on_closed(boost::system::error_code) override;
    bool unread_matters() const override { return false; }
    void on_timer(net::time_point now) override;
    // receiver
    receiver_kind kind() const override { return kind_; }
    bool takes() const override;
    void write(std::string_view body) override;
    void end() override;
    // sender
    messages& brought() override { return brought_; }
    void end(bool delivered) override;

    void advance();
    bool read_request();
    bool judge();
    bool reads_body();
    void act();
    void receive(const service& of);
    void send();
    void give_away_to_websocket();
    void hand_over(unsigned shard);
    handed_on let_go();
    void say(const answer& what);
    void say_not_found();
    void refuse(int status, std::string_view sentence);
    bool has_body() const noexcept;
    bool stays_open() const noexcept;
    void leave_session();
    void account() noexcept;
    void arm_clock();
    net::time_point deadline() const noexcept;

    hub& hub_;
    standing who_;
    std::uint64_t number_;
    std::string in_; // what is not taken yet
    std::size_t looked_at_ = 0;
    std::optional<request> request_;
    std::optional<route> route_;
    std::string name_; // of the session
    std::optional<body_reader> body_;
    messages brought_;
    session* session_ = nullptr;     // while receiving or sending
    net::time_point since_;          // the request's begin; of the answer: something was taken
    std::uint64_t read_at_ = 0;      // bytes_read() then
    std::size_t request_weight_ = 0; // memory of request_
    std::uint32_t charged_input_ = 0, charged_outbox_ = 0;
    state state_ = state::reading;
    receiver_kind kind_ = receiver_kind::xhr;
    bool keep_alive_ = true;
    bool begun_ = false;    // something of a request is there
    bool in_chunks_ = true; // the answer: not for HTTP/1.0
};

} // namespace gateway::sockjs
