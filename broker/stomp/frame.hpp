#pragma once

// A STOMP frame as it stands in a read buffer, and an owning copy of one.
// Source: STOMP 1.2 specification ("STOMP Frames"); 1.0 and 1.1 differ in escapes.
//
// Header names and values are *raw*: still escaped as on the wire. Forwarding copies them
// unchanged; that is sound because a link speaks exactly its clients' version. 1.0 has blanks
// around values ("destination: /queue/a" in its own examples): there find() gives the value without
// them, because that is what a 1.0 broker decides by, and `headers` keeps them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stomp {

enum class version : std::uint8_t { v10, v11, v12 };
std::string_view to_string(version v) noexcept; // "1.0", "1.1", "1.2"

enum class command : std::uint8_t {
    // Of clients:
    connect,
    stomp,
    send,
    subscribe,
    unsubscribe,
    ack,
    nack,
    begin,
    commit,
    abort,
    disconnect,
    // Of brokers:
    connected,
    message,
    receipt,
    error,
    // Of a broker that says more than STOMP has; see parser.hpp.
    unknown,
};
std::string_view to_string(command c) noexcept;
constexpr bool is_client_command(command c) noexcept
{
    return c <= command::disconnect;
}

struct header {
    std::string_view name, value; // raw
};

// Valid until the buffer it was parsed from changes. Reused: parse() clears and refills it.
struct frame_view {
    stomp::command command = stomp::command::send;
    std::vector<header> headers; // in order, repeats included; the first one counts
    std::string_view body;
    bool has_content_length = false; // and it gave the body's length
    bool trims_values = false;       // 1.0: find() does

    // Raw value of the first header of that name; what decisions are made by.
    std::optional<std::string_view> find(std::string_view name) const noexcept;
    bool has(std::string_view name) const noexcept { return find(name).has_value(); }
};

// Owns its bytes: for frames that wait, and for tests.
struct frame {
    stomp::command command = stomp::command::send;
    std::vector<std::pair<std::string, std::string>> headers; // raw
    std::string body;
    bool has_content_length = false;
    bool trims_values = false; // not part of what is equal

    frame() = default;
    explicit frame(const frame_view& view);
    // A view into this frame, valid while it is unchanged.
    frame_view view() const;
    std::optional<std::string_view> find(std::string_view name) const noexcept;
    bool operator==(const frame& other) const;
};

// Without blanks and tabs at both ends.
std::string_view trimmed(std::string_view text) noexcept;

// Escapes and unescapes one header name or value for that version ("Value Encoding"). 1.0 has no
// escapes; 1.1 has \n \c \\; 1.2 has \r too. CONNECT and CONNECTED are never escaped (pass
// version::v10). What the version cannot express (NUL; in 1.0 CR and LF) becomes a blank:
// text must never end a line or a frame.
std::string escape(std::string_view text, version v);
// nullopt: an undefined escape.
std::optional<std::string> unescape(std::string_view raw, version v);

} // namespace stomp
