#pragma once

// A client's open transactions. They are buffered here and sent as BEGIN..COMMIT in one turn when
// COMMIT arrives. So no transaction is open at a broker across a turn or a switch (design.md
// section 5, brokers.md H9).
//
// Limits:     limits.transactions open transactions, 1024 frames each, limits.transaction_bytes in
//             all.

#include "broker/link_effects.hpp"
#include "broker/stomp/frame.hpp"
#include "gateway/memory/memory_budget.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

struct buffered_frame {
    stomp::frame frame;
    broker::framing as = broker::framing::text;
};

struct transaction {
    std::string id; // raw
    std::vector<buffered_frame> frames;
};

enum class transaction_fault : unsigned char {
    none,
    open_already, // BEGIN of an open id
    unknown,      // no such transaction
    too_many,     // limits.transactions
    too_large,    // limits.transaction_bytes, or 1024 frames
};
std::string_view to_string(transaction_fault fault) noexcept; // a sentence for the ERROR frame

class transaction_buffer {
public:
    static constexpr std::size_t frames_max = 1024;

    explicit transaction_buffer(memory_budget* budget = nullptr) noexcept : held_(budget) {}
    transaction_fault begin(std::string_view id, std::size_t transactions_max);
    transaction_fault
    add(std::string_view id, const stomp::frame_view& frame, broker::framing as,
        std::size_t bytes_max);
    std::optional<transaction> take(std::string_view id); // COMMIT and ABORT
    const transaction* find(std::string_view id) const noexcept; // null: not open
    bool empty() const noexcept { return open_.empty(); }
    std::size_t bytes() const noexcept { return held_.bytes(); } // that are charged
    std::size_t recount() const noexcept;                        // the same, by a walk

private:
    std::vector<transaction> open_;
    std::size_t bytes_ = 0; // of the frames
    held_bytes<held_kind::frames> held_;
};

// Bytes that a frame takes while it waits.
std::size_t weight(const stomp::frame& frame) noexcept;

} // namespace gateway
