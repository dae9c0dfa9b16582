// What a broker's answer sets going. docs/switch.md S1, S13.

#include "gateway/core/routing/broker_answers.hpp"

#include <algorithm>

namespace gateway {

void broker_answers::on_answered(link_record& l, const broker::owed_answer& owed, time_point now)
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
            subscriptions_.erase_wire(owed.wire, now);
        }
        if (s == nullptr || owed.client_receipt.empty()) {
            return;
        }
        --s->owed;
        if (s->part && c != s->live && s->part->owed_old > 0 && !owed.doubted) {
            receipts_.send_receipt(*s, owed.client_receipt);
            if (--s->part->owed_old == 0) {
                for (const auto& later : s->part->take_receipts()) {
                    receipts_.send_receipt(*s, later);
                }
            }
        } else if (c == s->live) {
            receipts_.answer_receipt(*s, owed.client_receipt);
        } else {
            receipts_.send_receipt(*s, owed.client_receipt);
        }
        if (s->closing()) {
            endings_.finish_closing(*s, now);
        }
        return;
    case owed_kind::subscribe:
        --l.open_subscribes;
        if (wire_subscription* w = wire(owed.wire)) {
            subscriptions_.on_confirmed(*w, now);
        }
        binder_.wake_turns(*l.group, now);
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
                    session_links_.move_to_own(*one, one->now(), now);
                }
                if (one->closing()) {
                    endings_.finish_closing(*one, now);
                } else {
                    readiness_.try_hold(*one, now);
                }
            }
        }
        if (client_session* one = find(owner)) {
            one->closing() ? endings_.finish_closing(*one, now) : readiness_.try_hold(*one, now);
        }
        readiness_.check_prepared(now);
        readiness_.check_held(now);
        return;
    }
    case owed_kind::taken:
        if (wire_subscription* w = wire(owed.wire)) {
            w->asks_taken = false;
            w->last_message = now; // S10: `linger` counts from here
        } else if (owed.wire == wire_id::none) { // P9
            backplane_.on_taken(l, owed.covers, now);
        }
        return;
    case owed_kind::error_end:
    case owed_kind::run_end:
    case owed_kind::trial_routed:
    case owed_kind::trial_received:
    case owed_kind::leave: return;
    }
}

} // namespace gateway
