#pragma once

// What the control thread may ask of one member of a switch. The gateway implements it with a
// post() to the shard.
//
// Threading:  called on the control thread. Every callback is made on the control thread, never
//             from inside the call.
// Lifetime:   owned by the gateway, and outlives the control_service. The service's own timer
//             bounds the wait for a callback (control_settings::question_timeout,
//             preflight_timeout). A callback that is made later is ignored.

#include "control/protocol/switch_messages.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace control {

struct endpoint_check {
    std::string name;  // "g1"
    bool ok = false;   // it answered a check made now (C10)
    std::string error; // one sentence, empty where ok
    bool operator==(const endpoint_check&) const = default;
};

// design.md section 6.1: the facts that are needed before a switch begins. A member may leave
// `endpoints` empty where another one checks them; numbers are this member's own,
// `descriptors_free` is the process's.
struct preflight_answer {
    std::vector<endpoint_check> endpoints;
    std::uint64_t links_to_dial = 0;
    std::uint64_t left_out = 0; // sessions that wait for limits.links_per_login
    // P9: its sessions are bound, and the live color's brokers take no marker: the colors are taken
    // for separate.
    bool backplane_unknown = false;
    std::uint64_t descriptors_needed = 0;
    std::uint64_t descriptors_free = 0;
};

class member_port {
public:
    virtual ~member_port() = default;

    virtual void send(command what) = 0;
    virtual void snapshot(std::function<void(member_snapshot)> done) = 0;
    virtual void sessions(std::function<void(std::vector<session_snapshot>)> done) = 0;
    // done(true): the session was here and is being closed.
    virtual void disconnect(std::string session, std::function<void(bool)> done) = 0;
    // `on`: drained, else taken back. The member has noted it when it answers; sessions move later.
    virtual void drain_endpoint(endpoint_ref which, bool on, std::function<void(bool)> done) = 0;
    virtual void preflight(broker::color target, std::function<void(preflight_answer)> done) = 0;
};

} // namespace control
