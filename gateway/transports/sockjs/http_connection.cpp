#include "gateway/transports/sockjs/http_connection.hpp"

#include <algorithm>
#include <utility>

namespace gateway::sockjs {

namespace {

constexpr std::size_t answer_bytes_max = std::size_t{64} * 1024; // queued, before more is asked for
constexpr std::size_t ahead_bytes_max = std::size_t{16} * 1024;  // of the next requests
constexpr std::size_t kept_room_max = std::size_t{4} * 1024;
constexpr std::chrono::seconds drain_patience{1};
constexpr std::size_t bytes_a_second = std::size_t{16} * 1024;

} // namespace

http_connection::http_connection(
    hub& owner, net::loose_socket socket, standing who, std::uint64_t number)
    : connection(owner.loop(), std::move(socket)), hub_(owner), who_(std::move(who)),
      number_(number), since_(owner.loop().now())
{
}

http_connection::~http_connection()
{
    leave_session();
    hub_.budget().settle(held_kind::client_input, charged_input_, 0);
    hub_.budget().settle(held_kind::client_outbox, charged_outbox_, 0);
}

void http_connection::begin(std::string bytes)
{
    in_ = std::move(bytes);
    read_or_not();
    advance();
    account();
}

std::size_t http_connection::held() const noexcept
{
    const std::size_t body = body_ ? body_->held() : 0;
    const std::size_t head = request_ ? request_weight_ : 0;
    return in_.capacity() + head + body + brought_.held() + out().held();
}

void http_connection::account() noexcept
{
    hub_.budget().settle(
        held_kind::client_input, charged_input_, held() - out().held() + layer_held());
    hub_.budget().settle(held_kind::client_outbox, charged_outbox_, out().held());
}

// ---- in

void http_connection::on_bytes(std::span<char> bytes)
{
    in_.append(bytes.data(), bytes.size());
    advance();
    if (state_ != state::gone) {
        read_or_not();
        arm_clock();
        account();
    }
}

// While a session has the connection it is read on, so that its end is seen.
void http_connection::read_or_not()
{
    const bool ahead = state_ != state::reading && in_.size() > ahead_bytes_max;
    const bool on = !ahead && (hub_.reading() || receives());
    if (on != reading() && state_ != state::gone) {
        on ? resume_reading() : pause_reading();
    }
}

void http_connection::advance()
{
    while (state_ == state::reading && !closing() && out().empty() && read_request()) {
        act();
    }
    if (state_ != state::gone) {
        if (in_.empty() && in_.capacity() > kept_room_max) {
            std::string{}.swap(in_);
        }
        read_or_not();
        arm_clock();
        account();
    }
}

// Whether a whole request is there for act().
bool http_connection::read_request()
{
    if (!begun_ && !in_.empty()) {
        begun_ = true;
        since_ = loop().now();
        read_at_ = bytes_read();
    }
    if (!request_) {
        if (in_.empty()) {
            return false;
        }
        auto head = read_head(in_, looked_at_, hub_.settings().head_bytes_max);
        looked_at_ = in_.size();
        if (head.failed) {
            refuse(head.failed->status, head.failed->sentence);
            return false;
        }
        if (!head.done) {
            return false;
        }
        looked_at_ = 0;
        request_ = std::move(head.done);
        request_weight_ = 2 * request_->head_bytes;
        in_chunks_ = !request_->head.http_1_0;
        keep_alive_ = request_->keep_alive;
        if (!judge()) {
            return false;
        }
        in_.erase(0, std::exchange(request_->head_bytes, 0));
    }
    return reads_body();
}

bool http_connection::has_body() const noexcept
{
    return request_->chunked || request_->content_length > 0;
}

// Whether the body is whole.
bool http_connection::reads_body()
{
    const bool sends = route_->what == resource::xhr_send && request_->head.method == "POST";
    session* const to = sends ? hub_.find(name_) : nullptr;
    if (sends && (to == nullptr || to->user() == nullptr)) {
        say_not_found();
        return false;
    }
    if (!body_) {
        body_.emplace(
            *request_,
            sends ? hub_.owner().body_bytes_max(*to->user()) : hub_.settings().body_bytes_max);
        if (has_body() && in_.empty() && request_->head.lists("Expect", "100-continue")) {
            out().append("HTTP/1.1 100 Continue\r\n\r\n");
            touch();
        }
    }
    switch (body_->take(in_)) {
    case body_reader::outcome::unfinished: return false;
    case body_reader::outcome::done: return true;
    case body_reader::outcome::too_large:
        refuse(
            413,
            "the body is too large (limits.frame, before CONNECTED limits.frame_before_connect)");
        return false;
    case body_reader::outcome::failed: refuse(400, "the body is malformed"); return false;
    }
    return false;
}

// ---- a receiver

bool http_connection::takes() const
{
    return !closing() && out().size() < answer_bytes_max;
}

void http_connection::write(std::string_view body)
{
    if (out().empty()) {
        since_ = loop().now();
    }
    out().append(in_chunks_ ? chunk_of(body) : std::string{body});
    touch();
    arm_clock();
    account();
}

void http_connection::end()
{
    session_ = nullptr;
    if (in_chunks_) {
        out().append("0\r\n\r\n");
    }
    state_ = state::answered;
    touch();
    if (!stays_open()) {
        close_after_flush();
    }
    arm_clock();
}

// ---- out

bool http_connection::stays_open() const noexcept
{
    return keep_alive_ && !hub_.draining();
}

void http_connection::on_written()
{
    since_ = loop().now();
    if (state_ == state::receiving) {
        session_->on_room();
    }
    if (state_ == state::answered && out().empty() && !closing()) {
        state_ = state::reading;
        request_.reset();
        route_.reset();
        body_.reset();
        begun_ = false;
        kind_ = receiver_kind::xhr;
    }
    advance();
}

// ---- elsewhere

handed_on http_connection::let_go()
{
    cancel();
    state_ = state::gone;
    handed_on moved{.socket = release(), .bytes = std::move(in_), .who = std::move(who_)};
    in_ = {};
    account();
    hub_.given_away(*this);
    return moved;
}

void http_connection::give_away_to_websocket()
{
    hub_.owner().upgrade(let_go());
}

void http_connection::hand_over(unsigned shard)
{
    hub_.owner().hand_over(shard, let_go());
}

// ---- the end

void http_connection::leave_session()
{
    if (session* const its = std::exchange(session_, nullptr)) {
        if (state_ == state::receiving) {
            its->break_off(*this);
        } else {
            its->forget(*this);
        }
    }
}

void http_connection::on_peer_fin()
{
    leave_session();
    state_ = state_ == state::gone ? state::gone : state::answered;
    close_after_flush();
}

void http_connection::on_closed(boost::system::error_code)
{
    leave_session();
    state_ = state::gone;
    cancel();
    hub_.closed(*this); // which destroys it
}

void http_connection::drain()
{
    // Whoever polls gets the close frame of its session with its next request.
    const bool idle = loop().now() - since_ >= drain_patience;
    if (state_ == state::reading && idle && out().empty() && !closing()) {
        close_after_flush();
    }
}

void http_connection::cut()
{
    out().clear();
    std::string{}.swap(in_);
    account();
    close_now();
}

net::time_point http_connection::deadline() const noexcept
{
    const auto& settings = hub_.settings();
    if (closing() || state_ == state::gone) {
        return net::never;
    }
    if (!out().empty()) {
        return since_ + settings.stall;
    }
    if (state_ != state::reading) {
        return net::never; // its session's clocks
    }
    if (!begun_) {
        return since_ + settings.idle;
    }
    const auto more = std::chrono::seconds{(bytes_read() - read_at_) / bytes_a_second};
    return since_ + settings.request_timeout + more;
}

void http_connection::arm_clock()
{
    loop().timers().arm(*this, deadline());
}

void http_connection::on_timer(net::time_point now)
{
    if (const auto due = deadline(); now < due) {
        loop().timers().arm(*this, due);
    } else if (!out().empty()) {
        close_now();
    } else if (begun_) {
        refuse(408, "the request did not come in time (limits.handshake_timeout)");
    } else {
        close_after_flush();
    }
}

} // namespace gateway::sockjs
