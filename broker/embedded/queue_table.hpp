#pragma once

// Queues, topics and subscriptions: where a message goes, which consumer gets it next, and what
// comes back. No I/O, no clock.
//
// Threading:  one loop's thread, or a simulator's.
// Lifetime:   owned by broker_core. It owns queues and subscriptions, and refers to sessions.
// Invariants:
// (1) A topic subscription is a private queue that is bound to its topic and drained at once. So a
//     message that is SENT to /amq/queue/NAME of it stands after everything that was routed to it
//     before (design.md section 6.4, *Embedded*).
// (2) `ready` is sorted by place: a message that comes back goes to its old place, not to the end.
// (3) publish() has put the message into every queue before it returns (switch.md M4: *routed*).
// (4) counters::memory_bytes is the cost of everything that is ready or unacknowledged
//     (transactions excepted).
// (5) A queue that may have a message for a consumer with room is *stirred* until pump_stirred().

#include "broker/embedded/counters.hpp"
#include "broker/embedded/destination.hpp"
#include "broker/embedded/options.hpp"
#include "broker/embedded/session.hpp"
#include "broker/net/hash_map.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace embedded {

// What an `ack` header or a message-id says.
struct ack_id {
    std::uint64_t subscription = 0, tag = 0;
};

enum class settlement : std::uint8_t { accept, requeue, drop };
enum class settled : std::uint8_t {
    done,
    gone,    // the subscription it came from is gone: nothing to settle, and no fault either
    unknown, // never given to this session, or settled before
};

// Why a subscription ends.
enum class departure : std::uint8_t {
    unsubscribed,  // what a private queue still holds is written first
    queue_deleted, // UNSUBSCRIBE of a durable one: its queue goes, messages and all
    session_gone,
};

struct subscription_terms {
    std::string_view key, id; // id is empty where MESSAGEs shall not name it (1.0)
    ack_mode mode = ack_mode::automatic;
    std::uint32_t prefetch = 0;
    bool own = false;
};

class queue_table {
public:
    queue_table(const broker_options& options, counters& stats) : options_(options), stats_(stats)
    {
    }

    message_queue* find(std::string_view name) noexcept;
    message_queue& make(std::string name, queue_kind kind); // REQUIRES: absent
    bool full() const noexcept { return queues_.size() >= options_.queues_max; }
    void bind(message_queue& queue, std::string_view topic); // again: no effect
    // Name for a queue that its client gave none.
    std::string fresh_name(std::string_view stem);

    // `to` is a topic or any kind of queue; one that is absent and not /queue/ drops it.
    void publish(const destination& to, const message& m, net::time_point now);

    subscription& attach(session& owner, message_queue& queue, const subscription_terms& terms);
    void detach(subscription& s, departure why, net::time_point now);

    std::optional<ack_id> parse_ack_id(std::string_view text) const noexcept;
    settled can_settle(const session& by, const ack_id& id) noexcept;
    settled settle(const session& by, const ack_id& id, settlement how);

    void stir(message_queue& queue);
    void pump_stirred(net::time_point now);

    template <class Visit>
    void each(Visit visit) const // for the status page
    {
        // any order: it sorts what it shows; of very many it shows some
        for (const auto& entry : queues_.in_any_order()) {
            visit(*entry.second);
        }
    }

private:
    void enqueue(message_queue& queue, const message& m, net::time_point now);
    void deliver(subscription& s, queued item, net::time_point now);
    void pump(message_queue& queue, net::time_point now);
    subscription* next_with_room(message_queue& queue);
    bool has_room(subscription& s);
    void settle_one(delivery& d, subscription& s, settlement how);
    void requeue(message_queue& queue, std::vector<queued>& items);
    void tidy(subscription& s);
    void drop(message_queue& queue);
    void release(const message& m) noexcept { stats_.memory_bytes -= m.cost(); }
    traffic& of(bool own) noexcept { return own ? stats_.gateway : stats_.clients; }

    const broker_options& options_;
    counters& stats_;
    string_map<std::unique_ptr<message_queue>> queues_;
    string_map<std::vector<message_queue*>> topics_;
    net::hash_map<std::uint64_t, std::unique_ptr<subscription>> subscriptions_;
    std::vector<message_queue*> stirred_;
    std::vector<queued> returning_; // reused
    std::string head_;              // reused
    std::uint64_t last_subscription_ = 0;
    std::uint64_t last_name_ = 0;
};

} // namespace embedded
