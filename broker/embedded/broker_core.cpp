#include "broker/embedded/broker_core.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <vector>

namespace embedded {
broker_core::broker_core(broker_options options)
    : options_(std::move(options)), queues_(options_, stats_)
{
}

session_id broker_core::open(session_sink& sink, net::time_point now)
{
    auto made = std::make_unique<session>();
    made->id = session_id{++last_session_};
    made->sink = &sink;
    made->handshake_deadline = now + options_.handshake_timeout;
    const session_id id = made->id;
    sessions_.emplace(last_session_, std::move(made));
    return id;
}

session* broker_core::find(session_id id) const
{
    const auto it = sessions_.find(static_cast<std::uint64_t>(id));
    return it == sessions_.end() ? nullptr : it->second.get();
}

stomp::version broker_core::version(session_id id) const
{
    const session* s = find(id);
    return s == nullptr ? stomp::version::v12 : s->version;
}

stomp::limits broker_core::frame_limits(session_id id) const
{
    stomp::limits limits = options_.frame_limits;
    const session* s = find(id);
    if (s == nullptr || s->state == session_state::connecting) {
        limits.frame_bytes = std::min(limits.frame_bytes, options_.frame_before_connect_bytes_max);
    }
    return limits;
}

void broker_core::on_frame(session_id id, const stomp::frame_view& frame, net::time_point now)
{
    session* s = find(id);
    if (s == nullptr || s->state == session_state::ended) {
        return;
    }
    if (const outcome refused = run(*s, frame, now)) {
        fail(*s, *refused, &frame, now);
        return;
    }
    // A frame that waits for COMMIT is answered then. A connection that chaos closed gets nothing.
    const bool kept = frame.has("transaction") && (frame.command == stomp::command::send ||
                                                   frame.command == stomp::command::ack ||
                                                   frame.command == stomp::command::nack);
    if (s->state == session_state::open && !kept) {
        answer_receipt(*s, frame, now);
    }
    if (frame.command == stomp::command::disconnect) {
        end(*s, session_sink::parting::after_flush, now);
    }
    queues_.pump_stirred(now);
}

broker_core::outcome
broker_core::run(session& s, const stomp::frame_view& frame, net::time_point now)
{
    const bool connects =
        frame.command == stomp::command::connect || frame.command == stomp::command::stomp;
    if (connects != (s.state == session_state::connecting)) {
        return connects
                   ? fault{refusal::connected_already, "This connection has its session."}
                   : fault{refusal::not_connected, "The first frame must be CONNECT or STOMP."};
    }
    switch (frame.command) {
    case stomp::command::connect:
    case stomp::command::stomp: return on_connect(s, frame, now);
    case stomp::command::send: return on_send(s, frame, now);
    case stomp::command::subscribe: return on_subscribe(s, frame);
    case stomp::command::unsubscribe: return on_unsubscribe(s, frame, now);
    case stomp::command::ack:
    case stomp::command::nack: return on_ack(s, frame);
    case stomp::command::begin: return on_begin(s, frame);
    case stomp::command::commit: return on_commit(s, frame, now);
    case stomp::command::abort: return on_abort(s, frame);
    case stomp::command::disconnect: return std::nullopt;
    case stomp::command::connected:
    case stomp::command::message:
    case stomp::command::receipt:
    case stomp::command::error:
    case stomp::command::unknown: break;
    }
    return fault{
        refusal::unknown_command,
        "Only a broker sends " + std::string{to_string(frame.command)} + "."};
}

void broker_core::on_fault(session_id id, stomp::errc why, net::time_point now)
{
    session* s = find(id);
    if (s == nullptr || s->state == session_state::ended) {
        return;
    }
    const refusal kind =
        why == stomp::errc::unknown_command ? refusal::unknown_command : refusal::malformed_frame;
    fail(*s, fault{kind, make_error_code(why).message()}, nullptr, now);
}

void broker_core::on_received(session_id id, net::time_point now)
{
    if (session* s = find(id)) {
        s->beat.on_received(now);
    }
}

void broker_core::on_writable(session_id id, net::time_point now)
{
    session* s = find(id);
    if (s == nullptr || s->choked.empty() || s->sink->unsent() >= options_.outbox_bytes_max) {
        return;
    }
    for (subscription* waiting : s->choked) {
        waiting->choked = false;
        queues_.stir(*waiting->queue);
    }
    s->choked.clear();
    queues_.pump_stirred(now);
}

void broker_core::on_gone(session_id id, net::time_point now)
{
    session* s = find(id);
    if (s == nullptr) {
        return;
    }
    if (s->state != session_state::ended) {
        leave(*s, now);
    }
    sessions_.erase(static_cast<std::uint64_t>(id));
}

net::time_point broker_core::next_deadline(session_id id) const
{
    const session* s = find(id);
    if (s == nullptr) {
        return net::never;
    }
    switch (s->state) {
    case session_state::connecting: return s->handshake_deadline;
    case session_state::open: return s->beat.next_deadline();
    case session_state::ended: break;
    }
    return net::never;
}

void broker_core::on_deadline(session_id id, net::time_point now)
{
    session* s = find(id);
    if (s == nullptr || s->state == session_state::ended) {
        return;
    }
    if (s->state == session_state::connecting) {
        if (now >= s->handshake_deadline) {
            fail(*s, fault{refusal::handshake_timeout, "No CONNECT came in time."}, nullptr, now);
        }
        return;
    }
    switch (s->beat.on_deadline(now)) {
    case stomp::heart_beat::due::nothing: return;
    case stomp::heart_beat::due::send: write(*s, "\n", now); return;
    case stomp::heart_beat::due::lost: end(*s, session_sink::parting::at_once, now); return;
    }
}

void broker_core::answer_receipt(session& s, const stomp::frame_view& frame, net::time_point now)
{
    const auto receipt = frame.find("receipt");
    if (!receipt || options_.chaos.no_receipts || frame.command == stomp::command::connect ||
        frame.command == stomp::command::stomp) {
        return;
    }
    frame_.begin(stomp::command::receipt).raw("receipt-id", *receipt);
    write(s, frame_.end(), now);
}

void broker_core::fail(
    session& s, const fault& why, const stomp::frame_view* frame, net::time_point now)
{
    ++stats_.errors;
    frame_.begin(stomp::command::error).raw("message", to_string(why.why));
    if (why.why == refusal::unsupported_version) {
        frame_.raw("version", supported_versions);
    }
    const bool lives_on = why.why == refusal::refused_for_test;
    if (frame != nullptr && frame->has("receipt") && !lives_on) {
        frame_.raw("receipt-id", *frame->find("receipt"));
    }
    frame_.raw("content-type", "text/plain").number("content-length", why.detail.size());
    write(s, frame_.end(why.detail), now);
    if (why.why == refusal::rejected_for_test && frame != nullptr) {
        answer_receipt(
            s, *frame, now); // ERROR, *then RECEIPT*, then EOF: RabbitMQ's way (brokers.md)
    }
    if (!lives_on) {
        end(s, session_sink::parting::after_flush, now);
    }
}

void broker_core::end(session& s, session_sink::parting how, net::time_point now)
{
    if (s.state == session_state::ended) {
        return;
    }
    s.sink->close(how);
    leave(s, now);
}

void broker_core::leave(session& s, net::time_point now)
{
    // The state comes first: what is put back must not be given to this session again.
    s.state = session_state::ended;
    std::vector<subscription*> left;
    for (const auto& entry : s.subscriptions.in_any_order()) { // any order: sorted below
        left.push_back(entry.second);
    }
    std::ranges::sort(left, {}, &subscription::number);
    for (subscription* one : left) {
        queues_.detach(*one, departure::session_gone, now);
    }
    while (!s.transactions.empty()) {
        forget_transaction(s, s.transactions.back());
    }
    queues_.pump_stirred(now);
}

void broker_core::write(session& s, std::string_view bytes, net::time_point now)
{
    s.sink->write(bytes, nullptr);
    s.beat.on_sent(now);
}

std::string broker_core::plain(const session& s, std::string_view raw) const
{
    if (raw.find('\\') == std::string_view::npos) {
        return std::string{raw};
    }
    return stomp::unescape(raw, s.version).value_or(std::string{raw});
}

} // namespace embedded
