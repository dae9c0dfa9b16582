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

#include "gateway/settings/config.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace gateway::log {

// `key=value` after the text; in JSON a member of the object.
class field {
public:
    std::string_view key; // [a-z_]+, not one of time, level, text
    std::string value;
    bool number = false; // JSON: without quotes; true and false too
    field(std::string_view k, std::string_view v) : key{k}, value{v} {}
    field(std::string_view k, const std::string& v) : key{k}, value{v} {}
    field(std::string_view k, const char* v) : key{k}, value{v} {}
    template <class T>
        requires std::is_arithmetic_v<T>
    field(std::string_view k, T v) : key{k}, value{text_of(v)}, number{is_json_number(v)}
    {
    }

private:
    template <class T>
    static std::string text_of(T v)
    {
        if constexpr (std::is_same_v<T, bool>) {
            return v ? "true" : "false";
        } else {
            return std::to_string(v);
        }
    }
    // JSON has no infinity and no NaN; true and false stand without quotes as well.
    template <class T>
    static bool is_json_number(T v)
    {
        if constexpr (std::is_floating_point_v<T>) {
            return v - v == 0;
        } else {
            return true;
        }
    }
};

// May be called again: a reload changes level and format while running.
void set_up(const log_config& settings);
// Where lines go instead of stderr; for tests and for `--check`. nullptr: stderr again.
using sink = void (*)(void* context, log_level level, std::string_view line);
void set_sink(sink to, void* context);

bool enabled(log_level level) noexcept;
void line(log_level level, std::string_view text, std::initializer_list<field> fields = {});
// What a peer can cause, as often as it likes: so many of a kind, and of a kind about that peer, are
// written; the others are counted, and the count is written. `peer` may be empty.
void line_about(
    log_level level, std::string_view peer, std::string_view text,
    std::initializer_list<field> fields = {});
// An event that each shard of the process reports in the same words becomes one line.
void line_of_shard(log_level level, unsigned shard, std::string_view text);
// Who, what, from, to, epoch, result of a change; written at every level setting.
void audit(std::string_view text, std::initializer_list<field> fields);
void audit_line(std::string_view text); // as its author words it
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
    std::initializer_list<field> fields);

} // namespace gateway::log
