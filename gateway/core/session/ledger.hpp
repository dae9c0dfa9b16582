#pragma once

// The deliveries that one client has not acknowledged yet, each with the link and the id for its
// ACK. switch.md S11, K4; brokers.md H1 to H3.
//
// Invariants:
// (1) An id is honoured once. The caller swallows an id that is not here and never sends it to a
//     broker.
// (2) K5: the cost of an acknowledgement does not depend on how many deliveries are owed. The
//     deliveries of one subscription are a list within the ring, and the counts that others ask for
//     are kept up to date.

#include "broker/color.hpp"
#include "broker/ids.hpp"
#include "broker/numbered_ring.hpp"
#include "gateway/memory/memory_budget.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gateway {

struct delivery {
    broker::delivery_number number = 0; // of this session; grows; the ledger's to give
    broker::link_id link = broker::link_id::none;
    broker::wire_id wire = broker::wire_id::none;
    std::uint32_t subscription = 0; // the session's number of it
    broker::color color = broker::color::blue;
    std::string broker_ack; // raw, as that broker gave it
    // Stored `auto`: acknowledged when the client's outbox has written this far; 0: the client
    // acknowledges.
    std::uint64_t written_mark = 0;
    // The open deliveries of the same subscription before and after this one; 0: none.
    broker::delivery_number before = 0, behind = 0;
};

class delivery_ledger {
public:
    delivery_ledger() noexcept;
    ~delivery_ledger();
    delivery_ledger(delivery_ledger&&) noexcept;
    delivery_ledger& operator=(delivery_ledger&&) noexcept;

    // `budget`: where open deliveries are charged. It is the same at every call, and outlives this.
    broker::delivery_number add(delivery d, memory_budget* budget = nullptr);
    // It is `auto`, and the client has it when its outbox has written this far. REQUIRES: it was
    // the last one to be added; marks do not shrink.
    void mark_last(std::uint64_t mark);
    const delivery* find(broker::delivery_number number) const noexcept;
    // Takes that one.
    std::optional<delivery> take(broker::delivery_number number);
    // Takes all of the subscription up to that number, in order: `client` acks are cumulative. One
    // whose own delivery is gone with its link still speaks for the earlier ones.
    std::vector<delivery>
    take_up_to(std::uint32_t subscription, broker::delivery_number number);
    // Takes the `auto` ones that were written by now.
    std::vector<delivery> take_written(std::uint64_t written);
    // Forgets those of a lost link, or of a subscription that ended; returns how many.
    std::size_t drop_link(broker::link_id link);
    std::size_t drop_subscription(std::uint32_t subscription);

    bool empty() const noexcept { return size() == 0; }
    std::size_t size() const noexcept;
    std::size_t count(broker::color of) const noexcept;
    std::size_t count(broker::link_id of) const noexcept;
    bool has(broker::wire_id of) const noexcept;
    bool awaits_write() const noexcept;
    std::size_t bytes() const noexcept;   // that are charged
    std::size_t recount() const noexcept; // the same, by a walk
    // Places that memory is held for. The number owed at once bounds it, not the number that came.
    std::size_t places() const noexcept;

private:
    struct tables;

    tables& made(memory_budget* budget);
    void unlink(const delivery& d);

    std::unique_ptr<tables> tables_; // null: nothing was ever owed
};

} // namespace gateway
