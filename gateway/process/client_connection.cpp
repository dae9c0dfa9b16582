#include "gateway/process/client_connection.hpp"

#include "broker/net/socket.hpp"
#include "gateway/process/shard.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace gateway {

namespace {

// It has sent more after its CONNECT than limits.frame_before_connect. That is not read, so its FIN
// could not be seen.
constexpr auto stranger_patience = std::chrono::seconds{1};

stomp::frame_view& scratch_frame()
{
    thread_local stomp::frame_view frame; // one loop's thread parses one frame at a time
    return frame;
}

} // namespace

client_connection::client_connection(
    shard& owner, net::loose_socket socket, std::size_t listener, std::uint64_t number)
    : connection(owner.loop(), std::move(socket)), shard_(owner),
      since_(owner.loop().now()), number_(number), listener_(static_cast<std::uint16_t>(listener)),
      stage_(place().proxy_protocol == proxy_versions::none ? first_stage() : stage::proxy_header)
{
    if (place().protocol == client_protocol::stomp) {
        transport_.emplace<tcp_transport>();
    }
    shard_.loop().timers().arm(*this, since_ + shard_.settings().limits.handshake_timeout);
}

const listener_config& client_connection::place() const noexcept
{
    return shard_.settings().listeners[listener_];
}

stomp::limits client_connection::frame_limits() const noexcept
{
    const auto& l = shard_.settings().limits;
    return {
        .frame_bytes = connected_ ? l.frame : room_before_connect(),
        .header_count = l.headers,
        .header_line_bytes = l.header_line};
}

void client_connection::on_bytes(std::span<char> bytes)
{
    shard_.counters().bytes[side::client][direction::in] += bytes.size();
    beat_.on_received(loop().now());
    idle_.on_received(loop().now());
    try {
        take(bytes);
        bound_input();
    } catch (const std::bad_alloc&) { // behind the reserve: this one's bytes are too many
        parsing_ = false;
        peer_left(disconnect_reason::limit);
        cut();
    }
    account();
}

void client_connection::take(std::span<char> bytes)
{
    if (stage_ == stage::proxy_header) {
        bytes = read_proxy_header(bytes);
    }
    if (stage_ == stage::hello && !bytes.empty() && !closing()) {
        await_handshake(bytes);
        return;
    }
    if (stage_ == stage::greeting && !bytes.empty() && !closing()) {
        bytes = greet(bytes);
    }
    if (stage_ == stage::open) {
        decode(bytes);
    }
}

void client_connection::decode(std::span<char> bytes)
{
    const auto most =
        shard_.settings().limits.frame + 64 * 1024; // some frames may be joined in one message
    while (!closing() && !left_) {
        // The bytes after CONNECT are judged once they are interpreted. Until then they are bounded
        // by not reading more.
        const bool judged_later = connected_ || !shard_.core().wants_client(session_);
        const auto came = wire().next(
            bytes, judged_later ? wire().wrapped_bytes_max(most) : room_before_connect(), *this);
        switch (came.what) {
        case incoming::kind::need_more: return;
        case incoming::kind::data:
            feed({came.payload.data(), came.payload.size()}, came.binary);
            break;
        case incoming::kind::control: break;
        case incoming::kind::closed: peer_left(disconnect_reason::disconnect); return;
        case incoming::kind::failed:
            ++shard_.counters().frame_errors[side::client][came.fault];
            peer_left(disconnect_reason::protocol_error);
            return;
        }
    }
}

void client_connection::feed(std::string_view bytes, bool binary)
{
    if (session_ == session_id::none || bytes.empty()) {
        return;
    }
    kinds_.append(partial_.size(), binary);
    if (partial_.empty()) {
        const std::size_t used = parse(bytes);
        keep(bytes.substr(used));
    } else {
        keep(bytes);
        parsing_ = true;
        const std::size_t used = parse(partial_);
        parsing_ = false;
        partial_.erase(0, used);
        kinds_.drop(used);
    }
    if (!carry_is_full()) {
        if (!partial_.empty() && shard_.core().wants_client(session_)) {
            kinds_.join(partial_.size()); // a part of one frame
        }
    } else if (reading()) {
        stop_reading();
        if (!connected_) {
            loop().timers().arm(*this, loop().now() + stranger_patience);
        }
        ++shard_.counters().backpressure_pauses[side::client];
    }
    let_go_of_room();
}

