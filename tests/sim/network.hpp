#pragma once

// Connections of the simulated world: bytes in order, late, in pieces of any size, through a
// bounded window; stalled or cut when the world says so.
//
// Lifetime:   shared by both ends and by the events under way.

#include "tests/sim/random.hpp"
#include "tests/sim/scheduler.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

class network;

// One direction of a connection.
class pipe : public std::enable_shared_from_this<pipe> {
public:
    pipe(network& in, random_source own) noexcept : network_(in), random_(own) {}

    // ---- the writer's end
    void write(std::string_view bytes);
    void finish();      // FIN behind what was written
    void drop_unsent(); // what did not leave the writer's process is lost
    std::size_t waiting() const noexcept { return outbox_.size(); } // in the writer's outbox
    bool flushed() const noexcept { return outbox_.empty() && in_flight_ == 0; }
    std::uint64_t appended() const noexcept { return appended_; }
    std::uint64_t written() const noexcept { return written_; }

    // ---- the reader's end
    std::string unread;
    bool reading = true;
    bool ended = false;                  // FIN or reset came; `unread` may still hold something
    void took();                         // the reader has taken bytes away: the window opens
    void take_into(std::string& buffer); // all of them

    std::function<void()> on_bytes;         // reader: `unread` grew while `reading`
    std::function<void(bool reset)> on_end; // reader
    std::function<void()> on_sent;          // writer: bytes left its outbox

    // ---- faults
    void stall(time_point until) noexcept { stalled_until_ = std::max(stalled_until_, until); }
    // The end of all: what is under way arrives first or is lost.
    void cut(bool deliver);
    // The reader is gone: nothing is called any more.
    void orphan();

    void flush();

private:
    void send(std::string chunk);
    void arrive();
    void arrive_end(bool reset);
    time_point arrival();

    random_source& random() noexcept;

    network& network_;
    random_source random_; // of an `apart` network
    std::string outbox_;
    std::deque<std::string> flight_;
    std::size_t in_flight_ = 0;
    std::uint64_t appended_ = 0, written_ = 0;
    time_point last_arrival_{}, stalled_until_{};
    bool finish_wanted_ = false, finish_sent_ = false, dead_ = false, dirty_ = false;
    bool by_gateway_ = false; // the writer
    friend class network;
};

struct connection {
    std::shared_ptr<pipe> to_gateway, to_other;
    void stall(time_point until)
    {
        to_gateway->stall(until);
        to_other->stall(until);
    }
    void cut(bool deliver)
    {
        to_gateway->cut(deliver);
        to_other->cut(deliver);
    }
};
using connection_ref = std::shared_ptr<connection>;

// What a world says of heart-beats; 0: none are asked for.
struct heart_beats {
    bool on = false; // their clocks run
    net::duration client{}, broker{};
    bool may_stand_still = false; // little is carried for a client: its clock may be stopped
};

class network {
public:
    network(scheduler& when, std::uint64_t seed);
    // A world with heart-beats: two lost packets in a row are not yet a peer that is silent.
    void lose_packets_briefly() noexcept { lost_packet_ = std::chrono::milliseconds{20}; }
    // Each pipe draws what becomes of its bytes by itself, so that the order in which several are
    // written to within one turn changes nothing for any of them.
    void keep_apart() noexcept { apart_ = true; }

    connection_ref connect();
    // End of a turn: what was written leaves, as far as the window allows. False: nothing was to be
    // done.
    bool flush_dirty();
    // The gateway's process does not run: nothing leaves its outboxes.
    void stop_gateway(bool on);
    net::duration latency() { return latency(random_); }

private:
    net::duration latency(random_source& random);
    friend class pipe;
    void touch(pipe& which);

    scheduler& when_;
    random_source random_;
    std::uint64_t seed_;
    std::uint64_t pipes_ = 0;
    bool apart_ = false;
    std::size_t window_;
    std::uint64_t latency_max_us_;
    net::duration lost_packet_ = std::chrono::milliseconds{40}; // what one costs at most
    bool gateway_stopped_ = false;
    std::vector<std::shared_ptr<pipe>> dirty_, held_;
};

} // namespace sim
