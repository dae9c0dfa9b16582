#pragma once

// Who subscribes to what, and where each client's n-th message goes. Pure functions of the shape.
//
// A destination has members: each of them subscribes to it and publishes to it.
//   own      one member
//   common   `common_members` neighbours
//   queue    every n-th client; each message goes to one of the members

#include <array>
#include <cstdint>
#include <string>

namespace load {

enum class stream_kind : std::uint8_t {
    own,    // a topic of the client's own
    common, // a topic that it shares with its neighbours
    queue,  // a queue that it shares with every n-th client
};
inline constexpr std::array<stream_kind, 3> all_kinds{
    stream_kind::own, stream_kind::common, stream_kind::queue};
constexpr std::size_t index(stream_kind k) noexcept
{
    return static_cast<std::size_t>(k);
}
constexpr char letter(stream_kind k) noexcept
{
    return "osq"[index(k)];
}

enum class topic_mix : std::uint8_t {
    own,    // all to the own topic
    shared, // all to the common topic
    mixed,  // one in ten to the common topic
};

struct workload_shape {
    std::uint32_t clients = 1;
    topic_mix topics = topic_mix::own;
    std::uint32_t queues = 0;
    std::uint32_t queue_percent = 20; // of a client's messages, where there are queues
    std::uint32_t transaction_percent = 0;
    std::string run; // part of every destination: two runs never meet
};

// Place of a client among the members of one destination.
struct seat {
    std::uint32_t destination = 0, position = 0;
    bool operator==(const seat&) const = default;
};

class workload {
public:
    static constexpr std::uint32_t common_members = 20;

    explicit workload(workload_shape shape);

    const workload_shape& shape() const noexcept { return shape_; }
    std::uint32_t clients() const noexcept { return shape_.clients; }
    bool uses(stream_kind kind) const noexcept { return width(kind) != 0; }

    seat seat_of(std::uint32_t client, stream_kind kind) const noexcept;
    std::uint32_t destinations(stream_kind kind) const noexcept;
    // Members that a destination has at most; 0 when the kind is not used.
    std::uint32_t width(stream_kind kind) const noexcept { return width_[index(kind)]; }
    std::uint32_t members(stream_kind kind, std::uint32_t destination) const noexcept;
    std::uint32_t member(stream_kind kind, seat at) const noexcept;
    std::string destination_name(std::uint32_t client, stream_kind kind) const;

    // Of the client's n-th message, n from 0: spread evenly, and not at the same n for all clients.
    stream_kind kind_of(std::uint32_t client, std::uint64_t n) const noexcept;
    bool in_transaction(std::uint32_t client, std::uint64_t n) const noexcept;

private:
    workload_shape shape_;
    std::array<std::uint32_t, 3> width_{};
};

} // namespace load
