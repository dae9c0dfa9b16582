#pragma once

// A link's life in the shard's tables: dials that wait, barriers, when a link is left, and what is
// forgotten with it. broker_events handles what a link reports.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) A group lives as long as a binding or a link of it, an identity as long as a group or a
//     session.
// (2) Dials go out as fast as brokers.connect_rate allows, those of known identities first (D1), and
//     as many at a time as their endpoint answers (B6).

#include "broker/dial_pacer.hpp"
#include "broker/dial_window.hpp"
#include "gateway/core/links/login_quotas.hpp"
#include "gateway/core/links/short_lives.hpp"
#include "gateway/core/pairing/digest_memory.hpp"

#include <map>
#include <vector>

namespace gateway {

class link_table : workbench {
public:
    enum class verdict : std::uint8_t { let_in, refused }; // what a broker said to a CONNECT

    link_table(shard_state& shard, login_quotas& quotas) noexcept
        : workbench(shard), quotas_(quotas)
    {
    }

    void set_dial_rate(double per_second) { pacer_.set_rate(per_second); }
    // A session's next own link to that color is not dialled before.
    time_point own_not_before(session_id owner, color c) const
    {
        return short_lives_.not_before(owner, c);
    }
    // After each event that may have changed when the link wants its next turn.
    void schedule(link_record& l)
    {
        if (l.core.next_deadline() != net::never) {
            at(l.core.next_deadline(), due::link, number(l.core.id()));
        }
    }
    void judge(const share_group& g, verdict what, time_point now);
    link_record& dial(share_group& g, link_role role, session_id owner, time_point now);
    // Those that are not dialled any more, because their endpoint is down.
    std::vector<link_id> run_dials(time_point now);
    // B6: the endpoint has answered it, or will not.
    void end_dial(link_record& l, broker::dial_end how, time_point now);
    void mark_used(link_record& l, time_point now);
    void run_barriers(time_point now);
    void ask_barrier(link_record& l, time_point now);
    void leave(link_record& l, time_point now);
    void erase_link(link_id id, time_point now);
    void note_death(const link_record& l, time_point now);
    void drop_if_unused(share_group& g);
    void release_identity(identity& who);

private:
    broker::dial_class dial_class_of(const share_group& g, time_point now) const noexcept;
    bool asks_name(const share_group& g) const noexcept;
    std::string_view reason_of(const share_group& g, session_id owner) const noexcept;
    broker::dial_window& window_of(endpoint_ref where);
    void show_room(endpoint_ref where);
    const client_origin* origin_of(const link_record& l) const;

    login_quotas& quotas_;
    broker::dial_pacer pacer_{settings_.connect_rate};
    std::map<endpoint_ref, broker::dial_window> windows_;
    short_lives short_lives_;
    digest_memory<verdict> judged_{std::chrono::hours{1}, judged_max}; // D1
    bool barriers_due_ = false;
    static constexpr std::size_t judged_max = 16'384;
};

} // namespace gateway
