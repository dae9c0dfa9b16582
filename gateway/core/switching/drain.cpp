// After a commit: waits for everything that the old color still owes, and then leaves its links.
// switch.md S10, S13, C9.

#include "gateway/core/switching/switch_member.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace gateway {

// Whether the old binding has nothing more to linger for.
bool switch_member::drained(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    if (s.pinned != 0) {
        return false; // S8: what it has there stays until it is bound
    }
    // H21: this ends even if the old color is silent.
    const bool over = now >= std::max(switch_.drain_until, s.pin_until);
    // M6: the old color of a forced seam stays until its marker. MESSAGEs that still arrive there
    // are delivered.
    bool done = !has_retired(s) && s.seams == 0 && s.forced_seams == 0 &&
                (!s.part || s.part->owed_old == 0) && (over || s.ledger.count(old) == 0) &&
                (over || !s.answers || !s.answers->owes(old)); // S12
    std::vector<subscription*> quiet_ones;
    for (const auto& sub : s.journal) {
        wire_subscription* w = wire(sub->wires[old]);
        if (w == nullptr || sub->broadcast) {
            continue;
        }
        // Stored: the old color lingers until it delivered nothing for `linger` while nothing of it
        // was unacknowledged. If it gives back what the client has not got, only acknowledgements
        // are awaited.
        const bool quiet = s.ledger.count(w->link) == 0 &&
                           (w->giving_back || (!is_on_its_way(*w, now) &&
                                               now - w->last_message >= switch_.timing.linger));
        if (!quiet && !over) {
            feed(s, *w, now);
            done = false;
            continue;
        }
        if (!quiet && !w->giving_back) {
            count_left_behind(s, true);
        }
        quiet_ones.push_back(sub.get());
    }
    for (subscription* sub : quiet_ones) {
        // S10: while the link stays for something else, an answer say, it is read as ever, and the
        // next switch may take it up: nobody subscribes twice there. What waits for this one to end
        // (held_back) is not kept waiting.
        if (over || done || sub->held_back) {
            end_stored(s, *sub, now);
        }
    }
    return over || done;
}

// S10: `linger` counts from the moment at which the broker has taken the last ACK and all that it
// sent for it was read. A link that stalls for longer would look quiet otherwise. The broker is asked
// for an answer that follows both. One that never answers is not waited for.
bool switch_member::is_on_its_way(wire_subscription& w, time_point now)
{
    link_record* l = link(w.link);
    if (w.maybe_on_its_way && !w.asks_taken && l != nullptr) {
        w.maybe_on_its_way = false;
        w.asks_taken = l->core.ask_taken(w.id, out_);
    }
    return w.asks_taken && now - w.last_message < switch_.timing.receipt_timeout;
}

// The link leaves by DISCONNECT: nothing is unsubscribed (brokers.md H11).
void switch_member::end_stored(client_session& s, subscription& sub, time_point now)
{
    wire_subscription& w = *wire(std::exchange(sub.wires[broker::other(s.live)], wire_id::none));
    const bool gone = !w.giving_back;
    if (link_record* l = link(w.link)) {
        l->half_left = true;
    }
    subscriptions_.erase_wire(w.id, now);
    if (sub.held_back && gone) {
        sub.held_back = false;
        at(now, due::session_retry, number(s.id)); // bound or not: binder_.advance() knows
    }
}

void switch_member::finish_drain(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    // H4: handed back by the end of the link, never by NACK, which Artemis takes as an ACK.
    const auto unacknowledged = s.ledger.count(old);
    switch_.tally.handed_back += unacknowledged;
    if (unacknowledged > 0) {
        name_counted(control::counted_cause::handed_back, s.id);
    }
    if (s.part) {
        for (const auto& receipt : s.part->take_receipts()) {
            receipts_.send_receipt(s, receipt);
        }
        if (!in_switch()) {
            s.part.reset();
        }
    }
    const link_id own = s.bindings[old].own;
    lingering_.keep_for_answers(
        s, old, std::max(switch_.drain_until, s.pin_until), now); // S12
    binder_.unbind(s, old, now);
    if (link(own) == nullptr) { // else when it is gone
        release_held_back(s, old, now);
    }
    if (in_switch()) {
        at(now, due::session_retry, number(s.id)); // its standby waited for this
    }
}

bool switch_member::has_retired(const client_session& s)
{
    const link_record* own = link(s.bindings[broker::other(s.live)].own);
    return own != nullptr &&
           std::ranges::any_of(own->wires, [&](wire_id id) { return wire(id)->retired; });
}

// True: there were some.
bool switch_member::leave_retired(link_record& own, time_point now)
{
    bool any = false;
    for (const wire_id id : std::vector{own.wires}) {
        if (wire_subscription* w = wire(id); w != nullptr && std::exchange(w->retired, false)) {
            subscriptions_.leave_wire(*w, session_id::none, {}, now);
            any = true;
        }
    }
    return any;
}

// M5: the sessions' own links are left after the markers of all sessions, a few at a time.
void switch_member::run_drain(time_point now)
{
    const bool joining = now < switch_.leave_from && seams_.joining();
    std::size_t may_leave = joining ? 0 : leaves_at_once;
    bool more = false;
    for (auto next = switch_.draining.begin(); next != switch_.draining.end();) {
        const session_id id = *next++;
        client_session* s = find(id);
        if (s == nullptr || s->bindings[broker::other(s->live)].at != binding::phase::draining) {
            switch_.draining.erase(id);
            continue;
        }
        link_record* own = link(s->bindings[broker::other(s->live)].own);
        if (own != nullptr && may_leave == 0) {
            more = true;
            continue;
        }
        bool left = own != nullptr && leave_retired(*own, now);
        if (drained(*s, now)) {
            switch_.draining.erase(id);
            finish_drain(*s, now);
            left = own != nullptr;
        }
        may_leave -= left;
    }
    if (!switch_.draining.empty()) {
        at(now + (more ? leave_pause : drain_sweep), due::drain);
    } else if (!in_switch()) {
        note_numbers(now);
    }
}

// S13, H7: what the old color did not answer in time is in doubt; the new color's receipts go on.
void switch_member::doubt_receipts(time_point now)
{
    if (switch_.doubted) {
        return;
    }
    switch_.doubted = true;
    for (const auto& [id, l] : tables_.links) {
        if (l->at().color == shard_.live) {
            continue;
        }
        l->core.owed().for_each([&](broker::owed_answer& owed) {
            if ((owed.kind == broker::owed_kind::send || owed.kind == broker::owed_kind::commit) &&
                !owed.doubted) {
                owed.doubted = true;
                sends_.count_doubt(owed);
            }
        });
    }
    for (const session_id id : tables_.all_sessions()) {
        if (client_session* s = find(id); s != nullptr && s->part) {
            s->part->owed_old = 0;
            for (const auto& receipt : s->part->take_receipts()) {
                receipts_.send_receipt(*s, receipt);
            }
        }
    }
    at(now, due::drain);
    note_numbers(now);
}

} // namespace gateway
