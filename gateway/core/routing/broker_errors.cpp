// A broker's ERROR reaches the client whose frame it answers. docs/switch.md E1, E2, E7, E8.

#include "gateway/core/routing/broker_errors.hpp"

#include "broker/plain_words.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

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

// The remaining names of the gateway's own queues mean nothing to a client.
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

void broker_errors::on_refused(
    client_session& s, color c, const std::string& why, const broker::broker_error* error,
    time_point now)
{
    const endpoint_ref where =
        s.bindings[c].group != nullptr ? s.bindings[c].group->at : endpoint_ref{c, 0};
    if (c != s.live) {
        readiness_.standby_refused(
            s, name_of(where) + " refused: " + broker::plain_words(why), now);
        return;
    }
    if (s.pinned != 0) { // S8: it is tried until pin_timeout
        subscriptions_.drop_new_wires(s, now);
        binder_.unbind(s, c, now);
        at(now + pinned_retry, due::session_retry, number(s.id));
        return;
    }
    switch (s.state) {
    case session_state::connecting:
    case session_state::rebinding: // an authentication ERROR is final
    case session_state::active:    // a link of its own beside shared ones was refused
        if (error == nullptr) {
            endings_.fail_client(s, why, {}, disconnect_reason::broker_refused, now);
            return;
        }
        forward_error(s, *error, {}); // E8: as the broker said it
        endings_.close(s, disconnect_reason::broker_refused, why);
        endings_.end_session(s, now);
        return;
    default: return;
    }
}

// The broker refused this SUBSCRIBE. The client that asked for it gets the ERROR. A session that
// only replays it is handled differently.
void broker_errors::on_wire_failed(
    wire_subscription& w, const broker::broker_error& why, time_point now)
{
    const color c = w.color();
    const wire_id id = w.id;
    const auto members = w.members;
    if (w.shared) {
        trials_.forget(*w.group, w.head->bytes(), now);
    }
    subscriptions_.erase_wire(id, now);
    for (const wire_member& m : members) {
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        if (sub == nullptr) {
            continue;
        }
        if (c != s->live) {
            sub->wires[c] = wire_id::none;
            readiness_.standby_failed(*s, "SUBSCRIBE was refused: " + why.text, now);
            continue;
        }
        if (s->pinned != 0) { // S8: it is tried until pin_timeout
            sub->wires[c] = wire_id::none;
            at(now + pinned_retry, due::session_retry, number(s->id));
            continue;
        }
        forward_error(*s, why, sub->take_receipt());
        sub->wires[c] = wire_id::none;
        if (sub->confirmed) { // the client counts on it, and can not know that it is gone
            ++counters_.subscriptions_restored[restored::failed];
            close_for_error(*s, why.text, now);
            continue;
        }
        // E1: it leaves the journal, or the next switch would say it again.
        forget_subscription(*s, sub->number);
        if (--s->open_subscribes == 0) {
            pump_later(*s);
        }
        at(now, due::session_retry, number(s->id)); // maybe the last one that was missing
    }
}

// E5, E6: the broker ended the link after its ERROR.
void broker_errors::on_ended(link_record& l, const broker::finding& what, time_point now)
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
void broker_errors::note_named(client_session& s, const link_record& l, time_point now)
{
    if (l.core.role() != link_role::publish || s.on_own ||
        ++s.named < named_max) {
        return;
    }
    s.on_own = true;
    out_.log(
        log_level::info, "session " + name_of(s.id) + " was answered with ERROR on a shared link " +
               std::to_string(named_max) + " times: it gets a link of its own");
    at(now, due::session_retry, number(s.id));
}

void broker_errors::close_for_error(client_session& s, std::string_view text, time_point now)
{
    if (s.closing()) {
        return;
    }
    if (s.state == session_state::quiescing || s.state == session_state::held) {
        s.close_wanted = disconnect_reason::broker_error; // S4: what is carried comes first
        return;
    }
    endings_.close(s, disconnect_reason::broker_error, text);
    endings_.end_session(s, now);
}

void broker_errors::forward_error(
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
std::string broker_errors::with_names_of(const client_session& s, std::string_view text) const
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

// E2: where no frame is named, what was SUBSCRIBEd on a link of a session's own is that session's.
// A standby's link is lost for it, a pinned session tries again (S8).
client_session* broker_errors::session_of(const link_record& l, const broker::written_frame& frame)
{
    if (frame.session != session_id::none || frame.what != broker::frame_kind::other) {
        return find(frame.session);
    }
    client_session* s = find(l.owner);
    return s != nullptr && l.at().color == s->live && s->pinned == 0 ? s : nullptr;
}

} // namespace gateway
