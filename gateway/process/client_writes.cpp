// Writes to a client, counts how much of it waits, and closes its connection.

#include "broker/net/socket.hpp"
#include "broker/net/utf8.hpp"
#include "gateway/process/client_connection.hpp"
#include "gateway/process/shard.hpp"

#include <utility>

namespace gateway {

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

// `may`: the frame may go as text. A client that sends binary cannot read text: React Native cuts it
// at a NUL.
bool client_connection::goes_as_text(bool may) const noexcept
{
    switch (place().frames) {
    case client_frames::automatic: return may && (said_text_ || !said_binary_);
    case client_frames::text: break;
    case client_frames::binary: return false;
    }
    return may;
}

void client_connection::write(std::string_view head, std::string_view body, framing as)
{
    if (socket_gone_ || closing()) {
        return;
    }
    const bool text =
        wire().has_text() && as != framing::binary && net::is_utf8(head) && net::is_utf8(body);
    const std::uint64_t before = out().appended();
    wire().append_frame(out(), head, body, goes_as_text(text));
    shard_.counters().bytes[side::client][direction::out] += out().appended() - before;
    wrote(out().appended() - before);
}

void client_connection::write(std::string_view head, const net::payload_ref& rest, framing as)
{
    if (socket_gone_ || closing()) {
        return;
    }
    const bool text =
        wire().has_text() && as != framing::binary && rest->is_utf8() && net::is_utf8(head);
    const std::uint64_t before = out().appended();
    wire().append_frame(out(), head, rest, goes_as_text(text));
    shard_.counters().bytes[side::client][direction::out] += out().appended() - before;
    wrote(out().appended() - before);
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
    if (!beat_.expects() && wire().has_question()) {
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
        wire().append_close(out(), reason, text);
        touch();
        account();
        close_after_flush();
    }
}

void client_connection::refuse(std::string_view sentence)
{
    cancel();
    if (place().tls && stage_ < stage::greeting) { // what is not TLS's would be no answer
        cut();
        return;
    }
    wire().append_unavailable(out(), sentence);
    touch();
    close_after_flush();
}

// outside.md A12. What was acknowledged stays so: only then is the client not heard any more.
bool client_connection::send_away(bool at_once)
{
    if (closing()) {
        return true;
    }
    if (!at_once && session_ != session_id::none && !left_) {
        const departure waits_for = shard_.core().send_away(session_);
        if (waits_for == departure::awaiting && connected_ && partial_.empty() && reading()) {
            stopped_ = true; // or who SENDs on and on would always be owed an answer
            stop_reading();
        }
        if (waits_for != departure::free || (connected_ && !partial_.empty())) {
            return false;
        }
    }
    drain();
    return true;
}

void client_connection::drain()
{
    if (session_ == session_id::none) {
        ++shard_.counters().listener(listener_).rejected[reject_reason::draining];
        close_now();
        return;
    }
    left_how_ = disconnect_reason::drained;
    if (!closing()) {
        wire().append_close(out(), disconnect_reason::drained, "the gateway is going away");
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
    wire().on_written(*this);
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
