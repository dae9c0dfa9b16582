#pragma once

// One stream, /queue/stream, as RabbitMQ has it: a log that gives each consumer what lies behind the
// place where it begins, in order, as many at a time as it asked for, and gives nothing back. Both
// doors of a shared backplane open onto the same one.

#include "tests/sim/mini_broker.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

class mini_stream {
public:
    static constexpr std::string_view destination = "/queue/stream";

    explicit mini_stream(checker& check) noexcept : checker_(check) {}

    // True: the frame was the stream's, and took effect.
    bool take(mini_broker& door, std::uint64_t channel, const stomp::frame_view& frame);
    void forget(const mini_broker& door, std::uint64_t channel); // its link is gone
    void tell_what_is_left() const;

private:
    struct consumer {
        mini_broker* door;
        std::uint64_t channel;
        std::string id;
        std::uint64_t next; // the offset that it is given next
        std::uint64_t credit;
    };

    bool begin(mini_broker& door, std::uint64_t channel, const stomp::frame_view& frame);
    bool settle(const mini_broker& door, std::uint64_t channel, std::string_view ack);
    void pump();

    checker& checker_;
    std::vector<std::string> log_;
    std::vector<consumer> consumers_;
};

} // namespace sim
