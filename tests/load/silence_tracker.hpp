#pragma once

// The longest gap between two deliveries to one client in a window, its two edges included.
// A client that gets nothing is silent for the whole window.
//
// Threading:  none of its own; time is passed in.

#include "broker/net/time.hpp"

#include <cstdint>
#include <vector>

namespace load {

class silence_tracker {
public:
    explicit silence_tracker(std::uint32_t clients);

    void open(net::time_point now);
    // The gap that this delivery ends; 0 outside the window.
    net::duration on_delivery(std::uint32_t client, net::time_point now) noexcept;
    void on_gone(std::uint32_t client) noexcept; // is not silent: it is disconnected
    void close(net::time_point now);

    struct summary {
        net::duration p50{0}, max{0}; // of each client's longest
        std::uint32_t client = 0;     // whose is the longest
    };
    summary summarize() const; // REQUIRES: closed

private:
    struct client_silence {
        net::time_point last{};
        net::duration longest{0};
        bool gone = false;
    };
    std::vector<client_silence> clients_;
    bool open_ = false;
};

} // namespace load