// Whether any part of that frame came in a binary message.
bool client_connection::came_binary(std::size_t from, std::size_t to) noexcept
{
    const bool binary = kinds_.any_binary(from, to);
    said_binary_ |= binary;
    said_text_ |= !binary;
    return binary;
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
        case stomp::parse_status::skipped: // a broker's only
        case stomp::parse_status::skipping: break;
        case stomp::parse_status::heart_beat:
            ++shard_.counters().frames[side::client][direction::in][frame_kind::heart_beat];
            break;
        case stomp::parse_status::frame:
            if (frame.command == stomp::command::send) {
                shard_.samples().frame(direction::in, now);
            }
            shard_.core().on_client_frame(
                session_, frame,
                came_binary(used, used + result.consumed) ? framing::binary : framing::text, now);
            shard_.samples().over();
            break;
        case stomp::parse_status::failed:
            ++shard_.counters().frame_errors[side::client][error_of(result.error)];
            came_binary(used, bytes.size());
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
        kinds_.drop(used);
        account();
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
    if (!reading() && !stopped_) {
        go_on_reading(now);
    }
}

void client_connection::stop_reading()
{
    pause_reading();
    beat_.pause_incoming();
    idle_.pause();
}

void client_connection::go_on_reading(net::time_point now)
{
    resume_reading();
    beat_.resume_incoming(now);
    idle_.resume(now);
    if (connected_) { // H15: its clock may have been the only one
        arm_clocks();
    }
}

void client_connection::peer_left(disconnect_reason how)
{
    left_ = true;
    left_how_ = how;
    cancel();
    close_after_flush();
    // S4: carried frames are interpreted after the commit or the abort, and then the session
    // closes. Of a client without CONNECTED nothing is kept.
    if (!connected_ || partial_.empty() || shard_.core().wants_client(session_)) {
        tell_gone();
        drop_input();
    }
    account();
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
            shard_.core().session(session_)->connect_seen()) {
            judge_pile(now); // waits for a broker: brokers.park_timeout bounds that
            return;
        }
        ++shard_.counters().listener(listener_).rejected[reject_reason::timeout];
        left_how_ = disconnect_reason::connect_timeout;
        if (stage_ == stage::open) {
            wire().append_fault(
                out(), disconnect_reason::connect_timeout,
                "no CONNECT within limits.handshake_timeout");
        }
        touch();
        peer_left(disconnect_reason::connect_timeout);
        return;
    }
    switch (beat_.on_deadline(now)) {
    case stomp::heart_beat::due::lost:
        close_silent("no heart-beat for twice the interval");
        return;
    case stomp::heart_beat::due::send: write_beat(now); break;
    case stomp::heart_beat::due::nothing: break;
    }
    run_idle_watch(now);
    if (!left_) {
        arm_clocks();
    }
}

void client_connection::arm_clocks()
{
    loop().timers().arm(*this, std::min(beat_.next_deadline(), idle_.next_deadline()));
}

// After bytes that the client does not take, it would reach nobody.
void client_connection::write_beat(net::time_point now)
{
    if (flowing()) {
        ++shard_.counters().frames[side::client][direction::out][frame_kind::heart_beat];
        wire().append_beat(out(), goes_as_text(true));
        touch();
    }
    beat_.on_sent(now);
}

void client_connection::beat_at_once(net::time_point now)
{
    if (connected_ && !closing() && beat_.sends()) {
        write_beat(now);
    }
}

void client_connection::run_idle_watch(net::time_point now)
{
    const auto due = idle_.on_deadline(now);
    if (due == websocket::idle_watch::due::nothing) {
        return;
    }
    if (!flowing()) { // it does not read now: limits.client_stall is for that
        idle_.on_received(now);
    } else if (due == websocket::idle_watch::due::ask) {
        wire().append_question(out());
        touch();
        idle_.on_asked(now);
    } else {
        close_silent("no answer to a ping (limits.idle_ping)");
    }
}

void client_connection::close_silent(std::string_view text)
{
    ++shard_.counters().heart_beat_timeouts[side::client];
    wire().append_fault(out(), disconnect_reason::heart_beat, text);
    touch();
    peer_left(disconnect_reason::heart_beat);
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
    if (stage_ == stage::securing && !layer_failure().empty()) {
        handshake_failed(layer_failure());
    }
    leave_gate();
    wire().on_closed();
    drop_layer();
    socket_gone_ = true;
    left_ = true;
    if (!connected_ || partial_.empty() || shard_.core().wants_client(session_)) {
        tell_gone();
        drop_input();
    }
    account();
    if (session_ == session_id::none) {
        shard_.destroy_later(*this); // else close() does, once the session is over
    }
}

} // namespace gateway
