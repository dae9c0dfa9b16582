// A client's frame that a broker refused, once it is known whose it was. docs/switch.md E1 to E8.

#include "gateway/core/routing/broker_events.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace gateway {

bool broker_events::on_news(link_id id, time_point now)
{
    link_record* l = link(id);
    if (l == nullptr) {
        return false;
    }
    auto news = l->core.take_news();
    bool known = false;
    for (auto& one : news.refused) {
        known |= on_finding(id, one, now);
    }
    for (const auto& owed : news.answered) {
        if ((l = link(id)) != nullptr) {
            answers_.on_answered(*l, owed, now);
        }
    }
    for (const auto& owed : news.doubted) { // E3: nothing is answered for it
        if (!owed.doubted) {
            sends_.count_doubt(owed);
        }
        if (client_session* s = find(owed.session); s != nullptr && (l = link(id)) != nullptr) {
            lost_answers_.settled_owed(*s, owed, l->at().color);
        }
    }
    if ((l = link(id)) != nullptr) {
        const bool searching = l->core.searching();
        l->kept_errors.set(searching ? l->core.search_bytes() : 0);
        if (!searching) {
            l->told.clear();
            if (l->untried != session_id::none && l->core.ready()) {
                binder_.wake_turns(*l->group, now); // E10: it lives on
            }
        }
    }
    return known;
}

bool broker_events::on_finding(link_id id, broker::link_news::refusal& one, time_point now)
{
    using kind = broker::finding::kind;
    link_record* l = link(id);
    if (l == nullptr) {
        return false;
    }
    broker::finding& what = one.what;
    switch (what.what) {
    case kind::named:
        if (what.frame.what == broker::frame_kind::subscribe) {
            on_subscribe_refused(*l, what, now);
        } else {
            on_send_refused(*l, one, now);
        }
        return false;
    case kind::session:
        if (client_session* s = errors_.session_of(*l, what.frame)) {
            errors_.forward_error(*s, what.error, {});
            errors_.note_named(*s, *l, now);
        }
        return false;
    case kind::ours:
        out_.log(
            log_level::warning, name_of(l->at()) + " refused a frame of the gateway's own: " + what.error.text);
        return false;
    case kind::nobody:
        ++counters_.errors_unnamed[l->at().color];
        out_.log(
            log_level::info, "ERROR from " + name_of(l->at()) + " that names nobody: " + what.error.text);
        return false;
    case kind::ended: errors_.on_ended(*l, what, now); return what.told || !what.lines.empty();
    }
    return false;
}

void broker_events::on_send_refused(link_record& l, broker::link_news::refusal& one, time_point now)
{
    using broker::owed_kind;
    const auto session = one.what.frame.session;
    const color c = l.at().color;
    client_session* s = find(session);
    std::string receipt;
    if (one.owed) {
        const broker::owed_answer& owed = *one.owed;
        if (owed.kind == owed_kind::unsubscribe) { // it is left all the same
            answers_.on_answered(l, owed, now);
            return;
        }
        if (owed.kind == owed_kind::send || owed.kind == owed_kind::commit) {
            switch_.tally.refused += owed.counted;
            switch_.tally.in_doubt -= owed.counted && owed.doubted;
            sends_.count_refused(owed);
        }
        receipt = owed.client_receipt;
    } else if (one.silent) {
        sends_.refuse_silent(session, l, one);
    }
    if (s == nullptr) {
        return;
    }
    errors_.forward_error(*s, one.what.error, receipt);
    if (one.owed) {
        lost_answers_.settled_owed(*s, *one.owed, c); // RECEIPTs of the new color come behind it
    }
    errors_.note_named(*s, l, now);
    if (s->closing()) {
        at(now, due::session_close, number(session));
    }
}

void broker_events::on_subscribe_refused(link_record& l, broker::finding& what, time_point now)
{
    wire_subscription* w = wire(what.frame.wire);
    if (w == nullptr || w->link != l.core.id()) {
        return;
    }
    const link_id id = l.core.id();
    if (what.error.text.starts_with("not_found") && goes_afresh(l)) { // H13
        if (l.core.state() != broker::link_state::lost) {
            out_.close_link(id);
            lose_link(id, what.error.text, false, now);
        }
        return;
    }
    if (w->state == wire_state::open) {
        --l.open_subscribes;
    }
    for (const wire_member& m : w->members) {
        l.told.emplace_back(w->id, m.session);
    }
    share_group& g = *l.group;
    ++g.links; // keeps the group while sessions are told
    errors_.on_wire_failed(*w, what.error, now);
    binder_.wake_turns(g, now);
    --g.links;
    links_.drop_if_unused(g);
}

} // namespace gateway
