#pragma once

// What every part of a shard's core works with: the tables, the pools, the queue of deadlines, the
// switch, and the effects. The router owns it and is itself the first of the parts.
//
// Threading:  belongs to one shard.
// Lifetime:   shard_state outlives every part.

#include "broker/ack_ids.hpp"
#include "broker/pool.hpp"
#include "broker/private_names.hpp"
#include "gateway/core/tables/shard_settings.hpp"
#include "gateway/core/tables/deadline_queue.hpp"
#include "gateway/core/tables/effects.hpp"
#include "gateway/core/tables/noted.hpp"
#include "gateway/core/tables/switch_state.hpp"
#include "gateway/memory/memory_budget.hpp"
#include "gateway/core/tables/shard_tables.hpp"

#include <chrono>
#include <memory>
#include <set>
#include <string>

namespace gateway {

using broker::link_role;

struct shard_state {
    shard_state(shard_settings of_shard, effects& effects_out, shard_counters& numbers);

    shard_settings settings; // changed by a reload only, outside of a switch
    effects& out;
    shard_counters& counters;
    memory_budget budget; // ahead of the tables, whose parts are charged to it
    const broker::private_names names; // K1
    const broker::mark_seal marks;     // K2
    const broker::ack_ids acks;        // K4
    broker::per_color<std::unique_ptr<broker::pool>> pools;
    shard_tables tables;
    deadline_queue deadlines;
    noted later;
    switch_state switching;
    color live = color::blue;
    bool shares_backplane = false; // both colors bring the same messages: configured, or found (P9)
    control::epoch_number epoch = 1;
    broker::per_color<std::set<endpoint_ref>> sent_through; // clients' SENDs since the last switch
};

// A base class of its owner, before workbench.
struct shard_owner {
    shard_state whole_;
};

class workbench {
protected:
    explicit workbench(shard_state& shard) noexcept
        : shard_(shard), settings_(shard.settings), out_(shard.out), counters_(shard.counters),
          tables_(shard.tables), switch_(shard.switching)
    {
    }
    workbench(const workbench&) = delete;
    workbench& operator=(const workbench&) = delete;
    ~workbench() = default;

    client_session* find(session_id id) const noexcept { return tables_.session(id); }
    link_record* link(link_id id) const noexcept { return tables_.link(id); }
    wire_subscription* wire(wire_id id) const noexcept { return tables_.wire(id); }
    broker::pool& pool_of(color c) const noexcept { return *shard_.pools[c]; }
    bool shares_backplane() const noexcept { return shard_.shares_backplane; }
    // Backplane `shared` and no key: left first, subscribed then (P3).
    bool breaks_first() const noexcept
    {
        return shares_backplane() && settings_.pairing.by == dedup_by::nothing;
    }
    // Whether a standby has it: stored ones would take messages at once (H25).
    bool has_standby(const subscription& sub) const noexcept
    {
        return sub.broadcast && (sub.overlaps || !breaks_first());
    }
    // O1: what stands at that endpoint. `dialect: spring` says that it is an application; so does a
    // ws:// endpoint that answers no receipts.
    endpoint_kind stands_at(const share_group& g) const noexcept;
    // O7: names the session to an application; empty where none is told.
    std::string session_mark(const share_group& g, session_id id) const;
    bool in_switch() const noexcept { return switch_.running(); }

    void at(time_point when, due what, std::uint64_t subject = 0)
    {
        shard_.deadlines.add(when, what, subject);
    }
    // Bytes that a peer makes us keep, and that nobody's held_bytes counts (limits.buffered_total).
    void charge(held_kind kind, std::size_t bytes) noexcept { shard_.budget.charge(kind, bytes); }
    void release(held_kind kind, std::size_t bytes) noexcept
    {
        shard_.budget.release(kind, bytes);
    }
    // It leaves the journal, and what was charged for it goes back.
    void forget_subscription(client_session& s, std::uint32_t number) noexcept
    {
        if (const subscription* sub = s.journal.at(number)) {
            release(held_kind::sessions, weight(*sub));
            s.journal.remove(number);
        }
    }
    // The one place where a session's state changes.
    void enter(client_session& s, session_state to, time_point now);
    // What waits of its frames may go on, at the event's end.
    void pump_later(const client_session& s) { shard_.later.pumps.push_back(s.id); }
    // The report's numbers have changed: told to the coordinator soon.
    void note_numbers(time_point now);

    // The report names whose session made its exit status 6.
    void name_counted(control::counted_cause why, session_id whose)
    {
        switch_.tally.named.add(why, name_of(whose));
    }
    void count_gap(const client_session& s, bool missed) // in one of its subscriptions
    {
        if (missed) {
            ++switch_.tally.gaps;
            name_counted(control::counted_cause::gap, s.id);
        }
    }
    void count_left_behind(const client_session& s, bool left) // a stored message, possibly
    {
        if (left) {
            ++switch_.tally.stored_left_behind;
            name_counted(control::counted_cause::left_behind, s.id);
        }
    }

    std::string name_of(endpoint_ref which) const;
    std::string name_of(session_id id) const;
    // The queue of a broadcast subscription's own: never the same twice, and a secret (K1).
    std::string address_of(wire_id id) const { return shard_.names.of_wire(id); }
    // To a SUBSCRIBE's header lines; nobody else can read it (K1). The first header of a name counts.
    void add_address(std::string& head, wire_id id) const;

    // A sealed private message to its own queue (K2). It follows everything routed there before.
    void send_mark(link_record& by, wire_id to, std::string_view mark)
    {
        by.core.marker(address_of(to), shard_.marks.seal(mark), out_);
    }

    // Whether a link of the session's own is read: a client that takes nothing stops it (S17).
    static bool may_read(const client_session& s, const link_record& own) noexcept;
    bool reads(const wire_subscription& w) const noexcept; // the gateway, not the client

    // How often the shard checks what ends by itself.
    static constexpr auto drain_sweep = std::chrono::milliseconds{20};
    static constexpr auto carried_sweep = std::chrono::seconds{1};
    static constexpr auto closing_pace = std::chrono::milliseconds{10}; // S18
    static constexpr auto pinned_retry = std::chrono::seconds{1};

    shard_state& shard_;
    const shard_settings& settings_;
    effects& out_;
    shard_counters& counters_;
    shard_tables& tables_;
    switch_state& switch_;
};

} // namespace gateway
