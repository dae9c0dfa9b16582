#pragma once

// Bounds the silence of a peer that has no heart-beats (`limits.idle_ping`). The peer is asked with
// a WebSocket ping, which every peer must answer (RFC 6455, 5.5.2). Any byte counts as an answer. A
// peer that stays silent for as long again is gone.
//
// Threading:  one loop's thread.

#include "broker/net/time.hpp"

#include <chrono>
#include <cstdint>

namespace websocket {

class idle_watch {
public:
    // 0: nobody is watched.
    void begin(std::chrono::milliseconds every, net::time_point now) noexcept
    {
        every_ms_ = static_cast<std::uint32_t>(every.count());
        on_received(now);
    }
    void on_received(net::time_point now) noexcept
    {
        since_ = now;
        asked_ = false;
    }
    void on_asked(net::time_point now) noexcept
    {
        since_ = now;
        asked_ = true;
    }
    // Not reading: an answer could not be heard.
    void pause() noexcept { paused_ = true; }
    void resume(net::time_point now) noexcept
    {
        paused_ = false;
        on_received(now);
    }

    net::time_point next_deadline() const noexcept
    {
        return every_ms_ == 0 || paused_ ? net::never
                                         : since_ + std::chrono::milliseconds{every_ms_};
    }
    enum class due : std::uint8_t {
        nothing,
        ask,  // a ping is to be written now (call on_asked then)
        lost, // the ping was not answered
    };
    due on_deadline(net::time_point now) const noexcept
    {
        return now < next_deadline() ? due::nothing : asked_ ? due::lost : due::ask;
    }

private:
    net::time_point since_{}; // the last byte, or the ping
    std::uint32_t every_ms_ = 0;
    bool asked_ = false;
    bool paused_ = false;
};

} // namespace websocket
