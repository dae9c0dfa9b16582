#pragma once

// The answers that a link owes: RECEIPTs that were asked for and have not come.
//
// Threading:  belongs to one link.

#include "broker/ids.hpp"
#include "broker/numbered_ring.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace broker {

// The kinds of frames that an answer is owed for.
enum class owed_kind : std::uint8_t {
    send,        // a client's SEND that asked for a receipt
    commit,      // the COMMIT of a client's transaction
    subscribe,   // a wire subscription's SUBSCRIBE
    unsubscribe, // its UNSUBSCRIBE
    acknowledge, // ACK or NACK that asked for a receipt
    barrier,     // everything SENT before it on this link was routed
    error_end,   // a barrier after an ERROR; its answer shows that the link lives on (E3)
    run_end,     // BEGIN + ABORT after one session's SENDs (E2)
    taken,       // all that was written before it: ACKs (S10); a marker to a queue (P9)
    trial_routed,
    trial_received, // B1
    leave,          // DISCONNECT
};

struct owed_answer {
    owed_kind kind = owed_kind::send;
    session_id session = session_id::none;
    wire_id wire = wire_id::none; // subscribe, unsubscribe, taken
    std::uint64_t covers = 0; // barrier: SENDs up to this number on the link; taken: whose asked
    std::string client_receipt;   // raw, as the client asked; empty: it asked none
    bool counted = false;         // belongs to the accounting of a switch's report
    bool doubted = false; // S13: receipt_timeout passed; a late answer moves it to confirmed
};

// Answers that a link owes, by wire receipt number. Brokers answer mostly in order; one that never
// comes costs its own place only, however many come behind it.
class owed_answers {
public:
    // `meter`: where the bytes that are held for it are added and taken; it outlives this.
    explicit owed_answers(std::uint64_t* meter = nullptr) noexcept : meter_(meter) {}
    owed_answers(const owed_answers&) = delete;
    owed_answers& operator=(const owed_answers&) = delete;
    ~owed_answers() { count(0 - bytes_); }

    // The number to write as r<N>.
    std::uint64_t add(owed_answer answer)
    {
        count(weight(answer));
        asked_ += !answer.client_receipt.empty();
        return open_.push(std::move(answer));
    }
    // Takes the entry; nullopt: unknown or answered already.
    std::optional<owed_answer> take(std::uint64_t number)
    {
        auto taken = open_.take(number);
        if (taken) {
            count(0 - weight(*taken));
            asked_ -= !taken->client_receipt.empty();
        }
        return taken;
    }
    std::optional<owed_answer> take(std::string_view wire_receipt);
    const owed_answer* find(std::uint64_t number) const noexcept { return open_.find(number); }
    bool is_open(std::uint64_t number) const noexcept { return find(number) != nullptr; }
    // All still open, in order; empties the map. For a lost link.
    std::vector<owed_answer> take_all()
    {
        count(0 - bytes_);
        asked_ = 0;
        return open_.take_all();
    }
    template <class F>
    void for_each(F&& f)
    {
        open_.for_each([&](std::uint64_t, owed_answer& e) { f(e); });
    }
    template <class F>
    void for_each(F&& f) const
    {
        open_.for_each([&](std::uint64_t, const owed_answer& e) { f(e); });
    }
    std::size_t open() const noexcept { return open_.size(); }
    // Those of them that a client waits for.
    std::size_t asked() const noexcept { return asked_; }
    // Entries that memory is held for. The number open at once bounds it, not the number that came.
    std::size_t places() const noexcept { return open_.places(); }

    // The memory of one entry while it is open. REQUIRES: its receipt is not changed.
    static std::uint64_t weight(const owed_answer& one) noexcept
    {
        return sizeof one + one.client_receipt.size();
    }
    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    void count(std::uint64_t more) noexcept // modulo 2^64: less is less
    {
        bytes_ += more;
        if (meter_ != nullptr) {
            *meter_ += more;
        }
    }

    numbered_ring<owed_answer> open_;
    std::uint64_t* meter_;
    std::uint64_t bytes_ = 0;
    std::size_t asked_ = 0;
};

} // namespace broker
