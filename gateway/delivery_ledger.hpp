#pragma once

// What one client has not acknowledged yet: each delivery with the link and the id that its ACK
// must go to. SWITCH.md S11, HAZARDS.md H1 to H3.
//
// Invariant: an id is honoured once; one that is not here is swallowed by the caller, never sent to
// a broker.

#include "broker/color.hpp"
#include "broker/id_map.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gateway {

struct delivery {
    broker::delivery_number number = 0; // minted; grows
    broker::link_id link = broker::link_id::none;
    broker::wire_id wire = broker::wire_id::none;
    std::uint32_t subscription = 0; // the session's number of it
    broker::color color = broker::color::blue;
    std::string broker_ack; // raw, as that broker gave it
    // Stored `auto`: acknowledged when the client's outbox has written this far; 0: the client
    // acknowledges.
    std::uint64_t written_mark = 0;
};

class delivery_ledger {
public:
    void add(delivery d) { deliveries_.push_back(std::move(d)); }
    // Sets the written_mark of the newest. REQUIRES: not empty().
    void mark_last(std::uint64_t mark) noexcept { deliveries_.back().written_mark = mark; }
    const delivery* find(broker::delivery_number number) const noexcept;
    // Takes that one.
    std::optional<delivery> take(broker::delivery_number number);
    // Takes it and all earlier ones of the same subscription, in order: `client` acks are
    // cumulative.
    std::vector<delivery> take_up_to(broker::delivery_number number);
    // Takes the `auto` ones that were written by now.
    std::vector<delivery> take_written(std::uint64_t written);
    // Forgets those of a lost link, or of a subscription that ended; returns how many.
    std::size_t drop_link(broker::link_id link);
    std::size_t drop_subscription(std::uint32_t subscription);

    bool empty() const noexcept { return deliveries_.empty(); }
    std::size_t size() const noexcept { return deliveries_.size(); }
    std::size_t count(broker::color of) const noexcept;
    std::size_t count(broker::link_id of) const noexcept;
    bool has(broker::wire_id of) const noexcept;
    bool awaits_write() const noexcept;

private:
    std::vector<delivery> deliveries_; // by number
};

} // namespace gateway
