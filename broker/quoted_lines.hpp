#pragma once

// Finds the header line of a frame that the text of an ERROR quotes. RabbitMQ puts the wrong value
// between quotes: "'/a/b' is not a valid topic destination", "invalid expiration 'soon'", "no
// exchange 'nosuch' in vhost '/'" (docs/brokers.md, ERRORs of RabbitMQ).
//
// A hostile client may have written the quoted value. A value with quotes, escapes or bytes that a
// broker may print differently therefore counts as quoted wherever a part of it is. So it never
// points at a neighbour alone.

#include <optional>
#include <string>
#include <string_view>

namespace broker {

struct header_line {
    std::string name, value; // raw; no name: a line that was not kept
    bool prefix = false;     // of a destination: whatever begins so, as its exchange was quoted
    bool operator==(const header_line&) const = default;
};

class quoted_lines {
public:
    explicit quoted_lines(std::string text);

    // The first line of `head` (command line, header lines) whose value is quoted.
    std::optional<header_line> value_in(std::string_view head) const;
    // Or whose name is, which says less: neighbours may have that header as well.
    std::optional<header_line> name_in(std::string_view head) const;
    // The text quotes something at all.
    bool any() const noexcept { return !region_.empty(); }

private:
    bool quoted(std::string_view value) const;
    bool touches(std::string_view value) const;
    std::optional<header_line> destination(std::string_view value) const;

    std::string text_;
    std::string region_; // between its first and its last quote
    std::string type_;   // of destinations, where it says one: "not a valid topic destination"
};

} // namespace broker
