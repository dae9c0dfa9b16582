// What each marker that is read says, and to whom. switch.md M2, M3, M6, M13.

#include "gateway/core/routing/router.hpp"

#include <charconv>

namespace gateway {

void router::on_marker(wire_subscription& w, std::string_view mark, time_point now)
{
    const std::string own = to_wire(w.id);
    if (!mark.starts_with(own)) {
        return;
    }
    mark.remove_prefix(own.size());
    if (mark.starts_with('#')) {
        fences_.on_marker(w, mark.substr(1), now);
        return;
    }
    if (mark.starts_with('=')) {
        moves_.on_marker(w.id, mark.substr(1), now);
        return;
    }
    if (mark.starts_with('*')) {
        pairing_.on_mark(w, mark.substr(1), now);
        return;
    }
    unsigned from = w.group->at.index;
    control::switch_number joins = 0;
    const bool near = !mark.starts_with('/');
    const char* const end = mark.data() + mark.size();
    std::from_chars_result read{mark.data(), std::errc{}};
    const bool other_color = mark.starts_with("/~"); // a trial's alone (P7)
    if (!near) {
        read = std::from_chars(mark.data() + 1 + other_color, end, from);
    }
    if (read.ec == std::errc{} && read.ptr != end && *read.ptr == '+') {
        read = std::from_chars(read.ptr + 1, end, joins);
    }
    if (read.ec != std::errc{} || read.ptr != end || from >= markers_max) {
        return; // not one of this gateway's
    }
    if (joins != 0) {
        w.group->last_marker = now;
    }
    if (near) {
        w.group->known.marker = broker::tried::yes;
    } else {
        const color of = other_color ? broker::other(w.color()) : w.color();
        survey_.on_marker({of, static_cast<std::uint16_t>(from)}, w.group->at, now);
    }
    if (other_color) {
        return;
    }
    seams_.on_marker(w.id, from, joins, now);
}

} // namespace gateway
