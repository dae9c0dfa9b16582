#include "gateway/transports/websocket/websocket_transport.hpp"

#include "broker/websocket/upgrade.hpp"

#include <utility>

namespace gateway {

namespace {

using websocket::close_code;

constexpr std::chrono::seconds retry_after{5};

websocket::opcode opcode_for(bool text) noexcept
{
    return text ? websocket::opcode::text : websocket::opcode::binary;
}

frame_error fault_of(close_code code) noexcept
{
    return code == close_code::invalid_payload   ? frame_error::utf8
           : code == close_code::message_too_big ? frame_error::size
                                                 : frame_error::parse;
}

} // namespace

close_code close_code_of(disconnect_reason why) noexcept
{
    switch (why) {
    case disconnect_reason::disconnect: return close_code::normal;
    case disconnect_reason::protocol_error:
    case disconnect_reason::broker_refused:
    case disconnect_reason::broker_error: return close_code::protocol_error;
    case disconnect_reason::limit:
    case disconnect_reason::slow_consumer:
    case disconnect_reason::connect_timeout:
    case disconnect_reason::heart_beat:
    case disconnect_reason::admin: return close_code::policy_violation;
    case disconnect_reason::park_timeout: return close_code::try_again_later;
    case disconnect_reason::drained:
    case disconnect_reason::switch_cut: return close_code::service_restart;
    case disconnect_reason::reset: return close_code::no_status;
    }
    return close_code::internal_error;
}

greeting websocket_transport::greet(
    std::string_view so_far, std::size_t looked_at, const door& at, net::outbox& out)
{
    const std::size_t most = greeting_bytes_max(at);
    const auto end = websocket::end_of_head(so_far, looked_at);
    if (!end && so_far.size() <= most) {
        return {};
    }
    if (!end || *end > most) {
        out.append("HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: "
                   "close\r\nContent-Length: 0\r\n\r\n");
        return {.came = greeting::outcome::refused};
    }
    auto answer = websocket::answer_upgrade(so_far.substr(0, *end), at.upgrade, at.from);
    out.append(answer.response);
    if (!answer.request) {
        return {
            .came = greeting::outcome::refused,
            .why = answer.status == 403 ? reject_reason::origin : reject_reason::handshake,
            .reason = std::move(answer.reason)};
    }
    return {
        .came = greeting::outcome::accepted,
        .used = *end,
        .headers = std::move(answer.request->forwarded),
        .place = std::move(answer.request->place)};
}

incoming websocket_transport::next(
    std::span<char>& bytes, std::size_t message_bytes_max, net::connection& to)
{
    const auto event = decoder_.next(bytes, message_bytes_max);
    switch (event.kind) {
    case websocket::event_kind::need_more: return {};
    case websocket::event_kind::data:
        return {.what = incoming::kind::data, .payload = event.payload, .binary = event.binary};
    case websocket::event_kind::ping:
        pongs_.on_ping(event.payload, websocket::role::server, to);
        return {.what = incoming::kind::control};
    case websocket::event_kind::pong: return {.what = incoming::kind::control};
    case websocket::event_kind::close:
    case websocket::event_kind::failed: break;
    }
    websocket::append_close(to.out(), websocket::role::server, event.code, {});
    to.touch();
    if (event.kind == websocket::event_kind::close) {
        return {.what = incoming::kind::closed};
    }
    return {.what = incoming::kind::failed, .fault = fault_of(event.code)};
}

void websocket_transport::append_frame(
    net::outbox& out, std::string_view head, std::string_view body, bool text) const
{
    out.append(websocket::encode_head(opcode_for(text), head.size() + body.size() + 1).view());
    out.append(head);
    out.append(body);
    out.append(std::string_view{"\0", 1});
}

void websocket_transport::append_frame(
    net::outbox& out, std::string_view head, const net::payload_ref& rest, bool text) const
{
    websocket::append_message(out, opcode_for(text), head, rest);
}

void websocket_transport::append_beat(net::outbox& out, bool text) const
{
    websocket::append_message(out, websocket::role::server, opcode_for(text), "\n");
}

// RFC 6455, 5.5.2.
void websocket_transport::append_question(net::outbox& out) const
{
    websocket::append_message(out, websocket::role::server, websocket::opcode::ping, {});
}

void websocket_transport::append_close(
    net::outbox& out, disconnect_reason why, std::string_view text) const
{
    websocket::append_close(out, websocket::role::server, close_code_of(why), text);
}

void websocket_transport::append_unavailable(net::outbox& out, std::string_view sentence) const
{
    out.append(websocket::service_unavailable(retry_after, sentence));
}

void websocket_transport::on_written(net::connection& to)
{
    pongs_.on_written(websocket::role::server, to);
}

} // namespace gateway
