// A client's frame that a broker refused, once it is known whose it was: switch.md E1 to E6. The
// client gets the broker's ERROR and goes on, or is closed where the broker closed; nobody else
// notices.

#include "gateway/core/routing/router.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace gateway {

namespace {

// Named so often, a session publishes on a link of its own.
constexpr unsigned named_max = 2;

void replace_all(std::string& text, std::string_view from, std::string_view to)
{
    for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

bool of_name(char c) noexcept
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
}

// What is left of queues of the gateway's own says nothing to a client.
void hide_own_names(std::string& text)
{
    constexpr std::string_view own = broker::private_prefix;
    for (auto at = text.find(own); at != text.npos; at = text.find(own, at)) {
        auto end = at;
        while (end < text.size() && of_name(text[end])) {
            ++end;
        }
        text.replace(at, end - at, "-");
    }
}

} // namespace

bool router::on_news(link_id id, time_point now)
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
            on_answered(*l, owed, now);
        }
    }
    for (const auto& owed : news.doubted) { // E3: nothing is answered for it
        if (!owed.doubted) {
            sends_.count_doubt(owed);
        }
        if (client_session* s = find(owed.session); s != nullptr && (l = link(id)) != nullptr) {
            settled_owed(*s, owed, l->at().color);
        }
    }
    if ((l = link(id)) != nullptr) {
        const bool searching = l->core.searching();
        l->kept_errors.set(searching ? l->core.search_bytes() : 0);
        if (!searching) {
            l->told.clear();
        }
    }
    return known;
}

bool router::on_finding(link_id id, broker::link_news::refusal& one, time_point now)
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
        if (client_session* s = session_of(*l, what.frame)) {
            forward_error(*s, what.error, {});
            note_named(*s, *l, now);
        }
        return false;
    case kind::ours:
        out_.log(
            2, name_of(l->at()) + " refused a frame of the gateway's own: " + what.error.text);
        return false;
    case kind::nobody:
        ++counters_.errors_unnamed[l->at().color];
        out_.log(
            1, "ERROR from " + name_of(l->at()) + " that names nobody: " + what.error.text);
        return false;
    case kind::ended: on_ended(*l, what, now); return what.told || !what.lines.empty();
    }
    return false;
}

// What the link owes for it is settled: the new color's RECEIPTs wait for one less (S13).
void router::settled_owed(client_session& s, const broker::owed_answer& owed, color c)
{
    if (owed.client_receipt.empty()) {
        return;
    }
    --s.owed;
    if (s.part && c != s.live && s.part->owed_old > 0 && !owed.doubted &&
        --s.part->owed_old == 0) {
        for (const auto& later : std::exchange(s.part->receipts, {})) {
            send_receipt(s, later);
        }
    }
}

