#include "gateway/client_connection.hpp"

#include "broker/websocket/upgrade.hpp"
#include "gateway/shard.hpp"

#include <utility>

namespace gateway {

namespace {

using websocket::close_code;

stomp::frame_view& scratch_frame()
{
    thread_local stomp::frame_view frame; // one loop's thread parses one frame at a time
    return frame;
}

} // namespace

client_connection::client_connection(shard& owner, int descriptor, std::size_t listener)
    : connection(owner.loop(), descriptor, origin::accepted), shard_(owner),
      decoder_(websocket::role::server), accepted_(owner.loop().now()),
      listener_(static_cast<std::uint16_t>(listener))
{
    shard_.loop().timers().arm(*this, accepted_ + shard_.settings().limits.handshake_timeout);
}

stomp::limits client_connection::frame_limits() const noexcept
{
    const auto& l = shard_.settings().limits;
    return {
        .frame_bytes = connected_ ? l.frame : l.frame_before_connect,
        .header_count = l.headers,
        .header_line_bytes = l.header_line};
}

void client_connection::on_bytes(std::span<char> bytes)
{
    shard_.counters().bytes[side::client][direction::in] += bytes.size();
    beat_.on_received(loop().now());
    if (!upgraded_) {
        bytes = upgrade(bytes);
        if (!upgraded_) {
            return;
        }
    }
    decode(bytes);
}

std::span<char> client_connection::upgrade(std::span<char> bytes)
{
    const std::size_t before = partial_.size();
    partial_.append(bytes.data(), bytes.size());
    const auto end = websocket::end_of_head(partial_);
    auto& counters = shard_.counters().listener(listener_);
    if (!end && partial_.size() <= websocket::http_head_bytes_max) {
        return {};
    }
    if (!end || *end > websocket::http_head_bytes_max) {
        ++counters.rejected[reject_reason::handshake];
        out().append("HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: "
                     "close\r\nContent-Length: 0\r\n\r\n");
        close_after_flush();
        return {};
    }
    const auto answer = websocket::answer_upgrade(
        std::string_view{partial_}.substr(0, *end), shard_.upgrade_policy(listener_));
    out().append(answer.response);
    touch();
    if (!answer.request) {
        ++counters
              .rejected[answer.status == 403 ? reject_reason::origin : reject_reason::handshake];
        shard_.log(log_level::info, "refused a client: " + answer.reason);
        close_after_flush();
        return {};
    }
    upgraded_ = true;
    const std::size_t used = *end - before;
    partial_ = {};
    const auto peer = net::peer_address(descriptor());
    session_ = shard_.opened(*this, peer ? *peer : std::string{"?"}, answer.request->forwarded);
    return bytes.subspan(used);
}

void client_connection::decode(std::span<char> bytes)
{
    const auto most =
        frame_limits().frame_bytes + 64 * 1024; // some frames may be joined in one message
    while (!closing() && !left_) {
        const auto event = decoder_.next(bytes, connected_ ? most : frame_limits().frame_bytes);
        switch (event.kind) {
        case websocket::event_kind::need_more: return;
        case websocket::event_kind::data:
            feed({event.payload.data(), event.payload.size()}, event.binary);
            break;
        case websocket::event_kind::ping:
            websocket::append_pong(out(), websocket::role::server, event.payload);
            touch();
            break;
        case websocket::event_kind::pong: break;
        case websocket::event_kind::close:
            websocket::append_close(out(), websocket::role::server, event.code, {});
            touch();
            peer_left(disconnect_reason::disconnect);
            return;
        case websocket::event_kind::failed:
            ++shard_.counters()
                  .frame_errors[side::client]
                               [event.code == close_code::invalid_payload   ? frame_error::utf8
                                : event.code == close_code::message_too_big ? frame_error::size
                                                                            : frame_error::parse];
            websocket::append_close(out(), websocket::role::server, event.code, {});
            touch();
            peer_left(disconnect_reason::protocol_error);
            return;
        }
    }
}

void client_connection::feed(std::string_view bytes, bool binary)
{
    if (session_ == session_id::none) {
        return;
    }
    if (partial_.empty()) {
        binary_ = binary;
        const std::size_t used = parse(bytes);
        partial_.assign(bytes.substr(used));
    } else {
        partial_.append(bytes);
        partial_.erase(0, parse(partial_));
        binary_ = binary;
    }
    const auto& limits = shard_.settings().limits;
    // A frame of known length may be larger than the carry; what is not wanted may not.
    if (!partial_.empty() && !shard_.core().wants_client(session_)) {
        if (partial_.size() >= limits.client_carry && reading()) {
            pause_reading();
            beat_.pause_incoming();
            ++shard_.counters().backpressure_pauses[side::client];
        }
    } else if (partial_.empty() && partial_.capacity() > 1024) {
        partial_ = {};
    }
}

std::size_t client_connection::parse(std::string_view bytes)
{
    std::size_t used = 0;
    auto& frame = scratch_frame();
    const auto now = loop().now();
    while (used < bytes.size() && session_ != session_id::none &&
           shard_.core().wants_client(session_)) {
        const auto result = parser_.parse(bytes.substr(used), frame_limits(), frame);
        switch (result.status) {
        case stomp::parse_status::need_more: return used;
        case stomp::parse_status::heart_beat:
            ++shard_.counters().frames[side::client][direction::in][frame_kind::heart_beat];
            break;
        case stomp::parse_status::frame:
            shard_.core().on_client_frame(
                session_, frame, binary_ ? framing::binary : framing::text, now);
            break;
        case stomp::parse_status::failed:
            ++shard_.counters().frame_errors[side::client][frame_error::parse];
            shard_.core().on_client_fault(
                session_, stomp::make_error_code(result.error).message(), now);
            return bytes.size();
        }
        used += result.consumed;
    }
    return session_ == session_id::none ? bytes.size() : used;
}

void client_connection::interpret(net::time_point now)
{
    if (session_ == session_id::none) {
        return;
    }
    if (!partial_.empty()) {
        const std::string carried =
            std::exchange(partial_, {}); // feed() may be asked for meanwhile: never here
        const std::size_t used = parse(carried);
        if (session_ == session_id::none) {
            return;
        }
        partial_ = carried.substr(used);
    }
    if (!shard_.core().wants_client(session_)) {
        return;
    }
    // What is left is at most a part of a frame.
    shard_.core().on_carry_empty(session_);
    if (left_) {
        tell_gone();
        return;
    }
    if (!reading()) {
        resume_reading();
        beat_.resume_incoming(now);
        if (connected_) { // H15: its clock may have been the only one
            loop().timers().arm(*this, beat_.next_deadline());
        }
    }
}

void client_connection::peer_left(disconnect_reason how)
{
    left_ = true;
    left_how_ = how;
    cancel();
    close_after_flush();
    // S4: what was carried is interpreted after commit or abort, then it closes.
    if (session_ != session_id::none &&
        (partial_.empty() || shard_.core().wants_client(session_))) {
        tell_gone();
    }
}

void client_connection::tell_gone()
{
    if (session_ != session_id::none && !told_) {
        told_ = true;
        ++shard_.counters().disconnects[left_how_];
        shard_.core().on_client_gone(session_, loop().now());
    }
}

void client_connection::on_timer(net::time_point now)
{
    if (!connected_) {
        if (session_ != session_id::none && shard_.core().session(session_) != nullptr &&
            shard_.core().session(session_)->connect_seen) {
            return; // waits for a broker: brokers.park_timeout bounds that
        }
        ++shard_.counters().listener(listener_).rejected[reject_reason::timeout];
        left_how_ = disconnect_reason::connect_timeout;
        if (upgraded_) {
            websocket::append_close(
                out(), websocket::role::server, close_code::policy_violation,
                "no CONNECT within limits.handshake_timeout");
        }
        touch();
        peer_left(disconnect_reason::connect_timeout);
        return;
    }
    switch (beat_.on_deadline(now)) {
    case stomp::heart_beat::due::lost:
        ++shard_.counters().heart_beat_timeouts[side::client];
        websocket::append_close(
            out(), websocket::role::server, close_code::policy_violation,
            "no heart-beat for twice the interval");
        touch();
        peer_left(disconnect_reason::heart_beat);
        return;
    case stomp::heart_beat::due::send:
        websocket::append_message(out(), websocket::role::server, websocket::opcode::text, "\n");
        touch();
        beat_.on_sent(now);
        break;
    case stomp::heart_beat::due::nothing: break;
    }
    loop().timers().arm(*this, beat_.next_deadline());
}

void client_connection::on_peer_fin()
{
    if (!left_) {
        peer_left(disconnect_reason::reset);
    }
}

void client_connection::on_closed(boost::system::error_code)
{
    cancel();
    socket_gone_ = true;
    left_ = true;
    if (session_ != session_id::none && !told_ &&
        (partial_.empty() || shard_.core().wants_client(session_))) {
        tell_gone();
    }
    if (session_ == session_id::none) {
        shard_.destroy_later(*this); // else close() does, once the session is over
    }
}

} // namespace gateway
