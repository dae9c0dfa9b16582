// MESSAGEs to clients.

#include "gateway/core/messages/to_client.hpp"

#include "broker/own_headers.hpp"
#include "gateway/core/messages/message_frames.hpp"

#include <algorithm>

namespace gateway {

// S12: an answer to it goes to the color that brought the address.
void to_client::learn_reply_address(client_session& s, std::string_view address, color from)
{
    if (address.empty() || !is_reply_address(address)) {
        return;
    }
    if (!s.answers) {
        s.answers = std::make_unique<reply_addresses>();
    }
    s.answers->learn(address, from);
}

// A reply address that a broadcast brought belongs to the whole identity, because anybody may have
// written it.
void to_client::learn_reply_address(
    client_session& s, const wire_subscription& w, std::string_view address)
{
    if (address.empty() || !is_reply_address(address)) {
        return;
    }
    if (!w.broadcast) {
        learn_reply_address(s, address, w.color());
        return;
    }
    if (!s.who->heard) {
        s.who->heard = std::make_unique<heard_addresses>();
    }
    s.who->heard->learn(address, w.group->at);
}

// "MESSAGE", subscription and ack lines; the delivery goes into the ledger where something must
// acknowledge it.
std::string to_client::client_head(
    client_session& s, wire_subscription& w, const subscription& sub, std::string_view broker_ack)
{
    std::string head{"MESSAGE\n"};
    if (sub.named) {
        head.append("subscription:").append(sub.client_id).append("\n");
    }
    const bool automatic = sub.mode == ack_mode::automatic;
    if (!w.acknowledges || (automatic && broker_ack.empty())) {
        return head;
    }
    const auto number_of = s.ledger.add(
        {.link = w.link,
         .wire = w.id,
         .subscription = sub.number,
         .color = w.color(),
         .broker_ack = std::string{broker_ack}},
        &shard_.budget);
    if (broker_ack.empty()) { // K6: settled; its ACK still speaks for earlier ones (H2)
        s.ledger.take(number_of);
    }
    if (!automatic) {
        // K4: brokers give both the same value, so clients use one for the other.
        const std::string id = shard_.acks.mint(s.id, {number_of, sub.number});
        if (s.version == stomp::version::v12) {
            head.append("ack:").append(id).append("\n");
        }
        head.append("message-id:").append(id).append("\n");
    }
    return head;
}

// T1: what was given; two colors of one message world have one stream.
void to_client::note_stream_offset(
    const subscription& sub, color from, std::optional<std::uint64_t> offset) const
{
    if (!sub.stream || !offset) {
        return;
    }
    sub.stream->given[from] = offset;
    if (shares_backplane()) {
        sub.stream->given[broker::other(from)] = offset;
    }
}

// It came behind its seam: counted in the report of the switch that made that.
void to_client::count_late(const wire_subscription& w, const client_session& s)
{
    control::tally& numbers = switch_.tally_of(w.late_of);
    ++numbers.late;
    numbers.named.add(control::counted_cause::late, name_of(s.id));
}

// O4, O5: what both colors of an application bring while a subscription overlaps. True: it is a twin,
// and switch.dedup drops it.
bool to_client::drops_twin(
    const client_session& s, wire_subscription& w, const stomp::frame_view& frame, time_point now)
{
    wire_overlap& overlap = *w.overlap;
    control::tally& numbers = switch_.tally_of(overlap.made_by);
    const bool old = w.id == overlap.old_wire;
    const bool twin =
        overlap.notes.is_twin(old ? overlap_side::old_color : overlap_side::new_color, frame.body);
    overlap.held.set(overlap.notes.bytes());
    const bool drops = settings_.pairing.by == dedup_by::automatic
                           ? shares_backplane() // P9: `auto` is for message worlds that are one
                           : settings_.pairing.by != dedup_by::nothing;
    if (twin && drops) {
        ++numbers.duplicates_dropped;
        if (link_record* l = link(w.link); l != nullptr && w.acknowledges) {
            acknowledge_unread(*l, w.id, ack_of(frame, l->core.version()), out_);
        }
        return true;
    }
    if (twin) {
        ++numbers.overlap_twins;
        numbers.named.add(control::counted_cause::twins, name_of(s.id));
    }
    if (old) {
        ++numbers.overlap_delivered;
        if (now >= overlap.soon_over) {
            ++numbers.overlap_still_coming;
            numbers.named.add(control::counted_cause::still_coming, name_of(s.id));
        }
    }
    note_numbers(now);
    return false;
}

// M8: a later switch made a newer one on that color, and this one is behind its markers, or the
// color is live again: what its clients SEND now comes by the newer one.
bool to_client::is_outlived(
    const client_session& s, const wire_subscription& w, const subscription& sub)
{
    return sub.newest[w.color()] != static_cast<std::uint32_t>(number(w.id)) &&
           (w.state == wire_state::leaving || s.live == w.color());
}

void to_client::deliver(
    client_session& s, wire_subscription& w, const wire_member& m, const stomp::frame_view& frame,
    framing as, time_point now)
{
    const subscription* sub = s.journal.at(m.subscription);
    if (sub == nullptr) {
        return;
    }
    if (m.state == member_state::late && (m.outlived || is_outlived(s, w, *sub))) {
        return;
    }
    if (w.overlap != nullptr) {
        if (drops_twin(s, w, frame, now)) {
            return;
        }
    } else if (m.state == member_state::late) {
        count_late(w, s);
    }
    const bool minted = w.acknowledges && sub->mode != ack_mode::automatic;
    auto& out = out_.scratch();
    out.begin(stomp::command::message);
    const auto ack = w.acknowledges ? ack_of(frame, s.version) : std::string_view{};
    std::string head = client_head(s, w, *sub, ack);
    for (const auto& h : frame.headers) {
        if (!is_owned(h.name, minted)) {
            append_header(head, h, w.head->bytes());
        }
    }
    head += '\n';
    ++s.frames_out;
    ++counters_.frames[side::client][direction::out][frame_kind::message];
    learn_reply_address(s, w, frame.find("reply-to").value_or(""));
    // H18: passed on as it is, and counted.
    switch_.tally.redelivered += (in_switch() || !switch_.draining.empty()) &&
                                 frame.find("redelivered") == std::string_view{"true"};
    note_stream_offset(*sub, w.color(), stream_offset_of(frame));
    out_.write_client(s.id, head, frame.body, as);
    if (!ack.empty() && sub->mode == ack_mode::automatic) {
        s.ledger.mark_last(out_.client_appended(s.id));
        out_.watch_written(s.id);
    }
}

void to_client::deliver_shared(
    client_session& s, wire_subscription& w, const wire_member& m, const kept_message& message)
{
    const subscription* sub = s.journal.at(m.subscription);
    if (sub == nullptr) {
        return;
    }
    if (m.state == member_state::late) {
        if (m.outlived || is_outlived(s, w, *sub)) {
            return;
        }
        count_late(w, s);
    }
    const std::string head = client_head(s, w, *sub, message.broker_ack);
    learn_reply_address(s, w, message.reply_to);
    ++s.frames_out;
    ++counters_.frames[side::client][direction::out][frame_kind::message];
    if (sub->stream) {
        note_stream_offset(*sub, w.color(), stream_offset_of(message.rest->bytes()));
    }
    out_.write_client(s.id, head, message.rest, message.as);
    if (w.acknowledges && !message.broker_ack.empty() && sub->mode == ack_mode::automatic) {
        s.ledger.mark_last(out_.client_appended(s.id));
        out_.watch_written(s.id);
    }
}

} // namespace gateway
