#pragma once

// What the cores of a shard ask of its drivers. Each call is an effect: it appends to an outbox or
// queues an order, and never calls back into a core. So nothing re-enters. Tests record the calls
// and compare the whole list. The simulator carries them over its own network.

#include "broker/ids.hpp"
#include "broker/link_effects.hpp"
#include "broker/net/payload.hpp"
#include "control/protocol/log_level.hpp"
#include "control/protocol/switch_messages.hpp"
#include "gateway/telemetry/metrics.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

using control::log_level;

using broker::framing;
using broker::link_id;
using broker::session_id;
using broker::wire_id;

// A header of a client's handshake that is said again: its name and its value.
using handshake_field = std::pair<std::string_view, std::string_view>;

// What an application is told of a client beside the client's own words.
struct client_origin {
    std::string forwarded_for, host, origin; // of its connection; empty: nothing
    std::string user; // whom an application took it for, by CONNECTED's user-name (S19)
    bool https = false;

    std::size_t bytes() const noexcept
    {
        return forwarded_for.size() + host.size() + origin.size() + user.size();
    }
};

// The purpose of a link; the driver needs it for ws:// handshakes.
struct dial_order {
    link_id link = link_id::none;
    control::endpoint_ref at;
    stomp::version version = stomp::version::v12; // highest asked: the subprotocol of a ws:// link
    const std::vector<handshake_field>* handshake_headers = nullptr; // of the identity
    const client_origin* client = nullptr; // whose it is; null: nothing is known
};

class effects : public broker::link_effects {
public:
    // ---- clients
    // One whole frame: `head` ends with the blank line; body and NUL follow it. as_it_came: see
    // design.md section 4.
    virtual void
    write_client(session_id to, std::string_view head, std::string_view body, framing as) = 0;
    // `head` holds command and first header lines; `rest` more header lines, the blank line, body
    // and NUL.
    virtual void write_client(
        session_id to, std::string_view head, const net::payload_ref& rest, framing as) = 0;
    // CONNECTED is written behind this: the version counts from the next frame on, heart-beats
    // begin.
    virtual void
    client_up(session_id which, stomp::version version, std::string_view heart_beat) = 0;
    // Closes after the queued bytes were written. on_client_gone is not called any more.
    virtual void
    close_client(session_id which, disconnect_reason reason, std::string_view text) = 0;
    // wants_client() became true: hand over the carried frames, then new ones.
    virtual void resume_client(session_id which) = 0;
    // Bytes of this client's outbox: all ever appended, and all ever written.
    virtual std::uint64_t client_appended(session_id which) const = 0;
    virtual std::uint64_t client_written(session_id which) const = 0;
    // Call on_client_written once, when more has been written.
    virtual void watch_written(session_id which) = 0;

    // ---- links
    virtual void dial(const dial_order& order) = 0;
    virtual void read_link(link_id which, bool on) = 0;
    virtual std::size_t link_backlog(link_id which) const = 0; // bytes in its outbox
    virtual void probe(control::endpoint_ref which) = 0;       // answered by on_probe

    // ---- the coordinator
    virtual void report(control::report what) = 0;

    // ---- the log: one line about a session or a link
    virtual void log(control::log_level level, std::string line) = 0;
};

} // namespace gateway
