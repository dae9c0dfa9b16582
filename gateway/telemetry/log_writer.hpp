#pragma once

// The thread that writes the log's lines, so that no other thread waits for the reader of the log.
//
// Threading:  put() may be called from any thread. It never waits for the reader.
// Lifetime:   stop() gives the thread some time to write what is queued. A thread that is stuck in
//             write() is left behind with everything it refers to, and the process ends all the
//             same.
// Errors:     lines that cannot be written (a full disk, a reader that is gone, no descriptor) are
//             counted as dropped. Each new line is tried again.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace gateway::log {

class writer {
public:
    struct settings {
        int descriptor = 2;
        std::size_t bytes_max = 1024 * 1024;
        std::size_t audit_bytes_max = 4 * 1024 * 1024;
        // Asked about once a second, and where lines were dropped: further lines to write.
        std::string (*notes)(std::uint64_t dropped) = nullptr;
    };
    explicit writer(settings how);
    ~writer(); // stop(), with no time at all

    void put(std::string line, bool audit);
    // Until all that was put is written, at most for so long.
    void flush(std::chrono::milliseconds most);
    void stop(std::chrono::milliseconds most);

    std::uint64_t dropped() const noexcept;
    std::uint64_t bytes() const noexcept; // queued now

private:
    struct shared;
    std::shared_ptr<shared> shared_;
};

} // namespace gateway::log
