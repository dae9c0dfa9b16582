#pragma once

// What the gateway must say again to another broker: one client's subscriptions, as the client
// asked for them. switch.md S9, M7; design.md section 5 (what is shared) and section 1 (broadcast
// and stored subscriptions).

#include "broker/color.hpp"
#include "broker/ids.hpp"
#include "broker/net/payload.hpp"
#include "broker/stomp/frame.hpp"
#include "gateway/core/session/applications.hpp"
#include "gateway/core/session/stream_offsets.hpp"

#include <boost/container/small_vector.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

enum class ack_mode : std::uint8_t { automatic, client, client_individual };

// One SUBSCRIBE of a client.
struct subscription {
    std::uint32_t number = 0; // of this session, never reused
    ack_mode mode = ack_mode::automatic;
    bool named = true;      // 1.0 allows a SUBSCRIBE without an id: its MESSAGEs have none either
    bool broadcast = false; // else stored
    bool shareable = false; // may ride a link of many sessions
    bool overlaps = false;  // broadcast, of an application: both colors' for a while (O1)
    bool durable = false;   // left by DISCONNECT, never by UNSUBSCRIBE, unless the client asks
    bool fleeting = false;  // stored, and its queue goes with the link
    bool prefetch = false;  // stored, and the client said how many it takes at once (T4)
    bool confirmed = false; // some broker answered it once (S9: only then it goes to a standby)
    // Subscribed on the new color when the old one has given all: queue_order: strict, backplane
    // `shared`, T4.
    bool held_back = false;
    bool afresh = false; // H13: was not found on a link that knew its queue, is tried on a new one
    // Its SUBSCRIBE was unanswered when a shared link died (design.md section 5).
    bool own_only = false;
    std::string client_id; // raw
    // Raw header lines for a broker: all but id, ack and receipt, each with its LF; shared with the
    // wire subscription, and so with all sessions that ride on it.
    net::payload_ref head;
    // Low bits of the last wire id that it had there (M8).
    broker::per_color<std::uint32_t> newest{};
    // What was subscribed up to here is not joined any more: it may have on its way what came by a
    // color that was left before (backplane `shared` without a key).
    broker::wire_id left_before{};
    broker::per_color<broker::wire_id> wires{}; // where it is subscribed; none: nowhere

    // The client's receipt while it is owed; raw. Takes it.
    std::string take_receipt()
    {
        return receipt ? std::move(*std::exchange(receipt, nullptr)) : std::string{};
    }
    std::unique_ptr<std::string> receipt; // null: none was asked, or it was answered
    std::unique_ptr<stream_place> stream; // null: no stream

    // T2: made again on that color it does not go on where the client is.
    bool begins_anew(broker::color c) const noexcept
    {
        return stream && confirmed && !stream->goes_on_at(c);
    }
    bool acknowledges() const noexcept { return mode != ack_mode::automatic || !broadcast; }
    std::string_view ack_on_wire() const noexcept
    {
        // Cumulative acks are expanded here, and stored `auto` is acknowledged when written
        // (design.md section 5).
        return acknowledges() ? "client-individual" : "auto";
    }
};

// What it makes the gateway keep beside the shared head (limits.buffered_total). The same as long as
// it lives.
inline std::size_t weight(const subscription& s) noexcept
{
    return sizeof(subscription) + s.client_id.size();
}

struct journal_rules {
    const std::vector<std::string>* broadcast = nullptr; // patterns
    unsigned prefetch = 0;                               // set where a stored SUBSCRIBE has none
    endpoint_kind at = endpoint_kind::broker;            // where the client is
    bool shared_backplane = false;
};

// Reads a SUBSCRIBE; the error is a sentence for the ERROR frame.
boost::system::result<subscription, std::string>
read_subscribe(const stomp::frame_view& frame, stomp::version version, const journal_rules& rules);

// "/topic/**": any depth below; "*": within one part.
bool matches(std::string_view pattern, std::string_view destination) noexcept;

class session_journal {
public:
    subscription& add(subscription s);
    subscription* find(std::string_view client_id) noexcept;
    subscription* at(std::uint32_t number) noexcept;
    void remove(std::uint32_t number);
    auto begin() noexcept { return subscriptions_.begin(); }
    auto end() noexcept { return subscriptions_.end(); }
    auto begin() const noexcept { return subscriptions_.begin(); }
    auto end() const noexcept { return subscriptions_.end(); }
    std::size_t size() const noexcept { return subscriptions_.size(); }
    std::size_t bytes() const noexcept;

private:
    // Stable addresses; most sessions have one, which needs no allocation of its own.
    boost::container::small_vector<std::unique_ptr<subscription>, 1> subscriptions_;
    std::uint32_t last_ = 0;
};

} // namespace gateway
