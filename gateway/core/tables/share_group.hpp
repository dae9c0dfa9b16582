#pragma once

// What sessions may share: an identity (everything that may differ per client) and a share group
// (identity and endpoint). design.md section 5; switch.md B1, B2: what an endpoint can do is kept
// per group until its last session goes.

#include "broker/link.hpp"
#include "broker/net/hash_map.hpp"
#include "broker/trial.hpp"
#include "control/protocol/switch_messages.hpp"
#include "gateway/core/pairing/digest_memory.hpp"
#include "gateway/core/tables/effects.hpp"
#include "gateway/core/session/reply_addresses.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

using broker::link_id;
using broker::session_id;
using broker::wire_id;
using control::endpoint_ref;

// Who has not been let in yet can make one, of up to limits.frame_before_connect: what is said is
// held once, in the key, and the rest are views of it.
struct identity {
    std::uint64_t number = 0; // the order of identities is that of their arrival
    std::string_view key; // all that may differ per client, joined; the table's own; never logged
    // The raw CONNECT header lines that every link of the group says again, each with its LF.
    std::string_view connect_head;
    std::string_view accept_version;
    std::string_view login; // raw; shown by /v1/sessions
    std::string_view host;  // raw; the virtual host
    stomp::version highest = stomp::version::v12;
    std::vector<handshake_field> handshake; // forwarded to ws:// brokers
    // Known once a broker has answered. Later links must agree on it (brokers.md H16).
    std::optional<stomp::version> negotiated;
    std::size_t sessions = 0;
    std::unique_ptr<heard_addresses> heard; // null: no broadcast MESSAGE brought any (S12)
    digest128 digest;         // of `key`; memories that use it outlive the key
    digest128 login_digest;
    std::uint64_t source = 0; // the address of the first client that said it
};

// The order of groups: by their identity's number, then by endpoint.
using group_key = std::pair<std::uint64_t, endpoint_ref>;

struct share_group {
    identity* who = nullptr;
    endpoint_ref at;
    broker::capability known;
    broker::trial_rung rung = broker::trial_rung::absent_queue;
    bool cut_at_rung = false;                // a link ended there without a word, once (B2)
    link_id trial = link_id::none;           // the link that makes it
    std::vector<link_id> publish, subscribe; // shared ones
    std::vector<session_id> waiting;         // for the trial, or for a shared link
    std::deque<session_id> turns;            // to write a SUBSCRIBE on a shared link
    net::hash_map<std::string_view, wire_id> wires; // shared wire subscriptions by their `head`
    std::string connected_head; // the broker's CONNECTED, for clients that share
    std::string refused;        // why it refused our CONNECT
    std::shared_ptr<const broker::broker_error> refused_by; // its ERROR, as it came
    net::time_point retry_at{}; // a dial failed: not before this
    net::duration back_off{};
    bool died_soon = false;                // the last shared link that was lost had just come up
    net::time_point prove_at = net::never; // brokers.auth_recheck
    std::size_t bindings = 0;              // sessions
    link_id lingers = link_id::none;       // S12: a publish link that is not left with them
    std::size_t links = 0;                 // of any role
    std::size_t own_links = 0, shared_links = 0, charged = 0; // login_quotas
    bool dedicated = false;                // ws://, no receipts, STOMP 1.0 (B4), or asked for
    wire_id marker_trial = wire_id::none;  // whose first marker is on its way
    net::time_point last_marker{};    // of a seam (M6): whoever waits for its own sees progress
    std::size_t subscribe_window = 1; // unanswered SUBSCRIBEs on one shared link

    group_key key() const noexcept { return {who->number, at}; }
    // B1: they come, or the answer of their trial is still awaited.
    bool gives_markers() const noexcept
    {
        return known.marker == broker::tried::yes ||
               (known.marker == broker::tried::unknown && marker_trial != wire_id::none);
    }
};

} // namespace gateway
