#pragma once

// The events of one switch for its watchers (SSE), numbered from 1, in bounded memory. Every phase
// and report is kept, but only the newest `progress`. So a watcher that reconnects with
// Last-Event-ID misses nothing that still counts.
//
// Threading:  control thread.

#include <cstdint>
#include <string>
#include <vector>

namespace control {

struct switch_event {
    std::uint64_t sequence = 0;
    std::string name; // phase, progress, report
    std::string data; // JSON, one line
    bool operator==(const switch_event&) const = default;
};

class switch_events {
public:
    void add(std::string name, std::string data);
    std::vector<switch_event> after(std::uint64_t sequence) const;
    std::uint64_t last() const noexcept { return last_; }
    // Nothing will follow: the report is final and its drain is done.
    void end() noexcept { ended_ = true; }
    bool ended() const noexcept { return ended_; }

private:
    std::vector<switch_event> kept_; // by sequence; phases <= 9, reports <= 3, one progress
    std::uint64_t last_ = 0;
    bool ended_ = false;
};

} // namespace control
