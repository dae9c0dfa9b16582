#include "broker/link.hpp"

#include <boost/assert.hpp>

namespace broker {

namespace {

// DESIGN.md section 1: frames of the gateway's own go to destinations whose last part begins with "teal-" or
// "stomp-subscription-teal-".
constexpr std::string_view absent_queue = "/amq/queue/teal-none";
constexpr std::string_view marker_header = "teal-marker";
// How often an empty send queue is looked for where a broker answers no receipts (B3).
constexpr auto flush_poll = std::chrono::milliseconds{2};

std::string wire_receipt(std::uint64_t number)
{
    return "r" + std::to_string(number);
}

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
        if (const auto wire = parse_wire_id(subscription)) {
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
    last_error_ = "the broker sent a client's frame";
    out.close_link(order_.id);
    return {.what = link_event::kind::error, .text = last_error_};
}

link_event link::on_connected(const stomp::frame_view& frame, net::time_point now, link_effects& out)
{
    if (state_ != link_state::connecting) {
        return {.what = link_event::kind::swallowed};
    }
    const auto said = frame.find("version").value_or("1.0");
    version_ = said == "1.2" ? stomp::version::v12 : said == "1.1" ? stomp::version::v11 : stomp::version::v10;
    for (const auto& h : frame.headers) {
        if (h.name == "heart-beat") {
            broker_heart_beat_ = h.value;
        } else if (h.name != "version" && h.name != "session") {
            connected_head_.append(h.name).append(":").append(h.value).append("\n");
        }
    }
    if (order_.known.barrier != barrier_kind::unknown || order_.role == link_role::recheck) {
        state_ = link_state::ready;
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
        const auto n = owe({.kind = owed_kind::trial_routed});
        auto& s = out.scratch().begin(stomp::command::send);
        s.raw("destination", absent_queue).raw("receipt", wire_receipt(n));
        out.write_link(order_.id, s.end_head(), {}, framing::text);
    }
    auto& b = out.scratch().begin(stomp::command::begin);
    out.write_link(order_.id, b.raw("transaction", "teal-trial").end_head(), {}, framing::text);
    const auto n = owe({.kind = owed_kind::trial_received});
    auto& a = out.scratch().begin(stomp::command::abort);
    a.raw("transaction", "teal-trial").raw("receipt", wire_receipt(n));
    out.write_link(order_.id, a.end_head(), {}, framing::text);
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
        return {.what = link_event::kind::swallowed}; // invariant (3)
    }
    auto owed = owed_.take(frame.find("receipt-id").value_or(""));
    if (!owed) {
        return {.what = link_event::kind::swallowed};
    }
    link_event event{.what = link_event::kind::answered, .owed = std::move(*owed)};
    switch (event.owed.kind) {
    case owed_kind::trial_routed:
        return state_ == link_state::trying ? finish_trial(barrier_kind::routed, out) : link_event{};
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
    case owed_kind::send:
    case owed_kind::commit:
    case owed_kind::subscribe:
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
    // The message in flight behind an UNSUBSCRIBE that was answered: the link lives (DESIGN.md section 6.4).
    if (frame.body.find("T_s") != frame.body.npos &&
        (text.find("ubscription not found") != text.npos || frame.body.find("ubscription not found") != frame.body.npos)) {
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
        if (const auto wire = parse_wire_id(*subscription)) {
            error_seen_ = false; // RabbitMQ keeps the connection when it cancels a subscription (HAZARDS.md H20)
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
        return finish_trial(received_answered_ ? barrier_kind::received : barrier_kind::none, out);
    }
    if (state_ == link_state::ready && barrier_open()) { // B3: no receipts, an empty send queue is the barrier
        if (!out.link_flushed(order_.id)) {
            deadline_ = now + flush_poll;
            return {};
        }
        // Empty means all of it, what came behind the question included; nobody would ask for that again.
        barrier_covers_ = sent_;
        silent_at_barrier_ = silent_open_;
        barrier_again_ = false;
        link_event event{.what = link_event::kind::answered, .owed = {.kind = owed_kind::barrier, .covers = barrier_covers_}};
        event.silent_proven = std::min(silent_counted_, silent_at_barrier_);
        prove(barrier_covers_);
        if (leave_wanted_) {
            write_disconnect(out);
        }
        return event;
    }
    return {};
}

void link::send(const stomp::frame_view& frame, const send_options& options, link_effects& out)
{
    BOOST_ASSERT(state_ == link_state::ready);
    auto& s = out.scratch().begin(stomp::command::send);
    s.forward(frame, [](std::string_view name) { return name == "receipt" || name == "transaction"; });
    if (!options.transaction.empty()) {
        s.raw("transaction", options.transaction); // its own answer comes with COMMIT's
    } else {
        ++sent_;
        if (options.client_receipt.empty() || !can().receipts()) {
            ++silent_open_;
            silent_counted_ += options.counted;
        } else {
            s.raw("receipt", wire_receipt(owe({.kind = owed_kind::send,
                                               .session = options.session,
                                               .client_receipt = std::string{options.client_receipt},
                                               .counted = options.counted})));
        }
    }
    out.write_link(order_.id, s.end_head(), frame.body, options.as);
}

std::string link::begin(link_effects& out)
{
    std::string transaction = "t" + std::to_string(++transactions_);
    auto& s = out.scratch().begin(stomp::command::begin);
    out.write_link(order_.id, s.raw("transaction", transaction).end_head(), {}, framing::text);
    return transaction;
}

void link::commit(std::string_view transaction, const send_options& options, link_effects& out)
{
    auto& s = out.scratch().begin(stomp::command::commit);
    s.raw("transaction", transaction);
    ++sent_;
    if (can().receipts()) { // always asked: the client's receipts of the frames inside wait for it too
        s.raw("receipt", wire_receipt(owe({.kind = owed_kind::commit,
                                           .session = options.session,
                                           .client_receipt = std::string{options.client_receipt},
                                           .counted = options.counted})));
    } else {
        ++silent_open_;
        silent_counted_ += options.counted;
    }
    out.write_link(order_.id, s.end_head(), {}, framing::text);
}

void link::subscribe(wire_id wire, std::string_view head, std::string_view ack_mode, link_effects& out)
{
    BOOST_ASSERT(state_ == link_state::ready);
    auto& s = out.scratch().begin(stomp::command::subscribe);
    s.raw("id", to_wire(wire)).raw("ack", ack_mode);
    if (can().receipts()) {
        s.raw("receipt", wire_receipt(owe({.kind = owed_kind::subscribe, .wire = wire})));
    }
    std::string whole{s.bytes()};
    whole += head;
    whole += '\n';
    out.write_link(order_.id, whole, {}, framing::text);
}

void link::unsubscribe(wire_id wire, bool durable, session_id session, std::string_view client_receipt, link_effects& out)
{
    auto& s = out.scratch().begin(stomp::command::unsubscribe);
    s.raw("id", to_wire(wire));
    if (durable) {
        s.raw("durable", "true"); // the client asked to end it for good
    }
    if (can().receipts()) {
        s.raw("receipt", wire_receipt(owe({.kind = owed_kind::unsubscribe,
                                           .session = session,
                                           .wire = wire,
                                           .client_receipt = std::string{client_receipt}})));
    }
    out.write_link(order_.id, s.end_head(), {}, framing::text);
}

void link::acknowledge(const acknowledgement& what, link_effects& out)
{
    auto& s = out.scratch().begin(what.negative ? stomp::command::nack : stomp::command::ack);
    if (version_ == stomp::version::v12) {
        s.raw("id", what.broker_ack);
    } else {
        s.raw("message-id", what.broker_ack).raw("subscription", to_wire(what.wire));
    }
    if (!what.transaction.empty()) {
        s.raw("transaction", what.transaction);
    } else if (!what.client_receipt.empty() && can().receipts()) {
        s.raw("receipt", wire_receipt(owe({.kind = owed_kind::acknowledge,
                                           .session = what.session,
                                           .client_receipt = std::string{what.client_receipt}})));
    }
    std::string whole{s.bytes()};
    whole += what.extra_head;
    whole += '\n';
    out.write_link(order_.id, whole, {}, framing::text);
}

void link::marker(std::string_view queue_name, std::string_view mark, link_effects& out)
{
    auto& s = out.scratch().begin(stomp::command::send);
    std::string destination = "/amq/queue/"; // never /queue/NAME: that would declare it anew and kill the link
    destination += queue_name;
    s.raw("destination", destination).raw(marker_header, mark);
    out.write_link(order_.id, s.end_head(), {}, framing::text);
}

void link::barrier(net::time_point now, link_effects& out)
{
    if (state_ != link_state::ready || proven()) {
        return;
    }
    if (barrier_open()) {
        barrier_again_ = sent_ > barrier_covers_;
        return;
    }
    barrier_again_ = false;
    barrier_covers_ = sent_;
    silent_at_barrier_ = silent_open_;
    switch (can().barrier) {
    case barrier_kind::routed: {
        const auto n = owe({.kind = owed_kind::barrier, .covers = sent_});
        auto& s = out.scratch().begin(stomp::command::send);
        s.raw("destination", absent_queue).raw("receipt", wire_receipt(n));
        out.write_link(order_.id, s.end_head(), {}, framing::text);
        return;
    }
    case barrier_kind::received: {
        auto& b = out.scratch().begin(stomp::command::begin);
        out.write_link(order_.id, b.raw("transaction", "teal-barrier").end_head(), {}, framing::text);
        const auto n = owe({.kind = owed_kind::barrier, .covers = sent_});
        auto& a = out.scratch().begin(stomp::command::abort);
        a.raw("transaction", "teal-barrier").raw("receipt", wire_receipt(n));
        out.write_link(order_.id, a.end_head(), {}, framing::text);
        return;
    }
    case barrier_kind::none: deadline_ = now; return;
    case barrier_kind::unknown: break;
    }
    BOOST_ASSERT_MSG(false, "a ready link without a trial");
}

void link::prove(std::uint64_t up_to) noexcept
{
    proven_ = std::max(proven_, up_to);
    silent_open_ -= silent_at_barrier_;
    silent_counted_ -= std::min(silent_counted_, silent_at_barrier_);
    silent_at_barrier_ = 0;
}

std::uint64_t link::count_open() noexcept
{
    silent_counted_ = silent_open_;
    std::uint64_t count = silent_open_;
    owed_.for_each([&](owed_answer& owed) {
        if (owed.kind == owed_kind::send || owed.kind == owed_kind::commit) {
            owed.counted = true;
            ++count;
        }
    });
    return count;
}

void link::leave(net::time_point now, link_effects& out)
{
    if (leave_wanted_ || state_ == link_state::lost) {
        return;
    }
    leave_wanted_ = true;
    switch (state_) {
    case link_state::dialling:
    case link_state::connecting:
        out.close_link(order_.id); // nothing of a client's was written
        state_ = link_state::lost;
        return;
    case link_state::trying: return; // finish_trial goes on
    case link_state::ready:
        if (proven()) {
            write_disconnect(out);
        } else {
            barrier(now, out);
        }
        return;
    case link_state::leaving:
    case link_state::lost: return;
    }
}

void link::write_disconnect(link_effects& out)
{
    state_ = link_state::leaving;
    auto& s = out.scratch().begin(stomp::command::disconnect);
    if (can().receipts()) {
        s.raw("receipt", wire_receipt(owe({.kind = owed_kind::leave})));
    }
    out.write_link(order_.id, s.end_head(), {}, framing::text);
}

} // namespace broker
