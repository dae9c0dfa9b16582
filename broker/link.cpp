#include "broker/link.hpp"

#include "broker/link_frames.hpp"

#include <boost/assert.hpp>

namespace broker {

namespace {

// How often an empty send queue is looked for where a broker answers no receipts (B3).
constexpr auto flush_poll = std::chrono::milliseconds{2};

std::string text_of_error(const stomp::frame_view& frame)
{
    std::string text{frame.find("message").value_or("ERROR")};
    // RabbitMQ puts what matters into the body; one line of it is enough for a log or a report.
    const auto line = frame.body.substr(0, frame.body.find_first_of("\r\n"));
    if (!line.empty() && line != text) {
        text += ": ";
        text += line.substr(0, 200);
    }
    return text;
}

} // namespace

link::link(link_order order) : order_(std::move(order)) {}

void link::on_open(net::time_point, link_effects& out)
{
    BOOST_ASSERT(state_ == link_state::dialling);
    state_ = link_state::connecting;
    auto& s = out.scratch().begin(stomp::command::connect);
    s.raw("accept-version", order_.accept_version).raw("heart-beat", order_.heart_beat);
    std::string head{s.bytes()};
    head += order_.connect_head;
    head += '\n';
    out.write_link(order_.id, head, {}, framing::text);
}

link_event link::on_frame(const stomp::frame_view& frame, net::time_point now, link_effects& out)
{
    switch (frame.command) {
    case stomp::command::message: {
        link_event event;
        const auto subscription = frame.find("subscription").value_or("");
        if (subscription == own_subscription) {
            event.what = link_event::kind::swallowed; // a trial or a barrier of this link (B1)
        } else if (const auto wire = wire_of(subscription)) {
            event.what = link_event::kind::message;
            event.wire = *wire;
        } else {
            event.what = link_event::kind::reply;
            event.name = subscription;
        }
        return event;
    }
    case stomp::command::receipt: return on_receipt(frame, now, out);
    case stomp::command::error: return on_error(frame);
    case stomp::command::connected: return on_connected(frame, now, out);
    default: break;
    }
    if (state_ != link_state::connecting) { // what no version of STOMP has: nobody waits for it
        return {.what = link_event::kind::swallowed};
    }
    last_error_ = "the broker sent a client's frame";
    out.close_link(order_.id);
    return {.what = link_event::kind::error, .text = last_error_};
}

link_event
link::on_connected(const stomp::frame_view& frame, net::time_point now, link_effects& out)
{
    if (state_ != link_state::connecting) {
        return {.what = link_event::kind::swallowed};
    }
    version_ = version_of(frame);
    for (const auto& h : frame.headers) {
        if (h.name == "heart-beat") {
            broker_heart_beat_ = h.value;
        } else if (h.name != "version" && h.name != "session") {
            connected_head_.append(h.name).append(":").append(h.value).append("\n");
        }
    }
    if (order_.known.barrier != barrier_kind::unknown || order_.role == link_role::recheck) {
        state_ = link_state::ready;
        if (order_.known.own_queue) {
            declare_own_queue(out);
        }
        return {.what = link_event::kind::up};
    }
    start_trial(now, out);
    if (order_.rung == trial_rung::nothing) {
        return finish_trial(barrier_kind::none, out);
    }
    return {};
}

void link::start_trial(net::time_point now, link_effects& out)
{
    state_ = link_state::trying;
    if (order_.rung == trial_rung::nothing) {
        return;
    }
    deadline_ = now + order_.trial_timeout;
    if (order_.rung == trial_rung::absent_queue) {
        ask_routed({.kind = owed_kind::trial_routed}, out);
    }
    auto& b = out.scratch().begin(stomp::command::begin);
    out.write_link(order_.id, b.raw("transaction", "teal-trial").end_head(), {}, framing::text);
    const auto n = owe({.kind = owed_kind::trial_received});
    auto& a = out.scratch().begin(stomp::command::abort);
    a.raw("transaction", "teal-trial").raw("receipt", wire_receipt(n));
    out.write_link(order_.id, a.end_head(), {}, framing::text);
}

// B1: a broker may confirm only what some queue takes.
void link::try_own_queue(net::time_point now, link_effects& out)
{
    order_.rung = trial_rung::own_queue;
    order_.known.own_queue = true;
    declare_own_queue(out);
    ask_routed({.kind = owed_kind::trial_routed}, out);
    deadline_ = now + order_.trial_timeout;
}

// It goes with the link, and gives what it takes back to the link.
void link::declare_own_queue(link_effects& out)
{
    auto& s = out.scratch().begin(stomp::command::subscribe);
    s.raw("id", own_subscription).raw("ack", "auto").raw("destination", own_topic);
    s.raw("x-queue-name", own_queue());
    out.write_link(order_.id, s.end_head(), {}, framing::text);
}

std::string link::own_queue() const
{
    return std::string{order_.own_prefix} + "l" +
           std::to_string(static_cast<std::uint64_t>(order_.id));
}

// A SEND whose answer says that everything SENT before it is in its subscribers' queues (M4).
void link::ask_routed(owed_answer answer, link_effects& out)
{
    const auto n = owe(std::move(answer));
    auto& s = out.scratch().begin(stomp::command::send);
    s.raw(
        "destination",
        order_.known.own_queue ? "/amq/queue/" + own_queue() : std::string{absent_queue});
    s.raw("receipt", wire_receipt(n));
    out.write_link(order_.id, s.end_head(), {}, framing::text);
}

link_event link::finish_trial(barrier_kind found, link_effects& out)
{
    deadline_ = net::never;
    order_.known.barrier = found;
    state_ = link_state::ready;
    if (leave_wanted_) {
        write_disconnect(out);
    }
    return {.what = link_event::kind::up};
}

link_event link::on_receipt(const stomp::frame_view& frame, net::time_point now, link_effects& out)
{
    if (error_seen_) {
        return {.what = link_event::kind::swallowed}; // invariant (3), H20
    }
    auto owed = owed_.take(frame.find("receipt-id").value_or(""));
    if (!owed) {
        return {.what = link_event::kind::swallowed};
    }
    link_event event{.what = link_event::kind::answered, .owed = std::move(*owed)};
    switch (event.owed.kind) {
    case owed_kind::trial_routed:
        if (state_ != link_state::trying) {
            return {};
        }
        return finish_trial(barrier_kind::routed, out);
    case owed_kind::trial_received:
        if (state_ == link_state::trying) {
            received_answered_ = true;
            // RabbitMQ answers this one ahead of a confirm: the better answer gets its time (B1).
            if (order_.rung == trial_rung::transaction) {
                return finish_trial(barrier_kind::received, out);
            }
        }
        return {};
    case owed_kind::barrier:
        event.silent_proven = std::min(silent_counted_, silent_at_barrier_);
        prove(event.owed.covers);
        if (leave_wanted_ && proven()) {
            write_disconnect(out);
        } else if (barrier_again_ || leave_wanted_) {
            barrier(now, out);
        }
        return event;
    case owed_kind::leave: event.what = link_event::kind::left; return event;
    case owed_kind::subscribe: subscribed_ = true; return event;
    case owed_kind::send:
    case owed_kind::commit:
    case owed_kind::unsubscribe:
    case owed_kind::acknowledge: return event;
    }
    return event;
}

link_event link::on_error(const stomp::frame_view& frame)
{
    const std::string text = text_of_error(frame);
    if (state_ == link_state::connecting) {
        last_error_ = text;
        return {.what = link_event::kind::refused, .text = text};
    }
    // The message in flight behind an UNSUBSCRIBE that was answered: the link lives (DESIGN.md
    // section 6.4).
    if (names_delivery(frame.body) &&
        (text.find("ubscription not found") != text.npos ||
         frame.body.find("ubscription not found") != frame.body.npos)) {
        return {.what = link_event::kind::swallowed, .text = text};
    }
    error_seen_ = true;
    last_error_ = text;
    if (const auto receipt = frame.find("receipt-id")) {
        if (auto owed = owed_.take(*receipt)) {
            return {.what = link_event::kind::failed, .owed = std::move(*owed), .text = text};
        }
    }
    if (const auto subscription = frame.find("subscription")) {
        if (const auto wire = wire_of(*subscription)) {
            error_seen_ = false; // RabbitMQ keeps the connection when it cancels a subscription
                                 // (HAZARDS.md H20)
            return {.what = link_event::kind::cancelled, .wire = *wire, .text = text};
        }
    }
    return {.what = link_event::kind::error, .text = text};
}

link_event link::on_deadline(net::time_point now, link_effects& out)
{
    if (now < deadline_) {
        return {};
    }
    deadline_ = net::never;
    if (state_ == link_state::trying) {
        if (order_.rung == trial_rung::absent_queue && received_answered_ && !leave_wanted_) {
            try_own_queue(now, out);
            return {};
        }
        if (order_.known.own_queue) { // not either: the queue is of no use
            order_.known.own_queue = false;
            auto& s = out.scratch().begin(stomp::command::unsubscribe);
            out.write_link(order_.id, s.raw("id", own_subscription).end_head(), {}, framing::text);
        }
        return finish_trial(received_answered_ ? barrier_kind::received : barrier_kind::none, out);
    }
    if (state_ == link_state::ready &&
        barrier_open()) { // B3: no receipts, an empty send queue is the barrier
        if (!out.link_flushed(order_.id)) {
            deadline_ = now + flush_poll;
            return {};
        }
        // Empty means all of it, what came behind the question included; nobody would ask for that
        // again.
        barrier_covers_ = sent_;
        silent_at_barrier_ = silent_open_;
        barrier_again_ = false;
        link_event event{
            .what = link_event::kind::answered,
            .owed = {.kind = owed_kind::barrier, .covers = barrier_covers_}};
        event.silent_proven = std::min(silent_counted_, silent_at_barrier_);
        prove(barrier_covers_);
        if (leave_wanted_) {
            write_disconnect(out);
        }
        return event;
    }
    return {};
}

} // namespace broker
