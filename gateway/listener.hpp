#pragma once

// One shard's part of a listener: accepts what the kernel gives to its socket.
//
// Threading:  one shard's thread.
// Limits:     at most `burst` connections a turn, so that a storm of clients does not starve those
// who are there.

#include "broker/net/readiness_loop.hpp"

#include <cstddef>

namespace gateway {

class shard;

class listener final : public net::ready_handler {
public:
    static constexpr int burst = 64;

    listener(shard& owner, int descriptor, std::size_t index);
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;
    ~listener();
    // Accepts until the queue is empty, then closes: nobody who was accepted by the kernel is
    // reset.
    void close();

private:
    void on_ready(std::uint32_t epoll_events) override;

    shard& shard_;
    int descriptor_;
    std::size_t index_;
};

} // namespace gateway
