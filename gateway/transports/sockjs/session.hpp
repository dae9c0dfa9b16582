#pragma once

// One SockJS session over HTTP. Its user is a carried connection, whose outbox has one line for each
// message: a JSON string. Requests come and go: at most one receives at a time, and any number send.
// Sources: sockjs-protocol 0.3.3, "Protocol and framing" and "Handling close".
//
// Threading:  one loop's thread.
// Lifetime:   owned by its hub. It begins with the first receiver and outlives its user for a while, so
//             that whoever asks again hears why it ended.
// Invariants:
// (1) The user's outbox is taken no faster than the receiver's socket takes it. So a slow receiver is
//     a slow client, whom its limits judge.
// (2) A receiver that breaks off ends the session: nobody knows what it got.
// (3) Without a receiver for disconnect_delay the session ends.

#include "broker/net/connection.hpp"
#include "broker/net/timer_wheel.hpp"
#include "gateway/transports/sockjs/message_text.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::sockjs {

class xhr_wire;

enum class receiver_kind : std::uint8_t {
    xhr,           // one frame, then the answer ends
    xhr_streaming, // many
    eventsource,   // many, as events
};

// An answer that is open for what a session says.
class receiver {
public:
    virtual receiver_kind kind() const = 0;
    virtual bool takes() const = 0; // else session::on_room() is called later
    virtual void write(std::string_view body) = 0;
    virtual void end() = 0; // the session's last call

protected:
    ~receiver() = default;
};

// A request that brings messages.
class sender {
public:
    virtual messages& brought() = 0;
    virtual void end(bool delivered) = 0; // the session's last call

protected:
    ~sender() = default;
};

class session;
class session_owner {
public:
    virtual void session_is_over(session& s) = 0; // it is kept for those who ask again
    virtual void remove_session(session& s) = 0;  // its last call: destroys it

protected:
    ~session_owner() = default;
};

struct session_settings {
    std::chrono::milliseconds heart_beat{25'000};
    std::chrono::milliseconds disconnect_delay{5'000};
    std::size_t response_bytes_max = std::size_t{128} * 1024;
};

class session final : private net::timer {
public:
    session(
        net::readiness_loop& loop, session_owner& owner, std::uint64_t key, std::string name,
        const session_settings& settings)
        : loop_(loop), owner_(owner), settings_(settings), name_(std::move(name)), key_(key)
    {
    }
    ~session() override;

    // ---- by receivers and senders
    void attach(receiver& r);
    void on_room();              // the receiver takes again
    void break_off(receiver& r); // its connection is gone. Idempotent
    // Ends at once, or once the user has read all.
    void send(sender& s);
    void forget(sender& s); // it is gone; what is not read yet is dropped
    // Null: it is over.
    const net::connection* user() const noexcept { return user_; }
    bool forgotten() const noexcept { return state_ == state::forgotten; }
    // Over, and kept for those who ask again.
    bool over() const noexcept { return state_ == state::over; }
    std::uint64_t key() const noexcept { return key_; }
    const std::string& name() const noexcept { return name_; }

    // ---- by the user's wire
    void bind(xhr_wire& wire, net::connection& user) noexcept;
    void on_user_turn();
    void on_user_closed();
    void will_close(std::string frame) { close_frame_ = std::move(frame); }

private:
    enum class state : std::uint8_t {
        opening, // nobody has been told so
        open,
        over,      // whoever asks gets the close frame
        forgotten, // to be removed
    };
    struct waiting_sender {
        sender* who;
        std::size_t next; // of its messages
    };

    void on_timer(net::time_point now) override;
    void write_frame(receiver& to, std::string_view frame);
    void pull();
    std::size_t gather(std::size_t bytes_max);
    std::size_t take_lines(std::string_view bytes, std::size_t bytes_max, bool last);
    void let_go();
    void end_user();
    void deliver();

    net::readiness_loop& loop_;
    session_owner& owner_;
    session_settings settings_;
    std::string name_;
    std::uint64_t key_;
    receiver* receiver_ = nullptr;
    net::connection* user_ = nullptr;
    xhr_wire* wire_ = nullptr;
    std::vector<waiting_sender> waiting_; // in order
    std::string close_frame_;
    std::size_t answered_ = 0; // bytes of frames in the receiver's answer
    state state_ = state::opening;
    bool in_frame_ = false; // an array is open in the receiver's answer
    bool in_line_ = false;  // and a message of it, too
    bool broken_off_ = false;
    bool delivering_ = false;
};

} // namespace gateway::sockjs
