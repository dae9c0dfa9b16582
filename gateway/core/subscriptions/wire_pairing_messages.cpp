// Decides what becomes of a MESSAGE of a paired wire subscription. switch.md P1, P4, M10.

#include "gateway/core/subscriptions/wire_pairing.hpp"

#include "broker/own_headers.hpp"
#include "gateway/core/messages/message_frames.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace gateway {

namespace {

constexpr std::size_t recent_max = 2048; // keys of one wire subscription, since the prepare order

} // namespace

// MESSAGEs from before Oa are paired with nothing once Oa was read.
bool wire_pairing::awaits_marks(const wire_pair& pair) const noexcept
{
    return marks() && !pair.marks.given_up && pair.core.window() == pairing_window::unmarked;
}

bool wire_pairing::on_message(
    link_record& l, wire_subscription& w, const stomp::frame_view& frame, framing as,
    time_point now)
{
    if (!w.broadcast || w.overlaps) {
        return false;
    }
    // The new color delivers the MESSAGEs that follow the markers (P1).
    const bool left = w.state == wire_state::leaving;
    const bool plain = !pairs() || (w.pairs.empty() && !in_switch() &&
                                    std::ranges::none_of(w.members, [](const wire_member& m) {
                                        return m.state == member_state::late;
                                    }));
    if (!left && plain) {
        return false;
    }
    if (left && pairs()) {
        switch_.tally.duplicates_dropped += w.members.size();
    }
    if ((left || !give(w, frame, as, now)) && w.acknowledges) {
        acknowledge_unread(l, w.id, ack_of(frame, l.core.version()), out_);
    }
    return true;
}

// Behind each MESSAGE: what the pair holds now, and what it cannot know any more.
void wire_pairing::take_stock(wire_pair& pair)
{
    count(pair);
    pair.held.set(pair.core.note_bytes());
    note_plain(pair);
    if (pair.core.overflowed()) {
        note_overflow(pair);
    }
}

// For a pair that is made behind this MESSAGE: certain keys of the live color's stream in a switch.
void wire_pairing::remember(wire_subscription& w, const twin_key& key)
{
    const bool certain = settings_.pairing.by == dedup_by::header || key.id != 0;
    if (!in_switch() || w.color() != shard_.live || !certain) {
        return;
    }
    if (!w.recent) {
        w.recent = std::make_unique<twin_notes>(recent_max);
    }
    w.recent->add(key);
}

// False: nobody has it to acknowledge.
bool wire_pairing::give(
    wire_subscription& w, const stomp::frame_view& frame, framing as, time_point now)
{
    w.last_message = now;
    const auto key = settings_.pairing.key_of(frame);
    // Not pairable: the color that is the clients' stream gives it.
    if (!key && std::exchange(w.said_unkeyed, switch_.id) != switch_.id) {
        switch_.note_counted("dedup: messages without the header were not paired", whose(w));
    }
    // Another shard may have its commit ahead of this one: the epoch of the new color's SENDs is the
    // next one until this shard has its own.
    const bool live = w.color() == shard_.live;
    const bool behind = sent_with_epoch(frame, shard_.epoch + live) && !w.pairs.empty();
    const control::epoch_number fresh_epoch = shard_.epoch + !live;
    std::vector<const wire_pair*> twins; // whose members have it already, or get it otherwise
    kept_message message;
    const auto shared = [&]() -> const kept_message& {
        if (!message.rest) {
            message = keep(w, frame, as);
        }
        return message;
    };
    const auto keep_in = [&](wire_pair& pair, bool alone) {
        pair.kept_largest =
            std::max(pair.core.kept_bytes() == 0 ? 0 : pair.kept_largest, shared().rest->size());
        pair.core.keep(*key, shared(), alone);
    };
    bool used = false;
    wire_id lost = wire_id::none; // for whom something was kept
    for (std::size_t i = 0; key && i < w.pairs.size(); ++i) {
        wire_pair& pair = *w.pairs[i];
        auto verdict = pairing::verdict::deliver;
        if (pair.new_wire == w.id) {
            verdict = pair.core.on_new(*key);
            if (verdict == pairing::verdict::keep) {
                keep_in(pair, sent_with_epoch(frame, fresh_epoch));
                used = true;
            }
        } else if (behind && pair.marks.read >= window_mark::ob) {
            verdict = pairing::verdict::twin; // the new color's to give
            if (has_lost_new(pair) && !pair.core.is_open() && !pair.core.keeps(*key)) {
                keep_in(pair, true);
                lost = pair.new_wire;
            }
        } else {
            auto of_old = pair.core.on_old(*key);
            verdict = of_old.what;
            if (of_old.cancelled) {
                cancel_kept(pair, *of_old.cancelled);
            }
        }
        if (verdict == pairing::verdict::twin) {
            twins.push_back(&pair);
        }
        take_stock(pair);
    }
    if (key) {
        remember(w, *key);
    }
    for (std::size_t i = 0; i < w.members.size(); ++i) {
        const wire_member m = w.members[i];
        client_session* s = find(m.session);
        if (s == nullptr || (m.state != member_state::live && m.state != member_state::late)) {
            continue;
        }
        if (has_twin(*s, w, m, twins, key.has_value())) {
            ++switch_.tally.duplicates_dropped;
        } else if (w.members.size() == 1 && !used) {
            to_client_.deliver(*s, w, m, frame, as, now);
            used = true;
        } else {
            to_client_.deliver_shared(*s, w, m, shared());
            used = true;
        }
    }
    bound_kept(w);
    if (wire_subscription* fresh = wire(lost)) {
        bound_kept(*fresh);
    }
    return used;
}

