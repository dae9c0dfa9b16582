#pragma once

// An in-memory STOMP broker without I/O: frames come in, frames go to the sessions' sinks.
//
// Threading:  one loop's thread, or a simulator's; no globals, no clock of its own: `now` is given.
// Lifetime:   a session lives from open() to on_gone(); its sink must outlive it.
// Invariants:
// (1) A frame is processed wholly, and its RECEIPT written, before on_frame returns; a SEND is by
//     then in every queue that it goes to.
// (2) After an ERROR nothing more is written to that session and its sink is closed (STOMP 1.2,
//     "ERROR").
// (3) Same calls, same output: order never depends on addresses or time.

#include "broker/embedded/counters.hpp"
#include "broker/embedded/options.hpp"
#include "broker/embedded/queue_table.hpp"
#include "broker/embedded/refusal.hpp"
#include "broker/embedded/session.hpp"
#include "broker/net/hash_map.hpp"
#include "broker/stomp/error.hpp"
#include "broker/stomp/frame.hpp"
#include "broker/stomp/serializer.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace embedded {

// The versions that CONNECT may offer, as an ERROR names them.
inline constexpr std::string_view supported_versions = "1.0,1.1,1.2";

class broker_core {
public:
    explicit broker_core(broker_options options);
    broker_core(const broker_core&) = delete;
    broker_core& operator=(const broker_core&) = delete;

    session_id open(session_sink& sink, net::time_point now);
    // REQUIRES: `frame` was parsed in version(id). Frames of an ended session are ignored.
    void on_frame(session_id id, const stomp::frame_view& frame, net::time_point now);
    // The bytes of this session are not STOMP.
    void on_fault(session_id id, stomp::errc why, net::time_point now);
    // Any byte, heart-beats included.
    void on_received(session_id id, net::time_point now);
    // The sink's unsent() fell below outbox_bytes_max.
    void on_writable(session_id id, net::time_point now);
    // Its connection is gone; the sink is not used any more. The id must not be used again.
    void on_gone(session_id id, net::time_point now);

    // Handshake and heart-beats of one session; `never` once it ended.
    net::time_point next_deadline(session_id id) const;
    void on_deadline(session_id id, net::time_point now);

    stomp::version version(session_id id) const; // 1.2 until CONNECTED
    stomp::limits frame_limits(session_id id) const;
    const broker_options& options() const noexcept { return options_; }
    const counters& stats() const noexcept { return stats_; }
    const queue_table& queues() const noexcept { return queues_; }
    std::size_t sessions() const noexcept { return sessions_.size(); }

private:
    using outcome = std::optional<fault>; // nullopt: processed

    session* find(session_id id) const;
    outcome run(session& s, const stomp::frame_view& frame, net::time_point now);
    outcome on_connect(session& s, const stomp::frame_view& connect, net::time_point now);
    outcome check_login(const stomp::frame_view& frame) const;
    outcome on_send(session& s, const stomp::frame_view& frame, net::time_point now);
    outcome check_send(const destination& to, std::string_view text);
    void route(session& s, const stomp::frame_view& frame, net::time_point now);
    std::string reply_address(session& s, std::string_view temp_queue);
    outcome on_subscribe(session& s, const stomp::frame_view& frame);
    outcome choose_queue(
        session& s, const stomp::frame_view& frame, std::string_view text, message_queue*& chosen);
    outcome on_unsubscribe(session& s, const stomp::frame_view& frame, net::time_point now);
    outcome on_ack(session& s, const stomp::frame_view& frame);
    outcome on_begin(session& s, const stomp::frame_view& frame);
    outcome on_commit(session& s, const stomp::frame_view& frame, net::time_point now);
    outcome on_abort(session& s, const stomp::frame_view& frame);
    outcome keep_for_commit(session& s, std::string_view id, const stomp::frame_view& frame);
    transaction* find_transaction(session& s, std::string_view id) noexcept;
    void forget_transaction(session& s, transaction& t);

    void answer_receipt(session& s, const stomp::frame_view& frame, net::time_point now);
    void fail(session& s, const fault& why, const stomp::frame_view* frame, net::time_point now);
    void end(session& s, session_sink::parting how, net::time_point now);
    void leave(session& s, net::time_point now);
    void write(session& s, std::string_view bytes, net::time_point now);
    std::string plain(const session& s, std::string_view raw) const;

    const broker_options options_;
    counters stats_;
    queue_table queues_;
    net::hash_map<std::uint64_t, std::unique_ptr<session>> sessions_;
    stomp::serializer frame_;   // reused
    stomp::serializer message_; // reused
    std::uint64_t last_session_ = 0;
};

} // namespace embedded
