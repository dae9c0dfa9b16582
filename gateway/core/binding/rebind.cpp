// A session lost a link: what rode on it is bound again. docs/switch.md, column "link lost".

#include "gateway/core/binding/binder.hpp"
#include "gateway/core/tables/session_table.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

// Looks again at what a session still lacks.
void binder::retry_session(client_session& s, time_point now)
{
    const bool failed = in_switch() && s.part && s.part->failed;
    if (failed && s.state != session_state::held && s.live != switch_.to &&
        s.bindings[switch_.to].at != binding::phase::none && !s.part->adopted) {
        subscriptions_.drop_standby_wires(s, now);
        unbind(s, switch_.to, now);
    }
    if (s.connect_seen() &&
        (s.state == session_state::connecting || s.state == session_state::rebinding ||
         s.state == session_state::active)) {
        advance(s, s.live, now);
    }
    if (!failed && in_switch() && s.part && s.seams == 0 && s.live != switch_.to) { // M8
        advance(s, switch_.to, now);
    }
    readiness_.try_hold(s, now);
    if (failed) {
        readiness_.check_prepared(now);
    }
}

void binder::lost_link_of(client_session& s, color c, time_point now)
{
    if (c != s.live) {
        if (s.bindings[c].at == binding::phase::draining) {
            at(now, due::drain);
        } else if (s.bindings[c].at != binding::phase::none) {
            readiness_.standby_lost(s, now);
        }
        return;
    }
    binding& b = s.now();
    s.rare().wires_before = tables_.last_wire; // M13
    const session_step step =
        next_step(s.state, session_event::link_lost, {.of_live = true});
    if (step.moves()) {
        enter(s, step.to, now);
    }
    switch (step.doing) {
    case session_doing::on_same_color:
    case session_doing::tries_again:
        b.at = binding::phase::wanted;
        if (!s.parked && s.state == session_state::rebinding) {
            s.parked_since = now;
            at(now + settings_.park_timeout, due::session_park, number(s.id));
        }
        at(now, due::session_retry, number(s.id)); // the group's back-off paces the dials
        return;
    case session_doing::doubts_unproven:
    case session_doing::remembers_loss:
        if (s.part) {
            s.part->live_lost = true;
        }
        b.at = binding::phase::wanted;
        readiness_.try_hold(s, now);
        return;
    case session_doing::doubts_owed: at(now, due::session_close, number(s.id)); return;
    default: return;
    }
}

} // namespace gateway
