// Writes to a client, counts how much of it waits, and closes its connection.

#include "broker/net/socket.hpp"
#include "broker/net/utf8.hpp"
#include "broker/websocket/upgrade.hpp"
#include "gateway/process/client_connection.hpp"
#include "gateway/process/shard.hpp"

#include <utility>

namespace gateway {

namespace {

using websocket::close_code;

// contract.md, "What bad input gets"; RFC 6455 section 7.4.1 for the rest.
close_code code_of(disconnect_reason reason) noexcept
{
    switch (reason) {
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

} // namespace

// A frame larger than the wall is no sign of a slow client by itself: it is not counted while it
// waits. limits.client_stall says whether the client takes it, limits.buffered_total bounds it.
std::size_t client_connection::backlog_bytes() const noexcept
{
    const std::size_t size = out().size();
    return large_ == nullptr ? size : size - std::min(size, large_->bytes);
}

void client_connection::wrote(std::size_t frame_bytes)
{
    said_ = true;
    touch();
    if (connected_ && charged_outbox_ == 0) { // it was empty
        since_ = loop().now();
    }
    account();
    const auto& limits = shard_.settings().limits;
    if (frame_bytes > 8 * limits.client_outbox) {
        if (large_ == nullptr) {
            large_ = std::make_unique<large_frames>();
        }
        large_->bytes += frame_bytes;
        large_->until = out().appended();
    }
    const std::size_t size = backlog_bytes();
    if ((out().size() > limits.client_outbox && level_ == backlog::below) ||
        (size > 8 * limits.client_outbox && level_ != backlog::over_wall)) {
        shard_.backlog_changed(*this);
    }
}

void client_connection::check_backlog(net::time_point now)
{
    if (session_ == session_id::none) {
        return;
    }
    const auto& limits = shard_.settings().limits;
    const std::size_t size = out().size();
    const backlog level = backlog_bytes() > 8 * limits.client_outbox ? backlog::over_wall
                          : size > limits.client_outbox              ? backlog::over_mark
                          : size > limits.client_outbox / 2 ? std::min(level_, backlog::over_mark)
                                                            : backlog::below;
    if (level != level_) {
        level_ = level;
        shard_.core().on_client_backlog(session_, level, now);
    }
}

// `text`: the frame may go as text. A client that sends binary cannot read text: React Native cuts
// it at a NUL.
websocket::opcode client_connection::opcode_for(bool text) const noexcept
{
    switch (shard_.settings().listeners[listener_].frames) {
    case client_frames::automatic: text &= said_text_ || !said_binary_; break;
    case client_frames::text: break;
    case client_frames::binary: text = false; break;
    }
    return text ? websocket::opcode::text : websocket::opcode::binary;
}

void client_connection::write(std::string_view head, std::string_view body, framing as)
{
    if (socket_gone_ || closing()) {
        return;
    }
    const bool text = as != framing::binary && net::is_utf8(head) && net::is_utf8(body);
    const auto frame = websocket::encode_head(opcode_for(text), head.size() + body.size() + 1);
    out().append(frame.view());
    out().append(head);
    out().append(body);
    out().append(std::string_view{"\0", 1});
    shard_.counters().bytes[side::client][direction::out] +=
        frame.size + head.size() + body.size() + 1u;
    wrote(head.size() + body.size());
}

void client_connection::write(std::string_view head, const net::payload_ref& rest, framing as)
{
    if (socket_gone_ || closing()) {
        return;
    }
    const bool text = as != framing::binary && rest->is_utf8() && net::is_utf8(head);
    websocket::append_message(out(), opcode_for(text), head, rest);
    shard_.counters().bytes[side::client][direction::out] += head.size() + rest->size() + 4u;
    wrote(head.size() + rest->size());
}

void client_connection::up(stomp::version version, std::string_view heart_beat, net::duration ours)
{
    connected_ = true;
    set_read_quantum(read_quantum_max);
    parser_.set_version(version);
    shard_.counters().handshake_duration.observe(loop().now() - since_);
    since_ = loop().now();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(ours);
    const auto theirs = stomp::parse_heart_beat(heart_beat).value_or(stomp::heart_beat_offer{});
    beat_ = stomp::heart_beat{stomp::negotiate({ms, ms}, theirs), loop().now()};
    if (!beat_.expects()) {
        idle_.begin(shard_.settings().limits.idle_ping, loop().now());
    }
    arm_clocks();
    net::bound_unsent(descriptor(), 0);
}

void client_connection::close(disconnect_reason reason, std::string_view text)
{
    if (!told_) {
        ++shard_.counters().disconnects[reason];
    }
    told_ = true;
    session_ = session_id::none;
    if (!parsing_) {
        drop_input();
    }
    cancel();
    account();
    if (socket_gone_) {
        shard_.destroy_later(*this);
        return;
    }
    if (!closing()) {
        websocket::append_close(out(), websocket::role::server, code_of(reason), text);
        touch();
        account();
        close_after_flush();
    }
}

void client_connection::refuse(std::string response)
{
    cancel();
    out().append(response);
    touch();
    close_after_flush();
}

void client_connection::drain()
{
    if (session_ == session_id::none) {
        close_now();
        return;
    }
    left_how_ = disconnect_reason::drained;
    if (!closing()) {
        websocket::append_close(
            out(), websocket::role::server, close_code::service_restart,
            "the gateway is going away");
        touch();
        close_after_flush();
    }
    tell_gone();
}

void client_connection::on_written()
{
    const auto now = loop().now();
    if (std::exchange(said_, false)) {
        beat_.on_sent(now);
    }
    pongs_.on_written(websocket::role::server, *this);
    if (large_ != nullptr && out().written() >= large_->until) {
        large_.reset();
    }
    since_ = connected_ ? now : since_;
    account();
    if (session_ == session_id::none) {
        return;
    }
    if (level_ != backlog::below) {
        shard_.backlog_changed(*this);
    }
    if (watch_written_) {
        watch_written_ = false;
        shard_.core().on_client_written(session_, now);
    }
}

} // namespace gateway
