#include "gateway/transports/sockjs/session.hpp"

#include "gateway/transports/sockjs/xhr_wire.hpp"

#include <algorithm>
#include <array>
#include <sys/uio.h>

namespace gateway::sockjs {

namespace {

constexpr std::string_view open_frame = "o";
constexpr std::string_view heart_beat_frame = "h";
constexpr std::string_view still_open_frame = R"(c[2010,"Another connection still open"])";
constexpr std::string_view interrupted_frame = R"(c[1002,"Connection interrupted"])";
constexpr std::size_t piece_bytes_max = std::size_t{32} * 1024;
constexpr std::size_t iovecs_max = 64;

struct framing_text {
    std::string_view before, after;
};
framing_text around_frame(receiver_kind kind) noexcept
{
    return kind == receiver_kind::eventsource ? framing_text{"data: ", "\r\n\r\n"}
                                              : framing_text{"", "\n"};
}

// One loop's thread fills and empties it within a call.
std::string& piece() noexcept
{
    thread_local std::string text;
    return text;
}

} // namespace

session::~session()
{
    if (wire_ != nullptr) {
        wire_->unbind();
    }
}

void session::bind(xhr_wire& wire, net::connection& user) noexcept
{
    wire_ = &wire;
    user_ = &user;
}

void session::write_frame(receiver& to, std::string_view frame)
{
    const auto around = around_frame(to.kind());
    std::string text{around.before};
    text.append(frame).append(around.after);
    answered_ += text.size();
    to.write(text);
}

void session::attach(receiver& r)
{
    if (receiver_ != nullptr) {
        const std::size_t answered = answered_; // of the other one
        write_frame(r, still_open_frame);
        answered_ = answered;
        r.end();
        return;
    }
    cancel();
    answered_ = 0;
    receiver_ = &r;
    switch (state_) {
    case state::opening:
        state_ = state::open;
        write_frame(r, open_frame);
        if (r.kind() == receiver_kind::xhr) {
            let_go();
            return;
        }
        [[fallthrough]];
    case state::open:
        loop_.timers().arm(*this, loop_.now() + settings_.heart_beat);
        pull();
        return;
    case state::over:
    case state::forgotten:
        write_frame(r, close_frame_);
        let_go();
        return;
    }
}

// The answer is complete: the next one may come by any connection.
void session::let_go()
{
    receiver* const done = std::exchange(receiver_, nullptr);
    loop_.timers().arm(*this, loop_.now() + settings_.disconnect_delay);
    done->end();
}

void session::break_off(receiver& r)
{
    if (receiver_ == &r) {
        receiver_ = nullptr;
        broken_off_ = true;
        end_user();
    }
}

void session::end_user()
{
    cancel();
    if (user_ == nullptr) {
        state_ = state::forgotten;
        loop_.timers().arm(*this, loop_.now());
        return;
    }
    user_->carry_fin();
    if (user_ != nullptr) { // what waits for the client reaches nobody
        user_->close_now();
    }
}

void session::on_user_turn()
{
    deliver();
    pull();
}

// Also comes where the user was closed in the middle of something.
void session::on_user_closed()
{
    user_ = nullptr;
    wire_ = nullptr;
    cancel();
    for (const auto& one : std::exchange(waiting_, {})) {
        one.who->end(false);
    }
    const bool told = !close_frame_.empty();
    if (!told) {
        close_frame_ = interrupted_frame;
    }
    // Nobody asks again who has broken off, or whose user ended without a word.
    state_ = told && !broken_off_ ? state::over : state::forgotten;
    loop_.timers().arm(
        *this, loop_.now() + (over() ? settings_.disconnect_delay : std::chrono::milliseconds{0}));
    if (receiver_ != nullptr) {
        receiver& r = *std::exchange(receiver_, nullptr);
        if (!in_line_) {
            if (in_frame_) {
                r.write("]");
                r.write(around_frame(r.kind()).after);
            }
            write_frame(r, close_frame_);
        }
        r.end();
    }
    if (over()) {
        owner_.session_is_over(*this);
    }
}

void session::on_timer(net::time_point now)
{
    if (receiver_ != nullptr) {
        if (receiver_->takes() && !in_frame_) {
            write_frame(*receiver_, heart_beat_frame);
            if (receiver_->kind() == receiver_kind::xhr) {
                let_go();
                return;
            }
        }
        loop_.timers().arm(*this, now + settings_.heart_beat);
        return;
    }
    switch (state_) {
    case state::opening:
    case state::open: end_user(); return;
    case state::over:
    case state::forgotten: owner_.remove_session(*this); return;
    }
}

// ---- to the client

void session::on_room()
{
    pull();
}

// Lines of the outbox become arrays: as many as are there share one.
void session::pull()
{
    while (receiver_ != nullptr && user_ != nullptr && !user_->out().empty() &&
           receiver_->takes()) {
        const std::size_t used = gather(piece_bytes_max);
        answered_ += piece().size();
        receiver_->write(piece());
        const bool full = answered_ >= settings_.response_bytes_max;
        if (!in_frame_) {
            if (receiver_->kind() == receiver_kind::xhr || full) {
                let_go();
            } else {
                loop_.timers().arm(*this, loop_.now() + settings_.heart_beat);
            }
        }
        user_->carry_out(used); // may end the user
    }
}

// Fills piece() from the front of the outbox; returns how many bytes of it that took.
std::size_t session::gather(std::size_t bytes_max)
{
    std::string& text = piece();
    text.clear();
    std::array<iovec, iovecs_max> parts;
    const std::size_t count = user_->out().gather(parts);
    std::size_t left = user_->out().size();
    std::size_t used = 0;
    for (std::size_t i = 0; i < count && text.size() < bytes_max; ++i) {
        const std::string_view bytes{static_cast<const char*>(parts[i].iov_base), parts[i].iov_len};
        const std::size_t taken = take_lines(bytes, bytes_max, left == bytes.size());
        used += taken;
        left -= taken;
        if (taken < bytes.size()) {
            break;
        }
    }
    // The lines go on in a part that there was no room for: the array stays open.
    return used;
}

// `last`: nothing is behind these bytes.
std::size_t session::take_lines(std::string_view bytes, std::size_t bytes_max, bool last)
{
    std::string& text = piece();
    const auto around = around_frame(receiver_->kind());
    std::size_t at = 0;
    while (at < bytes.size() && text.size() < bytes_max) {
        if (!in_line_) {
            if (in_frame_) {
                text += ',';
            } else {
                text.append(around.before).append("a[");
                in_frame_ = true;
            }
            in_line_ = true;
        }
        const std::size_t room = bytes_max - text.size();
        const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
        const std::size_t size = std::min(end - at, std::max<std::size_t>(room, 1));
        text.append(bytes, at, size);
        at += size;
        if (at != end || end == bytes.size()) {
            continue; // the line goes on
        }
        ++at; // its end
        in_line_ = false;
        const bool full = answered_ + text.size() >= settings_.response_bytes_max;
        if (full || text.size() >= bytes_max || (last && at == bytes.size())) {
            text.append("]").append(around.after);
            in_frame_ = false;
            return at;
        }
    }
    return at;
}

// ---- from the client

void session::send(sender& s)
{
    if (user_ == nullptr) {
        s.end(false);
        return;
    }
    waiting_.push_back({&s, 0});
    deliver();
}

void session::forget(sender& s)
{
    std::erase_if(waiting_, [&](const waiting_sender& one) { return one.who == &s; });
}

// In order, and no more than the user reads.
void session::deliver()
{
    if (delivering_) {
        return;
    }
    delivering_ = true;
    while (!waiting_.empty() && user_ != nullptr && user_->reading()) {
        auto& front = waiting_.front();
        messages& all = front.who->brought();
        if (front.next < all.count()) {
            const std::size_t begin = front.next == 0 ? 0 : all.ends[front.next - 1];
            const std::size_t end = all.ends[front.next++];
            if (end > begin) {
                user_->carry_in({all.bytes.data() + begin, end - begin});
            }
            continue;
        }
        sender& done = *front.who;
        waiting_.erase(waiting_.begin());
        done.end(true);
    }
    delivering_ = false;
}

} // namespace gateway::sockjs
