#pragma once

#include "broker/dial_pacer.hpp"
#include "broker/link.hpp"
#include "gateway/core/tables/share_group.hpp"
#include "gateway/memory/memory_budget.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace gateway {

// A link with what the shard knows about it.
struct link_record {
    broker::link core;
    share_group* group = nullptr;
    session_id owner = session_id::none; // role own
    std::vector<session_id> users;       // role publish: sessions that publish here
    std::vector<wire_id> wires;          // subscribed here
    net::time_point dialled{}, up{};
    net::time_point expires = net::never; // not ready, or not gone, by then: closed
    held_bytes<held_kind::errors> kept_errors;
    // Of the SUBSCRIBEs that its newest ERRORs refused: closed with it, should it end by that.
    std::vector<std::pair<wire_id, session_id>> told;
    std::size_t open_subscribes = 0;
    session_id untried = session_id::none; // whose SUBSCRIBEs that nothing tried are open here (E10)
    broker::dial_class dialled_as = broker::dial_class::standby;
    bool dialled_out = false; // handed to the driver
    bool in_flight = false;   // dialled, and not answered yet (B6)
    bool although_down = false; // its endpoint was known to be so when it was ordered
    bool congested = false;   // its outbox is above limits.broker_outbox
    bool used = false;        // carried a client's SEND since the last switch
    bool half_left =
        false; // the broker still gives what a subscription here, which is over, asked for
    bool old_pool = false;    // its color was left by the running switch

    explicit link_record(broker::link_order order) : core(std::move(order)) {}
    endpoint_ref at() const noexcept { return group->at; }
};

} // namespace gateway
