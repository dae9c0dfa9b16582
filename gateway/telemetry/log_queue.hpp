#pragma once

// Lines that wait to be written, in bounded memory. The oldest are dropped first. Audit lines have
// a bound of their own, so other lines never push them out. There are no threads here.
//
// Invariants:
// (1) The bytes of ordinary lines are at most bytes_max, those of the audit at most
//     audit_bytes_max.
// (2) Lines are taken in the order in which they were put.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace gateway::log {

class line_queue {
public:
    static constexpr std::size_t overhead = 64; // of a line: its object and its allocation

    line_queue(std::size_t bytes_max, std::size_t audit_bytes_max) noexcept
        : bytes_max_(bytes_max), audit_bytes_max_(audit_bytes_max)
    {
    }

    void put(std::string line);       // the oldest ordinary ones make room for it
    void put_audit(std::string line); // dropped only where audit_bytes_max is full of its like
    std::optional<std::string> take();

    bool empty() const noexcept { return ordinary_.empty() && audit_.empty(); }
    std::size_t bytes() const noexcept { return bytes_ + audit_bytes_; }
    // Lines that were dropped since this was asked last.
    std::uint64_t take_dropped() noexcept;

private:
    struct entry {
        std::uint64_t number;
        std::string line;
        std::size_t bytes() const noexcept { return line.size() + overhead; }
    };
    std::deque<entry> ordinary_, audit_;
    std::size_t bytes_max_, audit_bytes_max_;
    std::size_t bytes_ = 0, audit_bytes_ = 0;
    std::uint64_t last_ = 0, dropped_ = 0;
};

} // namespace gateway::log
