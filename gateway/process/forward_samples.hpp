#pragma once

// How long one frame in 64 stays in this shard: from the turn that read it until the socket that it
// goes on to has taken it (teal_forward_duration_seconds). A frame that waits for a switch is
// measured from the moment when it is interpreted.
//
// Threading:  belongs to one shard.
// Limits:     `open_max` frames are followed at a time. Others are not measured.

#include "broker/net/time.hpp"
#include "gateway/telemetry/metrics.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace gateway {

class forward_samples {
public:
    static constexpr std::uint32_t every = 64;
    static constexpr std::size_t open_max = 32;

    // A frame is handed to the router now. over(): the router is done with it.
    void frame(direction to, net::time_point read) noexcept
    {
        if (++frames_ % every == 0 && open_.size() < open_max) {
            now_ = sample{.to = to, .read = read};
        }
    }
    void over() noexcept { now_.reset(); }
    // Whether what is written now, in that direction, is the frame that is measured.
    bool wanted(direction to) const noexcept { return now_ && now_->to == to; }
    // It was appended to a socket's outbox, and ends there: all that was ever appended is `until`.
    void appended(std::uint64_t owner, std::uint64_t until)
    {
        now_->owner = owner;
        now_->until = until;
        open_.push_back(*now_);
        now_.reset();
    }
    bool empty() const noexcept { return open_.empty(); }

    // Looks what was taken meanwhile. `written(to, owner)`: all bytes that the socket of that session
    // (out) or link (in) has taken; nullopt: it is gone.
    template <class Written>
    void
    settle(by<direction, histogram<forward_bounds>>& into, net::time_point now, Written written)
    {
        std::erase_if(open_, [&](const sample& one) {
            const std::optional<std::uint64_t> taken = written(one.to, one.owner);
            if (taken && *taken >= one.until) {
                into[one.to].observe(now - one.read);
            }
            return !taken || *taken >= one.until;
        });
    }

private:
    struct sample {
        direction to;
        net::time_point read;
        std::uint64_t owner = 0, until = 0;
    };
    std::uint32_t frames_ = 0;
    std::optional<sample> now_;
    std::vector<sample> open_;
};

} // namespace gateway
