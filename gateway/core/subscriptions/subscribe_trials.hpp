#pragma once

// Tries a SUBSCRIBE that no broker has answered yet where it can hurt no other session, before it
// rides on a link that other sessions read: RabbitMQ closes the whole link for a SUBSCRIBE that it
// refuses. switch.md E10 to E14.
//
// A scratch link of the identity carries several trials at a time, and each is unsubscribed once it
// was answered. Brokers answer in order. So an ERROR that names nothing belongs to the oldest open
// trial, which is then tried alone. The other trials, which lost their link, are tried again.
//
// Cost on RabbitMQ 3.10.8 [run]: 1000 SUBSCRIBEs to 1000 topics take 1.3 s without trials. With a
// queue of its own for each trial they take 4.3 s, with one queue for all trials that are open at a
// time 1.7 s. So SUBSCRIBEs that name no more than a destination are tried with a queue that the
// trials of that link share.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) The result is kept by a keyed digest of identity, endpoint and SUBSCRIBE, in bounded memory,
//     for ten minutes after the last session that used it.
// (2) Every trial ends: it is answered, refused, or given up with its link. The link is dialled
//     again only while a session waits.
// (3) Only broadcast subscriptions are tried. A stored one would take messages or create a queue.

#include "broker/net/hash_map.hpp"
#include "gateway/core/links/link_table.hpp"
#include "gateway/core/markers/cluster_survey.hpp"
#include "gateway/core/markers/couriers.hpp"
#include "gateway/core/pairing/digest_memory.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace gateway {

class subscribe_trials : workbench {
public:
    enum class verdict : std::uint8_t {
        unknown, // to be tried
        tried,   // may ride on a link that others read
        refused, // once, lately: on a link of its session's own
        no_link, // no scratch link is to be had: as it was before there were any
    };

    subscribe_trials(
        shard_state& shard, link_table& links, couriers& couriers, cluster_survey& survey)
        noexcept
        : workbench(shard), links_(links), couriers_(couriers), survey_(survey)
    {
    }

    // ---- questions of wire_subscriptions. `head`: the SUBSCRIBE's header lines.
    verdict known(const share_group& g, std::string_view head, time_point now) const;
    // Answered by a session_retry of `who`; asked again meanwhile it changes nothing.
    void ask(share_group& g, const net::payload_ref& head, session_id who, time_point now);
    void note_tried(const share_group& g, std::string_view head, time_point now);
    void forget(const share_group& g, std::string_view head, time_point now); // refused on a shared link
    // Its shared link died before it was answered. True: it is tried once more.
    bool doubt(const share_group& g, std::string_view head, time_point now);

    // ---- scratch links
    void on_up(link_record& l, time_point now);
    // True: the link is of no more use, close it.
    bool on_event(link_record& l, const broker::link_event& event, time_point now);
    void on_lost(share_group& g, link_id id, time_point now);
    void on_refused(share_group& g, time_point now); // its CONNECT
    // due::trials. Gives the links that do not answer and are to be given up.
    std::vector<link_id> run(time_point now);
    void release(share_group& g, time_point now);    // the group's last session has gone

    // B1: the marker's trial, where a link that SENDs could be lost by it.
    // False: there is no such link to be had.
    bool carry_marker(wire_subscription& w, time_point now);

    std::size_t remembered() const noexcept { return memory_.size(); }
    std::size_t open() const noexcept;
    // What it charged to limits.buffered_total, by a walk; for checks.
    std::size_t recount() const noexcept;

private:
    enum class found : std::uint8_t { tried, doubted, tried_again, refused };
    struct trial {
        net::payload_ref head;
        std::set<std::uint64_t> askers; // sessions
        wire_id wire = wire_id::none; // while it is open
        std::uint8_t losses = 0;      // of links, without a word
        bool alone = false;
        bool shares_queue = false;
        held_bytes<held_kind::sessions> held;
    };
    struct scratch {
        link_id link = link_id::none;
        share_group* group = nullptr;
        net::hash_map<std::string_view, std::unique_ptr<trial>> trials; // by head
        std::deque<trial*> waiting, open;                               // in order
        std::deque<std::pair<wire_id, time_point>> kept; // answered, and left then; Artemis
        wire_id queue = wire_id::none; // the queue that its cheap trials share
        std::size_t on_queue = 0;      // consumers of it
        wire_id marker = wire_id::none; // whose trial waits for the link
        unsigned failures = 0;          // of links in a row, without an answer between
        time_point dialled{}, dial_at{}, progress{}, idle_since{}, refused_until{};
    };
    using scratches = std::map<group_key, scratch>;

    scratch& scratch_of(share_group& g)
    {
        scratch& own = scratches_[g.key()];
        own.group = &g;
        return own;
    }
    digest128 key_of(const share_group& g, endpoint_ref at, std::string_view head) const;
    std::optional<found> find_out(const share_group& g, std::string_view head, time_point) const;
    bool is_wanted(const share_group& g, const trial& t) const;
    void go_on(share_group& g, scratch& own, time_point now);
    void write(share_group& g, scratch& own, trial& t, link_record& l);
    void answered(share_group& g, scratch& own, wire_id wire, link_record& l, time_point now);
    void leave_kept(scratch& own, link_record& l, time_point now);
    void put_back(scratch& own);
    void refuse(share_group& g, scratch& own, trial& t, const std::string& why, time_point now);
    void tell(const share_group& g, const trial& t, time_point now);
    void end(scratch& own, const trial& t);
    trial* open_one(scratch& own, wire_id wire) const;
    bool is_idle(const scratch& own) const noexcept
    {
        return own.waiting.empty() && own.open.empty() && own.marker == wire_id::none;
    }

    link_table& links_;
    couriers& couriers_;
    cluster_survey& survey_;
    scratches scratches_;
    void note(const digest128& what, found value, time_point now);

    digest_memory<found> memory_{std::chrono::minutes{10}, 32'768};
    held_bytes<held_kind::sessions> held_{&shard_.budget}; // by memory_
};

} // namespace gateway
