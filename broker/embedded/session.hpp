#pragma once

// The records of broker_core: sessions, subscriptions, queues. Data with its invariants;
// queue_table and broker_core hold the rules.
//
// Threading:  one loop's thread, or a simulator's.

#include "broker/embedded/message.hpp"
#include "broker/embedded/ring.hpp"
#include "broker/net/hash_map.hpp"
#include "broker/net/time.hpp"
#include "broker/stomp/frame.hpp"
#include "broker/stomp/heart_beat.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace embedded {

enum class session_id : std::uint64_t {};

// Where a session's frames go: a connection, or a simulator's wire.
// REQUIRES: no call of these calls back into the core.
class session_sink {
public:
    // One frame: `head`, then all of `rest` where it is not null; a heart-beat is the head "\n".
    virtual void write(std::string_view head, const net::payload_ref& rest) = 0;
    // Bytes that were written here and did not leave yet.
    virtual std::size_t unsent() const noexcept = 0;

    enum class parting : std::uint8_t {
        after_flush, // what was written goes out first
        at_once,     // what was written may be lost
    };
    // Nothing is written after this. on_gone is still owed to the core.
    virtual void close(parting how) = 0;

protected:
    ~session_sink() = default;
};

struct string_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept
    {
        return boost::hash<std::string_view>{}(text);
    }
};
template <class T>
using string_map = net::hash_map<std::string, T, string_hash, std::equal_to<>>;

// A message in one queue.
struct queued {
    message what;
    std::uint64_t place = 0; // order of arrival in that queue
    bool redelivered = false;
};

// A message that a subscription has and did not acknowledge; settled ones stay as holes until the
// front is.
struct delivery {
    queued item; // item.what.wire is null in a hole
    std::uint64_t tag = 0;
    bool open() const noexcept { return item.what.wire != nullptr; }
};

enum class ack_mode : std::uint8_t {
    automatic,  // settled when written
    cumulative, // `client`: an ACK settles everything before it, too
    individual, // `client-individual`
};

struct session;
struct message_queue;

struct subscription {
    std::uint64_t number = 0; // never reused in this process
    session* owner = nullptr;
    message_queue* queue = nullptr;
    std::string key;  // in its owner's table: the raw id, or (1.0) LF and the destination
    std::string head; // what its MESSAGEs begin with, up to the tag
    ack_mode mode = ack_mode::automatic;
    std::uint32_t prefetch = 0; // 0: no limit
    std::uint64_t last_tag = 0;
    ring<delivery> unacked; // ascending tags
    std::size_t open_deliveries = 0;
    bool choked = false; // waits in owner->choked for its outbox
    bool own = false;    // to a destination of the gateway's own
};

enum class queue_kind : std::uint8_t {
    topic,  // of one topic subscription, or of several that gave it one name
    stored, // /queue/NAME
    reply,  // server-named, behind /temp-queue/NAME
};

struct message_queue {
    std::string name;
    queue_kind kind = queue_kind::stored;
    bool durable = false;     // topic: stays without consumers
    bool auto_delete = false; // goes with its last consumer, messages and all
    const session* exclusive_to = nullptr;
    ring<queued> ready; // ascending places
    std::uint64_t last_place = 0;
    std::size_t unacked = 0;
    std::vector<subscription*> consumers;
    std::size_t next_consumer = 0;   // round robin goes on here
    std::vector<std::string> topics; // bound to
    bool stirred = false;            // in queue_table's list of queues to pump
};

struct transaction {
    std::string id; // raw
    std::vector<stomp::frame> frames;
    std::size_t bytes = 0;
};

enum class session_state : std::uint8_t {
    connecting, // before CONNECTED
    open,
    ended, // closed by this side; on_gone is awaited
};

struct session {
    session_id id{};
    session_sink* sink = nullptr;
    session_state state = session_state::connecting;
    stomp::version version = stomp::version::v12;
    stomp::heart_beat beat;
    net::time_point handshake_deadline = net::never;
    string_map<subscription*> subscriptions; // by key
    std::vector<transaction> transactions;
    std::vector<subscription*> choked;
};

} // namespace embedded
