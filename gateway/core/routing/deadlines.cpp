// Everything that waits for a time.

#include "gateway/core/routing/router.hpp"

#include <algorithm>

namespace gateway {

time_point router::next_deadline() const noexcept
{
    return shard_.deadlines.next();
}

void router::on_deadline(time_point now)
{
    // Deadlines that become due while these run wait for the next call, so that nothing spins here.
    for (const deadline& d : shard_.deadlines.take(now)) {
        run_deadline(d, now);
        run_later(now);
    }
}

void router::run_deadline(const deadline& d, time_point now)
{
    switch (d.what) {
    case due::link:
        if (link_record* l = link(static_cast<link_id>(d.subject))) {
            events_.on_event(*l, l->core.on_deadline(now, out_), nullptr, framing::text, now);
        }
        return;
    case due::link_connect:
        if (link_record* l = link(static_cast<link_id>(d.subject));
            l != nullptr && now >= l->expires && (!l->core.ready() || l->core.leaving())) {
            counters_.connect_failures[l->at().color][dial_failure::timeout] += !l->core.leaving();
            out_.close_link(l->core.id());
            events_.lose_link(l->core.id(), "no answer within limits.connect_timeout", false, now);
        }
        return;
    case due::wire_confirm:
        if (wire_subscription* w = wire(static_cast<wire_id>(d.subject));
            w != nullptr && w->state == wire_state::open) {
            if (link_record* l = link(w->link)) {
                --l->open_subscribes;
            }
            subscriptions_.on_confirmed(*w, now);
        }
        return;
    case due::fence: fences_.run(static_cast<wire_id>(d.subject), now); return;
    case due::marker_trial: marker_trials_.end_trial(static_cast<wire_id>(d.subject), now); return;
    case due::session_retry:
    case due::session_park:
    case due::session_stall:
    case due::session_pin:
    case due::session_close:
        if (client_session* s = find(static_cast<session_id>(d.subject))) {
            run_session_deadline(*s, d.what, now);
        }
        return;
    case due::group_proof: prove_groups(now); return;
    case due::dials:
        for (const link_id unasked : links_.run_dials(now)) {
            events_.give_up_link(unasked, "its endpoint does not answer", now);
        }
        return;
    case due::probes: run_probes(now); return;
    case due::barriers: links_.run_barriers(now); return;
    case due::seams: run_seams(now); return;
    case due::worlds:
        survey_.go_on(now);
        if (in_switch() && survey_.asked() && !survey_.open()) {
            pairing_.mark_new(now); // P7: who subscribed behind preparing
        }
        readiness_.check_prepared(now);
        return;
    case due::backplane:
        backplane_.go_on(now);
        member_.check_backplane(now);
        return;
    case due::receipts:
        if (d.subject == switch_.id && !in_switch()) {
            member_.doubt_receipts(now);
        }
        return;
    case due::trials:
        for (const link_id silent : trials_.run(now)) {
            out_.close_link(silent);
            events_.give_up_link(silent, "it does not answer SUBSCRIBE", now);
        }
        return;
    case due::drain: member_.run_drain(now); return;
    case due::moves: moves_.run(now); return;
    case due::numbers:
        switch_.numbers_due = false;
        say_numbers(now);
        return;
    }
}

void router::run_session_deadline(client_session& s, due what, time_point now)
{
    switch (what) {
    case due::session_retry: binder_.retry_session(s, now); return;
    case due::session_park:
        if (s.pinned == 0 &&
            (s.state == session_state::connecting || s.state == session_state::rebinding) &&
            s.connect_seen() && now >= s.parked_since + settings_.park_timeout) {
            endings_.fail_client(
                s, s.awaits_quota ? login_quotas::over_quota : "no broker answers", {},
                disconnect_reason::park_timeout, now);
        }
        return;
    case due::session_stall:
        if (s.over_outbox != backlog::below) {
            const bool shares = s.now().group != nullptr && !s.now().group->dedicated;
            if (shares && out_.client_written(s.id) == s.stalled_written &&
                switch_.phase < member_phase::holding) {
                endings_.fail_slow(s, now); // S14: never from hold to commit
            } else {
                s.stalled_written = out_.client_written(s.id);
                at(now + settings_.client_stall, due::session_stall, number(s.id));
            }
        }
        return;
    case due::session_pin: member_.unpin_overdue(s, now); return;
    case due::session_close: endings_.close_overdue(s, now); return;
    default: return; // not a session's
    }
}

void router::run_probes(time_point now)
{
    for (const color c : broker::colors) {
        for (const std::size_t index : pool_of(c).take_due_probes(now)) {
            out_.probe({c, static_cast<std::uint16_t>(index)});
        }
        if (pool_of(c).next_probe() != net::never) {
            at(pool_of(c).next_probe(), due::probes);
        }
    }
}

// What the coordinator is told until the report is final, and while anything is still owed.
void router::say_numbers(time_point now)
{
    if (switch_.phase == member_phase::preparing || switch_.paused()) {
        readiness_.say(control::progress{
            switch_.tally.sessions_ready, switch_.tally.sessions_failed,
            switch_.tally.sessions_total, switch_.links_answered,
            switch_.paused() ? readiness_.unready() : 0});
        return;
    }
    if (in_switch() || switch_.id == 0) {
        return;
    }
    const auto numbers = readiness_.current_tally();
    // C9: what a session that is gone is still owed counts too, until it is answered or in doubt.
    const bool more = !switch_.draining.empty() || !seams_.empty() || numbers.receipts_open > 0 ||
                      numbers.windows_open > 0;
    readiness_.say(control::numbers{numbers});
    if (more) {
        note_numbers(now);
    } else if (numbers.frames_carried > 0) { // who is not bound again yet
        at(now + carried_sweep, due::numbers);
    }
}

void router::run_seams(time_point now)
{
    seams_.run(now);
    const time_point marks = pairing_.run_marks(now);
    const time_point pairs = pairing_.sweep(now);
    if (seams_.empty() && !in_switch() && !pairing_.any_on_way()) {
        survey_.stop();
        backplane_.stop(now);
        binder_.release_kept(couriers_.release(now), now);
    }
    readiness_.tell_past();
    const time_point next = std::min({marks, pairs, seams_.next_deadline()});
    if (next != net::never) {
        at(next, due::seams);
    }
}

// brokers.auth_recheck: an identity with shared links is proven again by a fresh CONNECT. S14: not
// during a switch.
void router::prove_groups(time_point now)
{
    time_point next = net::never;
    for (const auto& [key, g] : tables_.groups) {
        if (g->prove_at <= now) {
            g->prove_at = now + settings_.auth_recheck;
            if (!in_switch() && g->bindings > 0 && !g->dedicated &&
                pool_of(g->at.color).healthy(g->at.index)) {
                links_.dial(*g, link_role::recheck, session_id::none, now);
            }
        }
        next = std::min(next, g->prove_at);
    }
    if (next != net::never) {
        at(next, due::group_proof);
    }
}

} // namespace gateway
