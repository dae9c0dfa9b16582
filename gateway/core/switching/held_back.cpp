// Backplane `shared`: what the new color is not asked for before the old one has given all.
// switch.md P1, design.md section 6.4: without a key no subscription has both colors at once, and
// stored ones never do.

#include "gateway/core/switching/switch_member.hpp"

#include "gateway/core/messages/message_frames.hpp"

#include <algorithm>

namespace gateway {

// At commit, or when a pinned session is bound at last: what the new color is not asked for before
// the old one has given all.
void switch_member::hold_back(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    for (const auto& sub : s.journal) {
        wire_subscription* from = wire(sub->wires[old]);
        if (from == nullptr) {
            // It was never subscribed there: whatever came in between lies in its queue.
            count_left_behind(s, sub->held_back && !sub->broadcast);
            sub->held_back = false;
        } else if (sub->broadcast) {
            sub->held_back = !has_standby(*sub);
        } else {
            sub->held_back =
                switch_.timing.strict_queue_order || shares_backplane() || sub->prefetch; // T4
            from->giving_back = shares_backplane() && s.pinned == 0;
            from->last_message = from->giving_back ? now : from->last_message;
            from->maybe_on_its_way = true;
            // Its queue goes with the old link, and what is in it.
            count_gap(s, from->giving_back && sub->fleeting);
        }
    }
}

// A session never has two consumers of one queue. Deliveries of the old color that the client has
// not got yet go back to the queue with the old link, and only then the new color is subscribed.
bool switch_member::gives_back(const client_session& s) const
{
    return shares_backplane() && std::ranges::any_of(s.journal, [&](const auto& sub) {
               const wire_subscription* old = wire(sub->wires[broker::other(s.live)]);
               return sub->held_back && !sub->broadcast &&
                      (old == nullptr || old->giving_back); // a pinned one still gets
           });
}

// The delivery goes back to the queue with its link, unacknowledged, unless the client needs it
// (feed()). If there is no room for one, no later one is kept either, so that the order stays.
void switch_member::keep_to_give_back(
    wire_subscription& w, const stomp::frame_view& frame, framing as)
{
    if (!w.overfull) {
        w.keep(keep(w, frame, as));
        w.overfull = w.kept_above(settings_.seam_buffer);
    }
}

// A client that acknowledges by the dozen would never acknowledge its last deliveries if no more
// arrive. So if it has acknowledged nothing for `linger`, it gets the deliveries that were to go
// back, one per sweep.
void switch_member::feed(client_session& s, wire_subscription& w, time_point now)
{
    if (!w.giving_back || w.automatic || w.kept.empty() ||
        now - w.last_message < switch_.timing.linger || !s.ledger.has(w.id)) {
        return;
    }
    const kept_message next = std::move(w.kept.front());
    w.kept.erase(w.kept.begin());
    w.kept_bytes -= next.rest->size();
    to_client_.deliver_shared(s, w, wire_member{w.members.front()}, next);
}

// The link of the session's own on the old color is gone: nothing of its stored subscriptions is
// there any more.
void switch_member::release_held_back(client_session& s, color c, time_point now)
{
    if (c == s.live) {
        return;
    }
    bool any = false;
    for (const auto& sub : s.journal) {
        if (sub->held_back && !sub->broadcast && wire(sub->wires[c]) == nullptr) {
            sub->held_back = false;
            any = true;
        }
    }
    if (any) {
        at(now, due::session_retry, number(s.id));
    }
}

} // namespace gateway
