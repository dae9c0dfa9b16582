#include "tests/sim/network.hpp"

#include <algorithm>

namespace sim {

void pipe::write(std::string_view bytes)
{
    appended_ += bytes.size();
    if (dead_ || finish_wanted_) {
        return;
    }
    outbox_ += bytes;
    network_.touch(*this);
}

void pipe::finish()
{
    finish_wanted_ = true;
    network_.touch(*this);
}

void pipe::drop_unsent()
{
    outbox_.clear();
}

void pipe::took()
{
    if (!outbox_.empty()) {
        network_.touch(*this);
    }
}

void pipe::take_into(std::string& buffer)
{
    buffer += unread;
    unread.clear();
    took();
}

void pipe::orphan()
{
    on_bytes = nullptr;
    on_end = nullptr;
    reading = true;
    unread.clear(); // nobody takes it, and the window opens all the same
    took();
}

void pipe::flush()
{
    dirty_ = false;
    if (dead_) {
        return;
    }
    if (by_gateway_ && network_.gateway_stopped_) {
        network_.held_.push_back(shared_from_this());
        return;
    }
    bool sent = false;
    while (!outbox_.empty()) {
        const std::size_t used = in_flight_ + unread.size();
        if (used >= network_.window_) {
            break;
        }
        std::size_t n = std::min(outbox_.size(), network_.window_ - used);
        if (n > 1 && random().chance(30)) {
            n = static_cast<std::size_t>(random().between(1, n));
        }
        send(outbox_.substr(0, n));
        outbox_.erase(0, n);
        written_ += n;
        sent = true;
    }
    if (finish_wanted_ && !finish_sent_ && outbox_.empty()) {
        finish_sent_ = true;
        network_.when_.at(arrival(), [self = shared_from_this()] { self->arrive_end(false); });
    }
    if (sent && on_sent) {
        on_sent();
    }
}

time_point pipe::arrival()
{
    last_arrival_ = std::max(
        {last_arrival_, network_.when_.now() + network_.latency(random()), stalled_until_});
    return last_arrival_;
}

random_source& pipe::random() noexcept
{
    return network_.apart_ ? random_ : network_.random_;
}

void pipe::send(std::string chunk)
{
    in_flight_ += chunk.size();
    flight_.push_back(std::move(chunk));
    network_.when_.at(arrival(), [self = shared_from_this()] { self->arrive(); });
}

void pipe::arrive()
{
    if (flight_.empty()) {
        return; // cut
    }
    const std::string chunk = std::move(flight_.front());
    flight_.pop_front();
    in_flight_ -= chunk.size();
    if (on_bytes == nullptr) {
        took(); // nobody reads there any more
        return;
    }
    unread += chunk;
    if (reading) {
        on_bytes();
    }
}

void pipe::arrive_end(bool reset)
{
    if (ended) {
        return;
    }
    ended = true;
    if (reset) {
        unread.clear();
    }
    if (on_end) {
        on_end(reset);
    }
}

void pipe::cut(bool deliver)
{
    if (dead_) {
        return;
    }
    dead_ = true;
    outbox_.clear();
    if (!deliver) {
        flight_.clear();
        in_flight_ = 0;
    }
    const bool reset = !deliver;
    network_.when_.at(arrival(), [self = shared_from_this(), reset] { self->arrive_end(reset); });
}

network::network(scheduler& when, std::uint64_t seed)
    : when_(when), random_(seed, 0x6e6574), seed_(seed)
{
    window_ = static_cast<std::size_t>(random_.one_of(std::vector<int>{700, 4096, 65536}));
    latency_max_us_ = static_cast<std::uint64_t>(random_.one_of(std::vector<int>{60, 400, 3000}));
}

connection_ref network::connect()
{
    auto made = std::make_shared<connection>();
    const auto own = [this] { return random_source{seed_, 800'000 + ++pipes_}; };
    made->to_gateway = std::make_shared<pipe>(*this, own());
    made->to_other = std::make_shared<pipe>(*this, own());
    made->to_other->by_gateway_ = true;
    return made;
}

net::duration network::latency(random_source& random)
{
    if (random.chance(1)) {
        return std::min<net::duration>(random.milliseconds(5, 40), lost_packet_);
    }
    return random.microseconds(20, latency_max_us_);
}

void network::touch(pipe& which)
{
    if (!which.dirty_) {
        which.dirty_ = true;
        dirty_.push_back(which.shared_from_this());
    }
}

void network::stop_gateway(bool on)
{
    gateway_stopped_ = on;
    for (const auto& one : std::exchange(held_, {})) {
        touch(*one);
    }
}

bool network::flush_dirty()
{
    if (dirty_.empty()) {
        return false;
    }
    for (const auto& one : std::exchange(dirty_, {})) {
        one->flush();
    }
    return true;
}

} // namespace sim
