#pragma once

// Judges a run by the definitions of contract.md, "The guarantee, in numbers". No I/O, no clock.
//
// lost        a confirmed SEND that did not reach a subscription whose client stayed (queue: none
//             of them)
// duplicated  the same (publisher, number) twice in one subscription (queue: in all of
//             them together) without redelivered:true
// reordered   a lower number after a higher one of the same (publisher, destination, subscription);
//             redeliveries excepted; on queues a violation only under queue_order::strict
//
// Threading:  none of its own.
// Memory:     per (subscription, publisher) one sequence_set, on queues four bytes; independent of
//             the length of the run.
// Invariants:
// (1) Every client subscribes before the first on_sent, to all kinds that the workload uses.
// (2) A client that is gone owes nothing new and is owed nothing.

#include "tests/load/numbered_body.hpp"
#include "tests/load/sequence_set.hpp"
#include "tests/load/workload.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace load {

// What makes a SEND one that must not be lost.
enum class confirmation : std::uint8_t {
    receipts, // its own RECEIPT
    flush,    // the RECEIPT of what its client sent last of all
};
enum class queue_order : std::uint8_t { relaxed, strict };
enum class redelivered : bool { no, yes };

enum class fault : std::uint8_t {
    lost,
    duplicated,
    reordered,
    misrouted,       // came where it does not belong, or was never sent
    receipt_unasked, // a second RECEIPT, or one for what was never sent
};
inline constexpr std::size_t fault_kinds = 5;
std::string_view to_string(fault what) noexcept;

struct stream_id {
    std::uint32_t publisher = 0;
    stream_kind kind = stream_kind::own;
    bool operator==(const stream_id&) const = default;
};

struct violation {
    fault what = fault::lost;
    stream_id stream;
    std::uint32_t sequence = 0;
    std::uint32_t subscriber = 0; // client whose subscription it is; the publisher for receipts
    bool operator==(const violation&) const = default;
};
std::string to_string(const violation& v);

// One copy of a message that was owed and did not come.
struct missing_copy {
    stream_id stream;
    std::uint32_t sequence = 0;
    std::uint32_t subscriber = 0;
    bool confirmed = false; // else its SEND was in doubt, and it is not lost
    bool operator==(const missing_copy&) const = default;
};

struct verdict {
    std::uint64_t sent = 0, received = 0;
    std::uint64_t expected = 0; // deliveries that confirmed SENDs owe
    std::array<std::uint64_t, fault_kinds> faults{};
    std::uint64_t queue_reordered = 0; // under queue_order::relaxed: counted, no violation
    std::uint64_t redelivered = 0;
    std::uint64_t unconfirmed = 0;   // SENDs whose RECEIPT was asked for and never came
    std::vector<violation> examples; // the first few of every fault

    std::uint64_t count(fault what) const noexcept
    {
        return faults[static_cast<std::size_t>(what)];
    }
};

class checker {
public:
    static constexpr std::uint64_t examples_max = 5; // of every fault

    // `plan` outlives the checker.
    checker(const workload& plan, confirmation by, queue_order order);

    // The number that this client's next SEND on that stream carries. Call it when that is written.
    std::uint32_t on_sent(stream_id stream);
    void on_receipt(stream_id stream, std::uint32_t sequence);
    // All that the client has sent so far was received by the broker.
    void on_flushed(std::uint32_t client);
    // `subscription` is the kind of the subscription that it came on.
    void on_delivery(
        std::uint32_t subscriber, stream_kind subscription, const message_number& number,
        redelivered again);
    void on_gone(std::uint32_t client);

    // Deliveries that may still come: of everything sent by clients that are there, and of what is
    // confirmed of the others.
    std::uint64_t outstanding();
    std::uint64_t sent() const noexcept { return counts_.sent; }
    std::uint64_t received() const noexcept { return counts_.received; }
    // So far; lost is only known at the end.
    std::uint64_t count(fault what) const noexcept { return counts_.count(what); }

    verdict finish() const;
    // Of all that was sent, confirmed or not; a queue's message is missing once.
    std::vector<missing_copy> missing() const;

private:
    struct publisher_state {
        std::uint32_t sent = 0;
        sequence_set confirmed;
    };

    publisher_state& of(stream_id s) { return streams_[index(s.kind)][s.publisher]; }
    const publisher_state& of(stream_id s) const { return streams_[index(s.kind)][s.publisher]; }
    std::size_t pair_index(stream_kind kind, seat subscriber, seat publisher) const noexcept;
    sequence_set& received_set(stream_kind kind, seat subscriber, seat publisher);
    bool
    known(std::uint32_t subscriber, stream_kind subscription, const message_number& number) const;
    void
    check_queue_order(std::uint32_t subscriber, const message_number& number, redelivered again);
    bool may_come(const message_number& number) const;
    void note(verdict& into, const violation& v) const;
    std::uint64_t copies_owed(stream_id stream) const noexcept;
    // Calls visit(subscriber, received set) for everyone whom a message of the stream is owed.
    template <class Visit>
    void for_each_owed(stream_id stream, Visit visit) const;
    std::uint64_t recount() const;

    const workload& plan_;
    confirmation confirmed_by_;
    queue_order queue_order_;
    std::array<std::vector<publisher_state>, 3> streams_; // [kind][client]
    std::array<std::vector<sequence_set>, 3> received_;   // topics: per pair; queue: per publisher
    std::vector<std::uint32_t> queue_last_;               // per pair
    std::array<std::vector<std::uint32_t>, 3> present_;   // [kind][destination]: clients there
    std::vector<bool> gone_;
    std::uint64_t outstanding_ = 0;
    bool outstanding_stale_ = false; // a client went: count again
    verdict counts_;
};

} // namespace load
