// What a lost link owed, and whose it was. docs/switch.md S3, S13; docs/brokers.md H19.

#include "gateway/core/messages/lost_answers.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace gateway {

// Settles what a lost link owed. Its SENDs are in doubt (S3) and are never sent again (H19). The
// rest is answered here or bound again.
void lost_answers::settle_owed(link_record& l, time_point now)
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
                receipts_.answer_receipt(*s, owed.client_receipt);
            }
            break;
        case owed_kind::subscribe:
        case owed_kind::barrier:
        case owed_kind::error_end:
        case owed_kind::run_end:
        case owed_kind::taken:
        case owed_kind::trial_routed:
        case owed_kind::trial_received:
        case owed_kind::leave: break;
        }
        if (s != nullptr && s->closing()) {
            at(now, due::session_close, number(s->id));
        }
    }
}

// S13: a DISCONNECT's receipt stands for everything before it; where SENDs are in doubt it is not
// answered.
void lost_answers::doubt_disconnect(const link_record& l)
{
    const auto doubt = [&](session_id id) {
        client_session* s = find(id);
        if (s != nullptr && s->closing() && s->last_send_link == l.core.id() &&
            s->last_send > l.core.proven_up_to()) {
            s->rare().disconnect_receipt.clear();
        }
    };
    doubt(l.owner);
    std::ranges::for_each(l.users, doubt);
}

// S3: whose SENDs may still arrive.
void lost_answers::name_unproven(const link_record& l)
{
    const auto name = [&](session_id id) {
        const client_session* s = find(id);
        if (s != nullptr && s->last_send_link == l.core.id() &&
            s->last_send > l.core.proven_up_to()) {
            name_counted(control::counted_cause::fence, id);
        }
    };
    name(l.owner);
    std::ranges::for_each(l.users, name);
}

// design.md section 5: a session that had an unproven SEND on a shared link that died is a suspect;
// suspect in two deaths, it publishes on a link of its own from then on.
void lost_answers::blame(link_record& l, time_point)
{
    for (const session_id user : l.users) {
        client_session* s = find(user);
        if (s != nullptr && s->last_send_link == l.core.id() &&
            s->last_send > l.core.proven_up_to() && ++s->suspected >= 2 && !s->on_own) {
            s->on_own = true;
            out_.log(
                log_level::info, "session " + name_of(s->id) +
                       " had open SENDs on two links that died: it gets a link of its own");
        }
    }
}

// The link's answer for it is settled, so the new color's RECEIPTs wait for one answer less (S13).
void lost_answers::settled_owed(client_session& s, const broker::owed_answer& owed, color c)
{
    if (owed.client_receipt.empty()) {
        return;
    }
    --s.owed;
    if (s.part && c != s.live && s.part->owed_old > 0 && !owed.doubted &&
        --s.part->owed_old == 0) {
        for (const auto& later : s.part->take_receipts()) {
            receipts_.send_receipt(s, later);
        }
    }
}

} // namespace gateway
