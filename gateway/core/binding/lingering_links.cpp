#include "gateway/core/binding/lingering_links.hpp"

#include <algorithm>

namespace gateway {

// H14: while an answer to the session's own request is owed, its temporary queue stays, and so its
// link. H11: not where a durable subscription is read there, which only the link's end leaves.
bool lingering_links::awaits_replies(const client_session& s) const
{
    const link_record* own = link(s.now().own);
    return s.answers && s.answers->requests(s.live) > 0 && own != nullptr && own->core.ready() &&
           std::ranges::none_of(own->wires, [&](wire_id id) { return wire(id)->durable; });
}

// Deliveries that the client did not acknowledge go back when the link closes, never by NACK. The
// link's end does not concern this session any more.
void lingering_links::leave_own_link(client_session& s, bool lingers, time_point now)
{
    binding& b = s.now();
    link_record* own = link(b.own);
    if (own == nullptr) {
        return;
    }
    out_.read_link(own->core.id(), true);
    if (!lingers) {
        own->owner = session_id::none;
        return;
    }
    // Deliveries of a stored subscription that were read and not acknowledged are not kept back for
    // long.
    const bool stored =
        std::ranges::any_of(own->wires, [&](wire_id id) { return !wire(id)->broadcast; });
    own_links_.push_back(
        {own->core.id(), s.id, s.answers->requests(s.live),
         now + (stored ? settings_.timing.receipt_timeout : settings_.timing.drain_timeout)});
    b.publish = b.publish == b.own ? link_id::none : b.publish;
    b.own = link_id::none; // unbind() leaves it alone
    at(own_links_.back().until, due::moves);
}

// A publish link that is shared stays in its group; where there is none, the session's own link
// goes on without it, unless a subscription that others feed on is still read there.
void lingering_links::keep_for_answers(
    client_session& s, broker::color left, time_point until, time_point now)
{
    binding& b = s.bindings[left];
    share_group* g = b.group;
    if (g == nullptr || now >= until || !s.who->heard ||
        !s.who->heard->owes(g->at, s.who->sessions) || for_answers(*s.who, g->at) != nullptr) {
        return;
    }
    const auto shared = std::ranges::find_if(g->publish, [&](link_id id) {
        const link_record* one = link(id);
        return one != nullptr && one->core.ready();
    });
    link_id kept = link_id::none;
    if (shared != g->publish.end()) {
        kept = *shared;
        g->lingers = kept;
    } else if (link_record* own = link(b.own);
               own != nullptr && own->core.ready() &&
               !own->half_left && // a stored subscription is still read there, for nobody
               std::ranges::all_of(own->wires, [&](wire_id id) {
                   return wire(id)->state == wire_state::leaving;
               })) {
        kept = b.own;
        out_.read_link(kept, true);
        own->owner = session_id::none;
        b.publish = b.publish == b.own ? link_id::none : b.publish;
        b.own = link_id::none; // unbind() leaves it alone
    } else {
        return; // another session of the identity may have one
    }
    answering_.push_back({kept, s.who, g->at, until});
    at(until, due::moves);
}

link_record* lingering_links::for_answers(const identity& who, endpoint_ref to)
{
    const auto one = std::ranges::find_if(
        answering_, [&](const answering_link& l) { return l.who == &who && l.at == to; });
    link_record* l = one == answering_.end() ? nullptr : link(one->link);
    return l != nullptr && l->core.ready() ? l : nullptr;
}

void lingering_links::on_answered(const identity& who, endpoint_ref to, time_point now)
{
    for (answering_link& one : answering_) {
        if (one.who == &who && one.at == to && !who.heard->owes(to, who.sessions)) {
            one.until = now;
            at(now, due::moves);
        }
    }
}

// A session that is bound there again keeps a shared link. Otherwise the link leaves as its group's
// last.
void lingering_links::end_answering(time_point now)
{
    time_point next = net::never;
    std::vector<link_id> over;
    std::erase_if(answering_, [&](const answering_link& one) {
        const link_record* l = link(one.link);
        if (l != nullptr && now < one.until) {
            next = std::min(next, one.until);
            return false;
        }
        if (l != nullptr) {
            over.push_back(one.link);
        }
        return true;
    });
    for (const link_id id : over) {
        link_record& l = *link(id);
        const bool shared = l.group->lingers == id;
        l.group->lingers = shared ? link_id::none : l.group->lingers;
        if (!shared || l.group->bindings == 0) {
            links_.leave(l, now);
        }
    }
    if (next != net::never) {
        at(next, due::moves);
    }
}

bool lingering_links::on_reply(link_id from, time_point now)
{
    const auto one = std::ranges::find(own_links_, from, &lingering_link::link);
    if (one == own_links_.end()) {
        return false;
    }
    one->requests -= one->requests > 0;
    if (one->requests == 0) {
        one->until = now;
        at(now, due::moves);
    }
    return true;
}

bool lingering_links::on_lost(link_id id)
{
    std::erase_if(answering_, [&](const answering_link& one) { return one.link == id; });
    return std::erase_if(own_links_, [&](const lingering_link& one) { return one.link == id; }) > 0;
}

void lingering_links::forget(session_id id, time_point now)
{
    for (lingering_link& one : own_links_) {
        one.until = one.session == id ? now : one.until;
    }
    if (!own_links_.empty()) {
        end_overdue(now);
    }
}

void lingering_links::end_overdue(time_point now)
{
    end_answering(now);
    time_point next = net::never;
    std::erase_if(own_links_, [&](const lingering_link& one) {
        link_record* l = link(one.link);
        if (l != nullptr && now < one.until) {
            next = std::min(next, one.until);
            return false;
        }
        if (l != nullptr) {
            l->owner = session_id::none;
            links_.leave(*l, now);
        }
        return true;
    });
    if (next != net::never) {
        at(next, due::moves);
    }
}

} // namespace gateway
