#include "gateway/lingering_links.hpp"

#include <algorithm>

namespace gateway {

// H14: while an answer to the session's own request is owed, its temporary queue stays, and so its
// link. H11: not where a durable subscription is read there, which only the link's end leaves.
bool lingering_links::awaits_replies(const client_session& s) const
{
    const auto own = tables_.links.find(number(s.now().own));
    return s.answers && s.answers->requests(s.live) > 0 && own != tables_.links.end() &&
           own->second->core.ready() && std::ranges::none_of(own->second->wires, [&](wire_id id) {
               return tables_.wires.at(number(id))->durable;
           });
}

// What the client did not acknowledge is given back by closing the link, never by NACK; the link's
// end is nothing to this session any more.
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
    // What was read of a stored subscription and not acknowledged is not kept back for long.
    const bool stored =
        std::ranges::any_of(own->wires, [&](wire_id id) { return !wire(id)->broadcast; });
    links_.push_back(
        {own->core.id(), s.id, s.answers->requests(s.live),
         now + (stored ? settings_.receipt_timeout : settings_.drain_timeout)});
    b.publish = b.publish == b.own ? link_id::none : b.publish;
    b.own = link_id::none; // unbind() leaves it alone
    at(links_.back().until, due::moves);
}

bool lingering_links::on_reply(link_id from, time_point now)
{
    const auto one = std::ranges::find(links_, from, &lingering_link::link);
    if (one == links_.end()) {
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
    return std::erase_if(links_, [&](const lingering_link& one) { return one.link == id; }) > 0;
}

void lingering_links::forget(session_id id, time_point now)
{
    for (lingering_link& one : links_) {
        one.until = one.session == id ? now : one.until;
    }
    if (!links_.empty()) {
        end_overdue(now);
    }
}

void lingering_links::end_overdue(time_point now)
{
    time_point next = net::never;
    std::erase_if(links_, [&](const lingering_link& one) {
        link_record* l = link(one.link);
        if (l != nullptr && now < one.until) {
            next = std::min(next, one.until);
            return false;
        }
        if (l != nullptr) {
            l->owner = session_id::none;
            actions_.leave(*l, now);
        }
        return true;
    });
    if (next != net::never) {
        at(next, due::moves);
    }
}

} // namespace gateway
