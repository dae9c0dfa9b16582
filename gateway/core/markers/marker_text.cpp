#include "gateway/core/markers/marker_text.hpp"

#include <charconv>

namespace gateway {

namespace {

using kind = marker_text::kind;

std::uint16_t index_of(unsigned endpoint) noexcept
{
    return static_cast<std::uint16_t>(endpoint);
}

// Takes a number from the front of `text`; false: there is none.
template <class Number>
bool take(std::string_view& text, Number& out) noexcept
{
    const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
    if (read.ec != std::errc{}) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    return true;
}

bool take(std::string_view& text, char letter) noexcept
{
    const bool there = text.starts_with(letter);
    text.remove_prefix(there ? 1 : 0);
    return there;
}

// COLOR INDEX, and nothing behind it.
std::optional<control::endpoint_ref> read_endpoint(std::string_view text) noexcept
{
    unsigned index = 0;
    const bool blue = take(text, 'b');
    if ((!blue && !take(text, 'g')) || !take(text, index) || !text.empty() ||
        index >= markers_max) {
        return std::nullopt;
    }
    return control::endpoint_ref{
        blue ? broker::color::blue : broker::color::green, index_of(index)};
}

std::optional<marker_text> read_window(std::string_view text) noexcept
{
    marker_text found{.what = kind::window};
    if (!take(text, found.number) || !take(text, '/')) {
        return std::nullopt;
    }
    const auto from = read_endpoint(text);
    if (!from) {
        return std::nullopt;
    }
    found.from = *from;
    return found;
}

std::optional<marker_text> read_seam(std::string_view text, control::endpoint_ref at) noexcept
{
    marker_text found{.from = at};
    if (take(text, '/')) {
        const bool other = take(text, '~');
        unsigned index = 0;
        if (!take(text, index)) {
            return std::nullopt;
        }
        found.from = {other ? broker::other(at.color) : at.color, index_of(index)};
        if (index >= markers_max) {
            return std::nullopt;
        }
    } else if (at.index >= markers_max) {
        return std::nullopt;
    }
    if (take(text, '+') && !take(text, found.number)) {
        return std::nullopt;
    }
    return text.empty() ? std::optional{found} : std::nullopt;
}

} // namespace

std::string write_marker(broker::wire_id to, control::endpoint_ref at, const marker_text& text)
{
    std::string out = to_wire(to);
    switch (text.what) {
    case kind::rejoin: return out + "#" + std::to_string(text.number);
    case kind::move: return out + "=" + std::to_string(text.number);
    case kind::window:
        return out + "*" + std::to_string(text.number) + "/" +
               (text.from.color == broker::color::blue ? "b" : "g") +
               std::to_string(text.from.index);
    case kind::seam: break;
    }
    if (text.from != at) {
        out += "/" + std::string{text.from.color == at.color ? "" : "~"} +
               std::to_string(text.from.index);
    }
    return text.number == 0 ? out : out + "+" + std::to_string(text.number);
}

std::optional<marker_text>
read_marker(std::string_view text, broker::wire_id to, control::endpoint_ref at) noexcept
{
    const std::string own = to_wire(to);
    if (!text.starts_with(own)) {
        return std::nullopt;
    }
    text.remove_prefix(own.size());
    if (take(text, '*')) {
        return read_window(text);
    }
    const bool rejoins = take(text, '#');
    if (rejoins || take(text, '=')) {
        marker_text found{.what = rejoins ? kind::rejoin : kind::move, .from = at};
        return take(text, found.number) && text.empty() ? std::optional{found} : std::nullopt;
    }
    return read_seam(text, at);
}

std::string write_backplane_mark(control::endpoint_ref from)
{
    return (from.color == broker::color::blue ? "^b" : "^g") + std::to_string(from.index);
}

std::optional<control::endpoint_ref> read_backplane_mark(std::string_view text) noexcept
{
    return take(text, '^') ? read_endpoint(text) : std::nullopt;
}

} // namespace gateway
