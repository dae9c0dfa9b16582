// The way back out of a switch: every session stays where it is. switch.md S6, S10, S13, S15.

#include "gateway/core/switching/switch_member.hpp"
#include "gateway/core/tables/session_table.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

void switch_member::on_abort(const control::abort_switch& order, time_point now)
{
    if (!in_switch()) {
        return;
    }
    out_.log(log_level::info, "switch " + std::to_string(switch_.id) + " aborted: " + order.reason);
    switch_.phase = member_phase::steady;
    switch_.awaited.clear();
    pairing_.forget_recent();
    survey_.stop();
    backplane_.give_up();
    seams_.put_back(switch_.to, now); // O3
    if (seams_.empty()) {
        backplane_.stop(now);
        binder_.release_kept(couriers_.release(now), now);
    }
    for (const session_id id : tables_.all_sessions()) {
        client_session* s = find(id);
        if (s == nullptr) {
            continue;
        }
        if (order.names_unready) {
            note_unready(*s);
        }
        release_standby(*s, now);
        // S6: resumes on links that are alive and have the journal.
        const bool alive = s->now().at == binding::phase::ready && !s->now().moving;
        const bool journal = std::ranges::all_of(s->journal, [&](const auto& sub) {
            return !sub->confirmed || sub->held_back || wire(sub->wires[s->live]) != nullptr;
        });
        const session_step step = next_step(
            s->state, session_event::abort,
            {.close_wanted = s->close_wanted.has_value(), .live_complete = alive && journal});
        if (step.result == session_result::ends) {
            endings_.close(*s, *s->close_wanted, "closed while a switch held it");
            endings_.end_session(*s, now);
            continue;
        }
        if (step.doing == session_doing::tries_on) {
            at(now, due::session_retry, number(id));
        }
        if (!step.moves()) {
            continue;
        }
        if (step.to == session_state::rebinding) {
            s->now().at = binding::phase::wanted;
        }
        enter(*s, step.to, now);
        if (step.to == session_state::connecting) {
            s->connect_seen() ? void(binder_.advance(*s, s->live, now)) : out_.resume_client(id);
            continue;
        }
        at(now, due::session_retry, number(id)); // S15: SUBSCRIBEs that the hold kept from being
        if (step.to == session_state::active) {  // written
            pump_later(*s);
        }
    }
    read_again();
    readiness_.say(control::released{readiness_.current_tally()});
    at(now, due::moves);
}

// C12: the sessions that the switch still waited for when it was aborted, and the reason: an operator
// wants to know which endpoint it was.
void switch_member::note_unready(const client_session& s)
{
    if (!s.part || s.part->ready || s.part->failed || switch_.tally.failures.size() >= 100) {
        return;
    }
    const binding& b = s.bindings[switch_.to];
    const endpoint_ref where = b.group != nullptr ? b.group->at : endpoint_ref{switch_.to, 0};
    const bool linked =
        b.group != nullptr && b.group->known.barrier != broker::barrier_kind::unknown &&
        (link(b.own) == nullptr || link(b.own)->core.ready()) && link(b.publish) != nullptr;
    switch_.tally.failures.push_back(readiness_.failure(
        s, where,
        s.seams > 0 ? "its seams of the switch before are still open"
        : linked    ? name_of(where) + " did not answer SUBSCRIBE"
                    : name_of(where) + " did not answer CONNECT"));
}

void switch_member::release_standby(client_session& s, time_point now)
{
    if (!s.part) {
        return;
    }
    if (s.live != switch_.to) {
        subscriptions_.drop_standby_wires(s, now);
        // S10: the binding goes back to draining, or never left it. A session that still gives
        // deliveries back (P3, T4) waits for acknowledgements, and its deliveries would be handed
        // back without being counted.
        const binding& b = s.bindings[switch_.to];
        if (b.group != nullptr && (s.part->adopted || b.at == binding::phase::draining)) {
            s.bindings[switch_.to].at = binding::phase::draining;
            switch_.draining.insert(s.id);
            at(now, due::drain);
            return;
        }
        binder_.unbind(s, switch_.to, now);
    }
    for (const auto& receipt : s.part->take_receipts()) { // S13: nothing is left to wait for
        receipts_.send_receipt(s, receipt);
    }
    s.part.reset();
}

} // namespace gateway