// Between its loss and the seam, behind which its members are bound again, the new color gives
// nothing.
bool wire_pairing::has_lost_new(const wire_pair& pair) const
{
    const wire_subscription* fresh = wire(pair.new_wire);
    return fresh != nullptr && fresh->state == wire_state::lost;
}

// P7: in a cluster, a message that a client SENT after the commit may overtake, on the old color
// and on its way from one node to a third (M1), one that it SENT before. The new color delivers it
// after the seam.
bool wire_pairing::sent_with_epoch(
    const stomp::frame_view& frame, control::epoch_number which) const
{
    if (!marks() || settings_.gateway_id.empty()) {
        return false;
    }
    std::string_view id = frame.find(broker::id_header).value_or("");
    if (!id.starts_with(settings_.gateway_id)) {
        return false;
    }
    id.remove_prefix(settings_.gateway_id.size());
    control::epoch_number epoch = 0;
    return id.starts_with('-') &&
           std::from_chars(id.data() + 1, id.data() + id.size(), epoch, 16).ec == std::errc{} &&
           epoch == which;
}

// Whether that client has this MESSAGE from the other color, or will get it from there.
bool wire_pairing::has_twin(
    client_session& s, const wire_subscription& w, const wire_member& m,
    const std::vector<const wire_pair*>& twins, bool keyed)
{
    const subscription* sub = s.journal.at(m.subscription);
    if (m.state == member_state::live) {
        return std::ranges::any_of(twins, [&](const wire_pair* p) {
            return p->new_wire == w.id ? p->tag == m.pair && m.pair != 0
                                       : sub != nullptr &&
                                             p->new_wire == sub->wires[broker::other(w.color())];
        });
    }
    if (sub == nullptr || !keyed) {
        return true;
    }
    const auto pair = std::ranges::find_if(w.pairs, [&](const wire_pair* p) {
        return p->old_wire == w.id && p->new_wire == sub->wires[broker::other(w.color())];
    });
    return pair == w.pairs.end() || std::ranges::find(twins, *pair) != twins.end();
}

// The old color gave it: its kept twin is done with.
void wire_pairing::cancel_kept(const wire_pair& pair, const kept_message& twin)
{
    wire_subscription* fresh = wire(pair.new_wire);
    if (fresh == nullptr) {
        return;
    }
    for (const wire_member& m : fresh->members) {
        if (m.pair == pair.tag) {
            ++(m.state == member_state::joining ? switch_.tally.duplicates_dropped
                                                : switch_.tally.standbys_discarded);
        }
    }
    link_record* l = link(fresh->link);
    if (fresh->acknowledges && l != nullptr && l->core.ready()) {
        acknowledge_unread(*l, fresh->id, twin.broker_ack, out_);
    }
}

// The memory that the pairs of a new wire subscription keep is bounded like any seam's buffer.
// Before `held` the old color delivers all of it by itself. From then on M10 and S14 apply.
void wire_pairing::bound_kept(wire_subscription& w)
{
    const wire_id id = w.id;
    for (std::size_t i = 0; i < w.pairs.size(); ++i) {
        wire_pair& pair = *w.pairs[i];
        if (pair.new_wire != w.id || !pair.kept_above(settings_.seam_buffer)) {
            continue;
        }
        // Of the switch before it a seam may still be joining.
        const bool standby = in_switch() && pair.made_by == switch_.id;
        if (standby && switch_.phase != member_phase::held) {
            while (pair.kept_above(settings_.seam_buffer)) {
                cancel_kept(pair, pair.core.forget_oldest());
            }
            note_overflow(pair);
            continue;
        }
        if (w.seams == 0) {
            switch_.unread.insert(w.link); // nothing is dropped; read_again() after the decision
            out_.read_link(w.link, false);
            continue;
        }
        shard_.later.full.push_back({pair.old_wire, pair.new_wire});
        if (wire(id) == nullptr) {
            return; // its link was lost, and its last seam has joined
        }
    }
}

} // namespace gateway
