#pragma once

// The text of a marker: written and read here only. It is the value of the header `teal-marker`, within
// its seal (K2). Numbers are decimal; ID is the wire subscription that it is SENT to.
//
//   ID [/[~]INDEX] [+SWITCH]   joins the seams of that switch; without SWITCH a trial's. That one may
//                              be read long after the commit, and must not join a seam that began
//                              later (M6). INDEX: the endpoint where it is SENT, if it is another
//                              one; ~: of the other color (P7)
//   ID#NUMBER                  in front of it lies what a member that joins again has had (H17)
//   ID=NUMBER                  a move of an endpoint's sessions (M13)
//   ID*NUMBER/COLOR INDEX      one of a pair's marks (P7); COLOR is b or g
//   ^COLOR INDEX               to a link's own queue: whether both colors are one message world (P9)
//
// Threading:  functions of their arguments alone.

#include "broker/ids.hpp"
#include "control/protocol/switch_messages.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

// Endpoints of a color that markers can tell apart.
inline constexpr unsigned markers_max = 64;

struct marker_text {
    enum class kind : std::uint8_t { seam, rejoin, move, window } what = kind::seam;
    std::uint64_t number = 0;     // the switch, 0: a trial's; or the rejoining's, move's, mark's
    control::endpoint_ref from{}; // seam, window: where it is SENT; else where w is subscribed
    bool operator==(const marker_text&) const = default;
};

// `to` is subscribed at `at`.
std::string write_marker(broker::wire_id to, control::endpoint_ref at, const marker_text& text);
// nullopt: it is none of that wire subscription's.
std::optional<marker_text>
read_marker(std::string_view text, broker::wire_id to, control::endpoint_ref at) noexcept;

// P9. `from`: where it is SENT.
std::string write_backplane_mark(control::endpoint_ref from);
std::optional<control::endpoint_ref> read_backplane_mark(std::string_view text) noexcept;

} // namespace gateway
