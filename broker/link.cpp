#include "broker/link.hpp"

#include "broker/link_frames.hpp"
#include "broker/own_headers.hpp"

#include <boost/assert.hpp>

namespace broker {

namespace {

// How often an empty send queue is looked for where a broker answers no receipts (B3).
constexpr auto flush_poll = std::chrono::milliseconds{2};

} // namespace

link::link(link_order order)
    : order_(std::move(order)), trial_(order_.known, order_.rung, order_.is),
      owed_(order_.owed_meter),
      search_(order_.role == link_role::publish || order_.role == link_role::subscribe)
{
}

void link::on_open(net::time_point, link_effects& out)
{
    BOOST_ASSERT(state_ == link_state::dialling);
    state_ = link_state::connecting;
    auto& s = out.scratch().begin(stomp::command::connect);
    s.raw("accept-version", order_.accept_version).raw("heart-beat", order_.heart_beat);
    if (!order_.session_mark.empty()) { // ahead of the client's own: the first of a name counts
        s.raw(session_header, order_.session_mark).raw(reason_header, order_.reason);
    }
    std::string head{s.bytes()};
    head += order_.connect_head;
    head += '\n';
    out.write_link(order_.id, head, {}, framing::text);
}

link_event link::on_frame(const stomp::frame_view& frame, net::time_point now, link_effects& out)
{
    clock_ = now;
    switch (frame.command) {
    case stomp::command::message: {
        link_event event;
        const auto subscription = frame.find("subscription").value_or("");
        if (subscription == own_subscription) {
            event.what = link_event::kind::own; // a trial or a barrier of this link (B1); P9
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
    case stomp::command::error: return on_error(frame, now, out);
    case stomp::command::connected: return on_connected(frame, now, out);
    default: break;
    }
    if (state_ != link_state::connecting) { // what no version of STOMP has: nobody waits for it
        return {.what = link_event::kind::swallowed};
    }
    last_error_ = "the broker sent a client's frame";
    return {.what = link_event::kind::mute, .text = last_error_};
}

link_event
link::on_connected(const stomp::frame_view& frame, net::time_point now, link_effects& out)
{
    if (state_ != link_state::connecting) {
        return {.what = link_event::kind::swallowed};
    }
    version_ = version_of(frame);
    if (order_.asks_name) {
        trial_.is(dialect_named_by(frame.find("server").value_or("")));
    }
    for (const auto& h : frame.headers) {
        if (h.name == "heart-beat") {
            broker_heart_beat_ = h.value;
        } else if (h.name != "version" && h.name != "session") {
            connected_head_.append(h.name).append(":").append(h.value).append("\n");
        }
    }
    if (trial_.over() || order_.role == link_role::recheck) {
        state_ = link_state::ready;
        if (can().own_queue) {
            declare_own_queue(out);
        }
        return {.what = link_event::kind::up};
    }
    return start_trial(now, out);
}

link_event link::start_trial(net::time_point now, link_effects& out)
{
    state_ = link_state::trying;
    const auto next = trial_.begin();
    if (next == trial::step::wait) {
        deadline_ = now + order_.trial_timeout;
        if (trial_.asks_routed()) {
            ask_routed({.kind = owed_kind::trial_routed}, out);
        }
        if (trial_.asks_received()) {
            ask_received("teal-trial", {.kind = owed_kind::trial_received}, out);
        }
    }
    return go_on(next, now, out);
}

// The trial's next step (B1).
link_event link::go_on(trial::step next, net::time_point now, link_effects& out)
{
    switch (next) {
    case trial::step::wait: return {};
    case trial::step::try_own_queue:
        declare_own_queue(out);
        ask_routed({.kind = owed_kind::trial_routed}, out);
        deadline_ = now + order_.trial_timeout;
        return {};
    case trial::step::leave_own_queue: leave_own_queue(out); break;
    case trial::step::over: break;
    }
    deadline_ = net::never;
    state_ = link_state::ready;
    disconnect_if_due(out);
    return {.what = link_event::kind::up};
}

// The queue goes with the link, and delivers what it takes back to the link.
void link::declare_own_queue(link_effects& out)
{
    auto& s = out.scratch().begin(stomp::command::subscribe);
    // K1: nothing is ever SENT to that topic, and nobody else may read the queue.
    s.raw("id", own_subscription).raw("ack", "auto");
    s.raw("destination", "/topic/" + order_.names->barrier());
    s.raw("x-queue-name", order_.names->of_link(order_.id)).raw("exclusive", "true");
    out.write_link(order_.id, s.end_head(), {}, framing::text);
}

void link::leave_own_queue(link_effects& out)
{
    auto& s = out.scratch().begin(stomp::command::unsubscribe);
    out.write_link(order_.id, s.raw("id", own_subscription).end_head(), {}, framing::text);
}

void link::open_own_queue(link_effects& out)
{
    if (state_ == link_state::ready && !can().own_queue) {
        declare_own_queue(out);
    }
}

void link::close_own_queue(link_effects& out)
{
    if (state_ == link_state::ready && !can().own_queue) {
        leave_own_queue(out);
    }
}

// A SEND whose answer says that everything SENT before it is in its subscribers' queues (M4).
void link::ask_routed(owed_answer answer, link_effects& out)
{
    end_run(session_id::none, out);
    const auto n = owe(std::move(answer));
    auto& s = out.scratch().begin(stomp::command::send);
    if (can()
            .to_address) { // B5, Artemis; no secret: it keeps nothing, and nothing can be read there
        s.raw("destination", "teal-none").raw("destination-type", "MULTICAST");
    } else {
        s.raw(
            "destination", "/amq/queue/" + (can().own_queue ? order_.names->of_link(order_.id)
                                                            : order_.names->barrier()));
    }
    s.raw("receipt", wire_receipt(n));
    const auto head = s.end_head();
    note({.what = frame_kind::ours, .receipt = n}, head);
    out.write_link(order_.id, head, {}, framing::text);
}

link_event link::on_receipt(const stomp::frame_view& frame, net::time_point now, link_effects& out)
{
    const auto number = parse_receipt(frame.find("receipt-id").value_or(""));
    const owed_answer* asked = number ? owed_.find(*number) : nullptr;
    const bool trial_failed = state_ == link_state::trying && !last_error_.empty();
    if (asked == nullptr || trial_failed || keep_back(*number, *asked)) {
        return {.what = link_event::kind::swallowed};
    }
    auto owed = owed_.take(*number);
    search_.on_answer(owed_);
    link_event event{.what = link_event::kind::answered, .owed = std::move(*owed)};
    switch (event.owed.kind) {
    case owed_kind::trial_routed:
        return state_ == link_state::trying ? go_on(trial_.on_routed(), now, out) : link_event{};
    case owed_kind::trial_received:
        return state_ == link_state::trying ? go_on(trial_.on_received(), now, out) : link_event{};
    case owed_kind::error_end: return on_error_end(*number, now, out);
    case owed_kind::run_end: search_.on_run_end(event.owed.covers); return {};
    case owed_kind::barrier:
        search_.on_barrier(*number);
        event.silent_proven = std::min(silent_counted_, silent_at_barrier_);
        prove(event.owed.covers);
        if (may_disconnect()) {
            write_disconnect(out);
        } else if (barrier_again_ || leave_wanted_) {
            barrier(now, out);
        }
        return event;
    case owed_kind::leave: event.what = link_event::kind::left; return event;
    case owed_kind::subscribe: subscribed_ = true; return event;
    case owed_kind::commit:
        if (search_.doubts(*number)) { // E3: an ERROR that named nobody may have been its own
            news_.doubted.push_back(std::move(event.owed));
            return {.what = link_event::kind::news};
        }
        [[fallthrough]];
    case owed_kind::send:
    case owed_kind::unsubscribe:
    case owed_kind::taken:
    case owed_kind::acknowledge: disconnect_if_due(out); return event;
    }
    return event;
}

link_event link::on_deadline(net::time_point now, link_effects& out)
{
    clock_ = now;
    if (now >= error_end_by_) {
        return on_error_overdue(out);
    }
    if (now < deadline_) {
        return {};
    }
    deadline_ = net::never;
    if (state_ == link_state::trying) {
        return go_on(trial_.on_overdue(leave_wanted_), now, out);
    }
    if (state_ == link_state::ready &&
        barrier_open()) { // B3: no receipts, an empty send queue is the barrier
        if (!out.link_flushed(order_.id)) {
            deadline_ = now + flush_poll;
            return {};
        }
        // Empty means that everything was sent, later frames included. Nobody would ask for those
        // again.
        barrier_covers_ = sent_;
        silent_at_barrier_ = silent_open_;
        barrier_again_ = false;
        link_event event{
            .what = link_event::kind::answered,
            .owed = {.kind = owed_kind::barrier, .covers = barrier_covers_}};
        event.silent_proven = std::min(silent_counted_, silent_at_barrier_);
        prove(barrier_covers_);
        disconnect_if_due(out);
        return event;
    }
    return {};
}

} // namespace broker
