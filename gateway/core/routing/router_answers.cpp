// What links owe, and who waits for it: answers of brokers, and what becomes of those that never
// come. switch.md S13.

#include "gateway/core/routing/router.hpp"

#include <algorithm>

namespace gateway {

void router::on_answered(link_record& l, const broker::owed_answer& owed, time_point now)
{
    using broker::owed_kind;
    client_session* s = find(owed.session);
    const color c = l.at().color;
    switch (owed.kind) {
    case owed_kind::send:
    case owed_kind::commit: sends_.count_confirmed(owed); [[fallthrough]];
    case owed_kind::acknowledge:
    case owed_kind::unsubscribe:
        if (owed.kind == owed_kind::unsubscribe) {
            erase_wire(owed.wire, now);
        }
        if (s == nullptr || owed.client_receipt.empty()) {
            return;
        }
        --s->owed;
        if (s->part && c != s->live && s->part->owed_old > 0 && !owed.doubted) {
            send_receipt(*s, owed.client_receipt);
            if (--s->part->owed_old == 0) {
                for (const auto& later : std::exchange(s->part->receipts, {})) {
                    send_receipt(*s, later);
                }
            }
        } else if (c == s->live) {
            answer_receipt(*s, owed.client_receipt);
        } else {
            send_receipt(*s, owed.client_receipt);
        }
        if (s->closing()) {
            finish_closing(*s, now);
        }
        return;
    case owed_kind::subscribe:
        --l.open_subscribes;
        if (wire_subscription* w = wire(owed.wire)) {
            on_confirmed(*w, now);
        }
        wake_turns(*l.group, now);
        return;
    case owed_kind::barrier: {
        const auto users = l.users; // copies: a session may move on
        const auto owner = l.owner;
        const link_id id = l.core.id();
        if (l.core.proven() || switch_.phase == member_phase::preparing) {
            switch_.awaited.erase(id);
            switch_.proofs_answered = now;
        }
        moves_.look_again(now);
        for (const session_id user : users) {
            if (client_session* one = find(user)) {
                if (one->now().moving) {
                    move_to_own(*one, one->now(), now);
                }
                if (one->closing()) {
                    finish_closing(*one, now);
                } else {
                    member_.try_hold(*one, now);
                }
            }
        }
        if (client_session* one = find(owner)) {
            one->closing() ? finish_closing(*one, now) : member_.try_hold(*one, now);
        }
        member_.check_prepared(now);
        member_.check_held(now);
        return;
    }
    case owed_kind::error_end:
    case owed_kind::run_end:
    case owed_kind::trial_routed:
    case owed_kind::trial_received:
    case owed_kind::leave: return;
    }
}

// What a lost link owed: SENDs are in doubt (S3) and never sent again (H19), the rest is answered
// here or bound again.
void router::settle_owed(link_record& l, time_point now)
{
    using broker::owed_kind;
    sends_.doubt_silent(l);
    for (const auto& owed : l.core.owed().take_all()) {
        client_session* s = find(owed.session);
        const bool asked = s != nullptr && !owed.client_receipt.empty();
        if (asked) {
            --s->owed;
            if (s->part && l.at().color != s->live && s->part->owed_old > 0 && !owed.doubted) {
                --s->part->owed_old;
            }
        }
        switch (owed.kind) {
        case owed_kind::send:
        case owed_kind::commit:
            if (!owed.doubted) { // nothing is answered for it (S13)
                sends_.count_doubt(owed);
            }
            break;
        case owed_kind::acknowledge: // S11: swallowed, its RECEIPT answered
        case owed_kind::unsubscribe:
            if (asked) {
                answer_receipt(*s, owed.client_receipt);
            }
            break;
        case owed_kind::subscribe:
        case owed_kind::barrier:
        case owed_kind::error_end:
        case owed_kind::run_end:
        case owed_kind::trial_routed:
        case owed_kind::trial_received:
        case owed_kind::leave: break;
        }
        if (s != nullptr && s->closing()) {
            at(now, due::session_close, number(s->id));
        }
    }
}

} // namespace gateway
