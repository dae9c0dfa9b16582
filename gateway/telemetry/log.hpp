#pragma once

// The process's log: one line per event, as text or as JSON, on stderr.
//
// Threading:  every function may be called from any thread. A line is written whole.
// Lifetime:   works before set_up() (text, info) and until the process ends. Between start() and
//             stop() a thread of its own writes, and no other thread waits for the reader. Lines
//             that are not read in time are dropped, the oldest first, and counted.
// Invariants:
// (1) An event is one line. Control characters in texts and values are escaped, so that a peer who
//     names a destination or a login can neither forge a line nor drive a terminal.

#include "control/protocol/log_sink.hpp"
#include "gateway/settings/config.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::log {

using control::log_field;

// The fields of a line: a list in braces, or those that somebody else has made.
class fields {
public:
    fields() noexcept = default;
    fields(std::initializer_list<log_field> list) noexcept { all_ = {list.begin(), list.size()}; }
    fields(const std::vector<log_field>& list) noexcept : all_(list) {}
    auto begin() const noexcept { return all_.begin(); }
    auto end() const noexcept { return all_.end(); }

private:
    std::span<const log_field> all_;
};

// May be called again: a reload changes level and format while running.
void set_up(const log_config& settings);
// Where lines go instead of stderr; for tests and for `--check`. nullptr: stderr again.
using sink = void (*)(void* context, log_level level, std::string_view line);
void set_sink(sink to, void* context);

bool enabled(log_level level) noexcept;
void line(log_level level, std::string_view text, const fields& with = {});
// What a peer can cause, as often as it likes: so many of a kind, and of a kind about that peer, are
// written; the others are counted, and the count is written. `peer` may be empty.
void line_about(
    log_level level, std::string_view peer, std::string_view text, const fields& with = {});
// An event that each shard of the process reports in the same words becomes one line.
void line_of_shard(log_level level, unsigned shard, std::string_view text);
// Who, what, from, to, epoch, result of a change; written at every level setting.
void audit(std::string_view text, const fields& with);
void start();
void stop(std::chrono::milliseconds most);
void flush(); // at most a second

std::uint64_t dropped() noexcept;      // teal_log_dropped_total
std::uint64_t suppressed() noexcept;   // teal_log_suppressed_total
std::uint64_t queued_bytes() noexcept; // in limits.buffered_total

// Lines written since the start, by level (teal_log_messages_total).
std::array<std::uint64_t, 4> counts() noexcept;

// One line in that format, without its newline, as line() writes it. `time` is RFC 3339.
std::string render(
    log_format format, std::string_view time, std::string_view level, std::string_view text,
    const fields& with);

} // namespace gateway::log
