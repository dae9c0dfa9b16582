#include "broker/embedded/websocket_connection.hpp"

#include "broker/net/utf8.hpp"
#include "broker/websocket/upgrade.hpp"

#include <algorithm>

namespace embedded {
namespace {

// A message may hold several frames; it is taken as it comes, so only its length is bounded here.
constexpr std::size_t messages_a_frame = 4;

websocket::opcode opcode_of(std::string_view head, const net::payload_ref& rest)
{
    const bool text = net::is_utf8(head) && (!rest || rest->is_utf8());
    return text ? websocket::opcode::text : websocket::opcode::binary;
}

} // namespace

websocket_connection::websocket_connection(stomp_server& server, int descriptor)
    : stomp_connection(server, descriptor), decoder_(websocket::role::server)
{
}

void websocket_connection::on_bytes(std::span<char> bytes)
{
    if (!upgraded_) {
        bytes = upgrade(bytes);
    }
    if (!bytes.empty()) {
        decode(bytes);
    }
}

void websocket_connection::on_written()
{
    if (!server().stalled()) {
        pongs_.on_written(websocket::role::server, *this);
    }
    stomp_connection::on_written();
}

std::span<char> websocket_connection::upgrade(std::span<char> bytes)
{
    const std::size_t before = http_head_.size();
    const std::size_t room = websocket::http_head_bytes_max - before;
    http_head_.append(bytes.data(), std::min(bytes.size(), room));
    const auto end = websocket::end_of_head(http_head_, before);
    if (!end && http_head_.size() < websocket::http_head_bytes_max) {
        return {};
    }
    websocket::upgrade_policy policy;
    policy.allowed_origins = {
        "*"}; // browsers reach it through the gateway; who is let in is up to --user
    const websocket::upgrade_answer answer = websocket::answer_upgrade(
        std::string_view{http_head_}.substr(0, end.value_or(http_head_.size())), policy);
    out().append(answer.response);
    touch();
    if (!answer.request) {
        leave();
        close_after_flush();
        return {};
    }
    upgraded_ = true;
    http_head_ = {};
    return bytes.subspan(*end - before);
}

void websocket_connection::decode(std::span<char> bytes)
{
    const std::size_t message_bytes_max =
        server().core().options().frame_limits.frame_bytes * messages_a_frame;
    while (!closing()) {
        const websocket::event event = decoder_.next(bytes, message_bytes_max);
        switch (event.kind) {
        case websocket::event_kind::need_more: return;
        case websocket::event_kind::data: feed({event.payload.data(), event.payload.size()}); break;
        case websocket::event_kind::ping:
            if (!server().stalled()) {
                pongs_.on_ping(event.payload, websocket::role::server, *this);
            }
            break;
        case websocket::event_kind::pong: break;
        case websocket::event_kind::close:
        case websocket::event_kind::failed: close_with(event.code); return;
        }
    }
}

void websocket_connection::close_with(websocket::close_code code)
{
    leave();
    if (!server().stalled()) {
        websocket::append_close(out(), websocket::role::server, code, {});
        close_after_flush();
    }
}

void websocket_connection::encode(
    net::outbox& into, std::string_view head, const net::payload_ref& rest)
{
    if (!upgraded_) {
        return; // an ERROR for who never finished the upgrade: there is no way to say it
    }
    if (rest) {
        websocket::append_message(into, opcode_of(head, rest), head, rest);
    } else {
        websocket::append_message(into, websocket::role::server, opcode_of(head, rest), head);
    }
}

void websocket_connection::encode_goodbye(net::outbox& into)
{
    if (upgraded_) {
        websocket::append_close(into, websocket::role::server, websocket::close_code::normal, {});
    }
}

} // namespace embedded
