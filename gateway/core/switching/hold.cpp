// The hold: when a session is settled, when it is held, and when this shard may say so. switch.md
// S1, S2, C8, M7.

#include "gateway/core/switching/switch_member.hpp"
#include "gateway/core/tables/session_table.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

void switch_member::on_hold(time_point now)
{
    if (switch_.phase != member_phase::prepared) {
        return;
    }
    switch_.phase = member_phase::holding;
    switch_.hold_began = now;
    switch_.unheld = 0;
    switch_.awaited.clear();
    for (const session_id id : tables_.all_sessions()) {
        client_session& s = *find(id);
        const session_step step = next_step(s.state, session_event::hold, {}); // S5, S7
        BOOST_ASSERT_MSG(step.result != session_result::illegal, "hold while holding");
        if (step.doing == session_doing::drops_attempt) {
            binder_.unbind(s, s.live, now);
        }
        if (!step.moves()) {
            continue;
        }
        enter(s, step.to, now);
        if (step.to == session_state::quiescing) {
            if (!s.part) {
                join_switch(s, now);
            }
            s.part->held_at = now;
            ++switch_.unheld;
        }
    }
    // S1, S2: one barrier per link of the old color on which anything was SENT, links that are
    // being left included. It is written after the last SEND: a SEND that waits for a SUBSCRIBE's
    // RECEIPT was not written, and is carried now.
    for (const auto& [id, l] : tables_.links) {
        // E4: a link that answers nothing after an ERROR counts as lost before it could end the
        // hold.
        if (l->core.searching() && switch_.timing.hold_timeout > net::duration{}) {
            l->core.hurry(now + switch_.timing.hold_timeout / 2);
            links_.ask_barrier(*l, now);
        }
        if (l->at().color == shard_.live && l->core.state() == broker::link_state::ready &&
            !l->core.proven()) {
            switch_.awaited.insert(l->core.id());
            links_.ask_barrier(*l, now);
            if (client_session* s = find(l->owner)) {
                out_.read_link(l->core.id(), may_read(*s, *l));
            }
        }
    }
    for (const session_id id : tables_.all_sessions()) {
        if (client_session* s = find(id)) {
            readiness_.try_hold(*s, now);
        }
    }
    readiness_.check_held(now);
}

} // namespace gateway
