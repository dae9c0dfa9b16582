// How much of what a client sent is kept, and what of it is charged to limits.buffered_total.

#include "gateway/process/client_connection.hpp"
#include "gateway/process/shard.hpp"

#include <algorithm>

namespace gateway {

namespace {

constexpr std::size_t step = 1024;             // by which a stranger's buffer grows
constexpr std::size_t read_min = 256;          // one read of a stranger that has used its room up
constexpr std::size_t kept_room_max = 16 * 1024; // of a buffer that is nearly empty

} // namespace

client_connection::~client_connection()
{
    auto& budget = shard_.core().budget();
    budget.settle(held_kind::client_input, charged_input_, 0);
    budget.settle(held_kind::client_outbox, charged_outbox_, 0);
}

void client_connection::account() noexcept
{
    auto& budget = shard_.core().budget();
    budget.settle(held_kind::client_input, charged_input_, held_input());
    budget.settle(held_kind::client_outbox, charged_outbox_, out().held());
}

// The room for the frame and the bytes after it, beside the CONNECT and the handshake headers that
// the session keeps. A sixteenth is left for the objects and for what is written.
std::size_t client_connection::room_before_connect() const noexcept
{
    const std::size_t most = shard_.settings().limits.frame_before_connect;
    const std::size_t used = most / 16 + shard_.core().said_by(session_);
    return most - std::min(most, used);
}

// std::string doubles, and thousands of strangers may stand here: theirs grows by little.
void client_connection::keep(std::string_view more)
{
    const std::size_t wanted = partial_.size() + more.size();
    if (!connected_ && wanted > partial_.capacity()) {
        std::string grown;
        grown.reserve((wanted + step - 1) / step * step);
        grown.append(partial_);
        partial_ = std::move(grown);
    }
    partial_.append(more);
}

void client_connection::drop_input() noexcept
{
    std::string{}.swap(partial_); // `= {}` would keep the room
    kinds_.restart(false);
}

// A frame of known length may be larger than the carry; what is not wanted may not.
bool client_connection::carry_is_full() const noexcept
{
    const std::size_t carry = shard_.settings().limits.client_carry;
    return !partial_.empty() &&
           partial_.size() + kinds_.weight() >= (connected_ ? carry : std::min(carry, room_before_connect())) &&
           !shard_.core().wants_client(session_);
}

void client_connection::let_go_of_room()
{
    const std::size_t room = partial_.capacity();
    if (partial_.empty() ? room > step : room > kept_room_max && room > 4 * partial_.size()) {
        std::string fitting{partial_};
        partial_.swap(fitting);
    }
}

// Before its CONNECTED: the less room is left, the less is read at once.
void client_connection::bound_input()
{
    if (!connected_) {
        const std::size_t room = room_before_connect();
        const std::size_t left = room - std::min(room, partial_.size());
        set_read_quantum(std::clamp(left, read_min, read_quantum_max));
    }
}

// A client that has gone, and of which not everything is read, would be held until park_timeout. It
// may be in this state for a while and is then closed, except from hold to commit (S14).
void client_connection::judge_pile(net::time_point now)
{
    if (reading() || !carry_is_full()) {
        return;
    }
    if (!shard_.core().may_close_for_memory()) {
        loop().timers().arm(*this, now + std::chrono::seconds{1});
        return;
    }
    shard_.core().on_client_fault(
        session_, "too much before CONNECTED (limits.frame_before_connect)", now);
}

void client_connection::stop_for_memory(bool on)
{
    if (on == stopped_ || closing()) {
        return;
    }
    stopped_ = on;
    if (on && reading()) {
        stop_reading();
        ++shard_.counters().backpressure_pauses[side::client];
    } else if (!on && !reading() && !carry_is_full() && !waits_for_turn()) {
        go_on_reading(loop().now());
    }
}

void client_connection::cut()
{
    out().clear();
    drop_input();
    account();
    close_now();
}

} // namespace gateway
