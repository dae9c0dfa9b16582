// What a broker's MESSAGE is: a marker, one of a pair, or a client's. docs/switch.md M2, M3, M6, M10, K2.

#include "gateway/core/routing/broker_messages.hpp"

#include "broker/own_headers.hpp"
#include "gateway/core/messages/message_frames.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

void broker_messages::on_marker(wire_subscription& w, std::string_view text, time_point now)
{
    const endpoint_ref at = w.group->at;
    const auto mark = read_marker(text, w.id, at);
    if (!mark) {
        return; // not one of this gateway's
    }
    switch (mark->what) {
    case marker_text::kind::rejoin: fences_.on_marker(w, mark->number, now); return;
    case marker_text::kind::move: moves_.on_marker(w.id, mark->number, now); return;
    case marker_text::kind::window: pairing_.on_mark(w, *mark, now); return;
    case marker_text::kind::seam: break;
    }
    if (mark->number != 0) {
        w.group->last_marker = now;
    }
    if (mark->from == at) {
        w.group->known.marker = broker::tried::yes;
    } else {
        survey_.on_marker(mark->from, at, now);
    }
    if (mark->from.color == w.color()) { // the other color's is a trial's alone (P7)
        seams_.on_marker(w.id, mark->from.index, mark->number, now);
    }
}

// outside.md A12: its client is being sent away. Never acknowledged, it goes back with the link.
bool broker_messages::goes_back(
    const wire_subscription& w, const link_record& l, const stomp::frame_view& frame) const
{
    if (!w.acknowledges || w.members.size() != 1) {
        return false;
    }
    const client_session* s = find(w.members.front().session);
    return s != nullptr && s->leaving && !ack_of(frame, l.core.version()).empty();
}

void broker_messages::on_message(
    link_record& l, wire_subscription& w, const stomp::frame_view& frame, framing as,
    time_point now)
{
    // K2: what others publish under that name is a MESSAGE like any other.
    const auto sealed = w.broadcast ? frame.find(broker::marker_header) : std::nullopt;
    if (const auto mark = sealed ? shard_.marks.open(*sealed) : std::nullopt) {
        if (w.acknowledges) { // a marker is never forwarded, so nobody else acknowledges it
            acknowledge_unread(l, w.id, ack_of(frame, l.core.version()), out_);
        }
        on_marker(w, *mark, now);
        return;
    }
    if (std::exchange(w.answered_once, false)) { // O6: the client has had it
        ++switch_.tally.standbys_discarded;
        if (w.acknowledges) {
            acknowledge_unread(l, w.id, ack_of(frame, l.core.version()), out_);
        }
        return;
    }
    if (goes_back(w, l, frame)) {
        return;
    }
    // K6: what brings no id would not come again from its queue.
    if (w.giving_back && !ack_of(frame, l.core.version()).empty()) {
        member_.keep_to_give_back(w, frame, as);
        return;
    }
    if (shares_backplane() && pairing_.on_message(l, w, frame, as, now)) {
        return;
    }
    w.last_message = now;
    const bool keeping =
        w.broadcast && (w.keeping || w.seams > 0) && !w.opened_late &&
        std::ranges::any_of(w.members, [](const auto& m) {
            return m.state == member_state::joining || m.state == member_state::standby;
        });
    if (w.members.size() == 1 && !keeping) {
        const wire_member m = w.members.front();
        client_session* s = find(m.session);
        if (s == nullptr || m.state == member_state::standby ||
            m.state == member_state::rejoining) {
            // The session is not there yet: discarded, acknowledged where it must be, counted.
            switch_.tally.standbys_discarded += m.state == member_state::standby;
            if (w.acknowledges) {
                acknowledge_unread(l, w.id, ack_of(frame, l.core.version()), out_);
            }
            return;
        }
        to_client_.deliver(*s, w, m, frame, as, now);
        return;
    }
    const bool wanted = keeping || std::ranges::any_of(w.members, [](const auto& m) {
                            return m.state == member_state::live || m.state == member_state::late;
                        });
    if (!wanted) { // left, or a standby's: nobody is there yet
        switch_.tally.standbys_discarded += std::ranges::any_of(
            w.members, [](const auto& m) { return m.state == member_state::standby; });
        return;
    }
    const kept_message shared = keep(w, frame, as);
    for (const wire_member& m : w.members) {
        if (m.state == member_state::live || m.state == member_state::late) {
            if (client_session* s = find(m.session)) {
                to_client_.deliver_shared(*s, w, m, shared);
            }
        }
    }
    if (!keeping) {
        return;
    }
    w.keep(shared);
    if (w.kept_above(settings_.seam_buffer) && w.seams == 0) {
        // M10, S14: nothing is dropped and nobody is closed. member_.read_again() reads on after the
        // decision.
        switch_.unread.insert(w.link);
        out_.read_link(w.link, false);
    }
    if (w.kept_above(settings_.seam_buffer) && w.seams > 0) { // M10
        seams_.on_buffer_full(w.id, now);
    }
}

// A temporary queue's MESSAGE: it belongs to the session of its link, under the broker's own
// subscription id.
void broker_messages::on_reply(
    link_record& l, const stomp::frame_view& frame, framing as, time_point now)
{
    client_session* s = find(l.owner);
    if (s == nullptr) {
        return;
    }
    std::string head{"MESSAGE\n"};
    for (const auto& h : frame.headers) {
        if (h.name != broker::id_header && h.name != "receipt" && h.name != "transaction") {
            append_header(head, h, {});
        }
    }
    head += '\n';
    ++s->frames_out;
    ++counters_.frames[side::client][direction::out][frame_kind::message];
    to_client_.learn_reply_address(*s, frame.find("reply-to").value_or(""), l.at().color);
    out_.write_client(s->id, head, frame.body, as);
    if (!lingering_.on_reply(l.core.id(), now) && s->answers) {
        s->answers->on_reply(l.at().color);
    }
}

} // namespace gateway
