#pragma once

// What the parts of a shard's core ask of the router: everything that touches a session's bindings,
// a link's life or a wire subscription's members. Only the router changes these.

#include "gateway/core/tables/workbench.hpp"

namespace gateway {

class shard_actions {
public:
    // ---- links and groups
    virtual link_record& dial(share_group& g, link_role role, session_id owner, time_point now) = 0;
    virtual void leave(link_record& l, time_point now) = 0; // may erase it at once
    virtual void ask_barrier(link_record& l, time_point now) = 0;
    virtual bool carry_marker(wire_subscription& w, time_point now) = 0; // on a scratch link
    virtual share_group& group_for(identity& who, endpoint_ref at) = 0; // made if there is none
    virtual void release_group(share_group& g, time_point now) = 0;     // may erase it
    // Groups that the couriers kept.
    virtual void release_kept(const std::vector<share_group*>& kept, time_point now) = 0;

    // ---- sessions
    // Asks for the links and subscriptions that it still needs there. True: it needs none.
    virtual bool advance(client_session& s, color c, time_point now) = 0;
    virtual void enter(client_session& s, session_state to, time_point now) = 0;
    virtual void unbind(client_session& s, color c, time_point now) = 0;
    virtual void drop_new_wires(client_session& s, time_point now) = 0;
    virtual void send_receipt(client_session& s, std::string_view receipt) = 0;
    virtual void fail_client(
        client_session& s, std::string_view sentence, std::string_view receipt,
        disconnect_reason why, time_point now) = 0;
    virtual void close(client_session& s, disconnect_reason why, std::string_view text) = 0;
    // The session does not exist after this call.
    virtual void end_session(client_session& s, time_point now) = 0;
    virtual bool settled(const client_session& s) const = 0;

    // ---- wire subscriptions
    // The last one out leaves the wire. `receipt`: the client's, for its UNSUBSCRIBE.
    virtual void drop_member(
        wire_subscription& w, session_id session, std::uint32_t number, time_point now,
        std::string_view receipt) = 0;
    // Everybody on it has left. `session`: the one that asked, whose `receipt` it is.
    virtual void leave_wire(
        wire_subscription& w, session_id session, std::string_view receipt, time_point now) = 0;
    virtual void erase_wire(wire_id id, time_point now) = 0;

    // ---- MESSAGEs
    virtual void deliver(
        client_session& s, wire_subscription& w, const wire_member& m,
        const stomp::frame_view& frame, framing as) = 0;
    virtual void deliver_shared(
        client_session& s, wire_subscription& w, const wire_member& m,
        const kept_message& message) = 0;

protected:
    ~shard_actions() = default;
};

} // namespace gateway
