#include "broker/embedded/stomp_connection.hpp"

#include <deque>

namespace embedded {
namespace {

constexpr std::uint32_t read_bytes_a_turn = 64 * 1024;
constexpr std::size_t carry_kept_bytes_max =
    64 * 1024; // a larger buffer is given back once it is empty

} // namespace

struct stomp_connection::deadline_timer final : net::timer {
    explicit deadline_timer(stomp_connection& owner) : owner_(owner) {}
    void on_timer(net::time_point now) override { owner_.on_deadline(now); }
    stomp_connection& owner_;
};

// --chaos delay: what is written waits here, and so does the end.
class stomp_connection::delay_line final : net::timer {
public:
    explicit delay_line(stomp_connection& owner) : owner_(owner) {}

    net::outbox& open(net::time_point due)
    {
        if (parts_.empty() || parts_.back().due != due || parts_.back().last) {
            parts_.push_back({due, {}, false});
            if (!armed()) {
                owner_.loop().timers().arm(*this, due);
            }
        }
        return parts_.back().bytes;
    }
    void close() { parts_.back().last = true; }
    void clear() { parts_.clear(); }
    std::size_t size() const noexcept
    {
        std::size_t bytes = 0;
        for (const part& p : parts_) {
            bytes += p.bytes.size();
        }
        return bytes;
    }

private:
    struct part {
        net::time_point due;
        net::outbox bytes;
        bool last;
    };

    void on_timer(net::time_point now) override
    {
        while (!parts_.empty() && parts_.front().due <= now) {
            owner_.out().append(parts_.front().bytes.text());
            owner_.touch();
            const bool last = parts_.front().last;
            parts_.pop_front();
            if (last) {
                owner_.close_after_flush();
            }
        }
        if (!parts_.empty()) {
            owner_.loop().timers().arm(*this, parts_.front().due);
        }
    }

    stomp_connection& owner_;
    std::deque<part> parts_;
};

stomp_connection::stomp_connection(stomp_server& server, int descriptor)
    : connection(server.loop(), descriptor, origin::accepted), server_(server),
      session_(server.core().open(*this, server.loop().now())),
      limits_(server.core().frame_limits(session_)), timer_(std::make_unique<deadline_timer>(*this))
{
    set_read_quantum(read_bytes_a_turn);
    if (server.core().options().chaos.delay.count() > 0) {
        delay_ = std::make_unique<delay_line>(*this);
    }
    arm();
}

stomp_connection::~stomp_connection()
{
    leave();
}

void stomp_connection::write(std::string_view head, const net::payload_ref& rest)
{
    if (server_.stalled() || closing()) {
        return;
    }
    if (delay_) {
        encode(delay_->open(loop().now() + server_.core().options().chaos.delay), head, rest);
        return;
    }
    encode(out(), head, rest);
    touch();
}

std::size_t stomp_connection::unsent() const noexcept
{
    return out().size() + (delay_ ? delay_->size() : 0);
}

void stomp_connection::close(parting how)
{
    ended_ = true;
    if (server_.stalled()) {
        return;
    }
    if (how == parting::at_once) {
        close_now();
        return;
    }
    if (delay_) {
        encode_goodbye(delay_->open(loop().now() + server_.core().options().chaos.delay));
        delay_->close();
        return;
    }
    encode_goodbye(out());
    close_after_flush();
}

void stomp_connection::stall()
{
    pause_reading();
    out().clear();
    if (delay_) {
        delay_->clear();
    }
}

void stomp_connection::encode(
    net::outbox& into, std::string_view head, const net::payload_ref& rest)
{
    into.append(head);
    if (rest) {
        into.append(rest);
    }
}

void stomp_connection::encode_goodbye(net::outbox&) {}

void stomp_connection::on_bytes(std::span<char> bytes)
{
    feed({bytes.data(), bytes.size()});
}

void stomp_connection::feed(std::string_view bytes)
{
    std::size_t used = 0;
    if (carry_.empty()) {
        parse(bytes, used);
        carry_.assign(bytes.substr(used));
    } else {
        carry_.append(bytes);
        parse(carry_, used);
        carry_.erase(0, used);
    }
    if (carry_.empty() && carry_.capacity() > carry_kept_bytes_max) {
        carry_ = {};
    }
    arm();
}

void stomp_connection::parse(std::string_view bytes, std::size_t& used)
{
    broker_core& core = server_.core();
    // Not the turn's time: arrivals of two brokers are compared, and a turn may read what came
    // after it began.
    const net::time_point now = net::clock::now();
    core.on_received(session_, now);
    stomp::frame_view& frame = server_.scratch();
    while (used < bytes.size() && !ended_ && !server_.stalled()) {
        const stomp::parse_result result = parser_.parse(bytes.substr(used), limits_, frame);
        used += result.consumed;
        switch (result.status) {
        case stomp::parse_status::need_more: return;
        case stomp::parse_status::heart_beat:
        case stomp::parse_status::skipped: // a broker's only
        case stomp::parse_status::skipping: break;
        case stomp::parse_status::failed:
            core.on_fault(session_, result.error, now);
            used = bytes.size();
            return;
        case stomp::parse_status::frame:
            core.on_frame(session_, frame, now);
            if (frame.command == stomp::command::connect ||
                frame.command == stomp::command::stomp) {
                parser_.set_version(core.version(session_));
                limits_ = core.frame_limits(session_);
            }
            server_.after_frame();
            break;
        }
    }
    if (ended_) {
        used = bytes.size(); // nothing behind the last frame counts
    }
}

void stomp_connection::arm()
{
    const net::time_point next = gone_ ? net::never : server_.core().next_deadline(session_);
    // Deadlines mostly move back: the timer that fires too early looks again.
    if (next != net::never && (!timer_->armed() || next < timer_->deadline())) {
        loop().timers().arm(*timer_, next);
    }
}

void stomp_connection::on_deadline(net::time_point now)
{
    if (!server_.stalled() && !gone_) {
        server_.core().on_deadline(session_, now);
        arm();
    }
}

void stomp_connection::on_written()
{
    if (!gone_) {
        server_.core().on_writable(session_, loop().now());
    }
}

void stomp_connection::leave()
{
    if (!gone_) {
        gone_ = true;
        server_.core().on_gone(session_, loop().now());
    }
}

void stomp_connection::on_peer_fin()
{
    leave();
    if (!server_.stalled()) {
        close_after_flush();
    }
}

void stomp_connection::on_closed(boost::system::error_code)
{
    leave();
    server_.forget(*this);
}

} // namespace embedded