void router::on_send_refused(link_record& l, broker::link_news::refusal& one, time_point now)
{
    using broker::owed_kind;
    const auto session = one.what.frame.session;
    const color c = l.at().color;
    client_session* s = find(session);
    std::string receipt;
    if (one.owed) {
        const broker::owed_answer& owed = *one.owed;
        if (owed.kind == owed_kind::unsubscribe) { // it is left all the same
            on_answered(l, owed, now);
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
    forward_error(*s, one.what.error, receipt);
    if (one.owed) {
        settled_owed(*s, *one.owed, c); // RECEIPTs of the new color come behind it
    }
    note_named(*s, l, now);
    if (s->closing()) {
        at(now, due::session_close, number(session));
    }
}

void router::on_subscribe_refused(link_record& l, broker::finding& what, time_point now)
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
    on_wire_failed(*w, what.error, now);
    wake_turns(g, now);
    --g.links;
    drop_if_unused(g);
}

// E2: where no frame is named, what was SUBSCRIBEd on a link of a session's own is that session's.
// A standby's link is lost for it, a pinned session tries again (S8).
client_session* router::session_of(const link_record& l, const broker::written_frame& frame)
{
    if (frame.session != session_id::none || frame.what != broker::frame_kind::other) {
        return find(frame.session);
    }
    client_session* s = find(l.owner);
    return s != nullptr && l.at().color == s->live && s->pinned == 0 ? s : nullptr;
}

// E5, E6: the broker ended the link behind its ERROR.
void router::on_ended(link_record& l, const broker::finding& what, time_point now)
{
    if (l.core.role() == link_role::publish) {
        ended_.remember(l.group->who->key, what.lines, now);
    }
    if (what.frame.what != broker::frame_kind::subscribe) {
        if (client_session* s = session_of(l, what.frame)) {
            close_for_error(*s, what.error.text, now);
        }
        return;
    }
    for (const auto& [wire, session] : std::exchange(l.told, {})) {
        if (client_session* s = find(session); s != nullptr && wire == what.frame.wire) {
            close_for_error(*s, what.error.text, now);
        }
    }
}

// E2: the second time it is no accident. Its neighbours are spared the third.
void router::note_named(client_session& s, const link_record& l, time_point now)
{
    if (l.core.role() != link_role::publish || s.on_own ||
        ++s.named < named_max) {
        return;
    }
    s.on_own = true;
    out_.log(
        1, "session " + name_of(s.id) + " was answered with ERROR on a shared link " +
               std::to_string(named_max) + " times: it gets a link of its own");
    at(now, due::session_retry, number(s.id));
}

// E6: what ended a shared link goes on one of the session's own. True: it waits for that.
bool router::goes_alone(client_session& s, const stomp::frame_view& frame, time_point now)
{
    binding& b = s.now();
    if (ended_.empty() || b.group == nullptr || b.group->dedicated ||
        !ended_.would_end(s.who->key, frame, now)) {
        return false;
    }
    s.on_own = true;
    if (b.publish != b.own || b.own == link_id::none) {
        advance(s, s.live, now);
    }
    return s.now().publish == link_id::none || s.now().publish != s.now().own;
}

void router::close_for_error(client_session& s, std::string_view text, time_point now)
{
    if (s.closing()) {
        return;
    }
    if (s.state == session_state::quiescing || s.state == session_state::held) {
        s.close_wanted = disconnect_reason::broker_error; // S4: what is carried comes first
        return;
    }
    close(s, disconnect_reason::broker_error, text);
    end_session(s, now);
}

void router::forward_error(
    client_session& s, const broker::broker_error& error, std::string_view receipt)
{
    const std::string body = with_names_of(s, error.body);
    std::string head{out_.scratch().begin(stomp::command::error).bytes()};
    for (std::string_view rest = error.head; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.starts_with("content-length:")) {
            head += "content-length:" + std::to_string(body.size()) + "\n";
        } else {
            head += with_names_of(s, line);
            head += '\n';
        }
    }
    if (!receipt.empty()) {
        const auto last = receipt.rfind('\n');
        head.append("receipt-id:")
            .append(last == receipt.npos ? receipt : receipt.substr(last + 1))
            .append("\n");
    }
    head += '\n';
    ++counters_.frames[side::client][direction::out][frame_kind::error];
    out_.write_client(s.id, head, body, framing::plain);
}

// E7: queues and wire ids of the gateway's own, said as the client knows them.
std::string router::with_names_of(const client_session& s, std::string_view text) const
{
    std::string said{text};
    if (said.find("-teal-") == said.npos && said.find("T_") == said.npos &&
        said.find_first_of("'\"") == said.npos) {
        return said;
    }
    for (const auto& sub : s.journal) {
        for (const color c : broker::colors) {
            if (sub->wires[c] == wire_id::none) {
                continue;
            }
            const std::string id = broker::to_wire(sub->wires[c]);
            replace_all(said, address_of(sub->wires[c]), sub->client_id);
            replace_all(said, "T_" + id + "@@", "T_" + sub->client_id + "@@");
            replace_all(said, "'" + id + "'", "'" + sub->client_id + "'");
            replace_all(said, "\"" + id + "\"", "\"" + sub->client_id + "\"");
        }
    }
    hide_own_names(said);
    return said;
}

} // namespace gateway
