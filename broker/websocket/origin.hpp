#pragma once

// Whether a page of some origin may open a connection (RFC 6454; RFC 6455, 10.2). Browsers always
// send Origin; programs mostly do not, and are allowed without one.

#include <span>
#include <string>
#include <string_view>

namespace websocket {

// Whether `text` is host[:port] as a Host field has it.
bool is_host_and_port(std::string_view text) noexcept;

// Whether both name the same host, and the same port where the scheme's may be left out.
bool is_same_place(std::string_view a, std::string_view b, std::string_view scheme) noexcept;

// How a client sees this place.
struct seen_as {
    std::string_view host;        // host[:port], as the Host field has it
    std::string_view scheme = {}; // http, https, ws or wss; empty: not known
};

// By `allowed`. Empty: the origin's host and port must be those of `own`, and the scheme where it is
// known. A proxy that ends TLS may say the port that it asks on: one that is some web scheme's
// default is no other than the origin's default. Else one
// entry must match: "*" any; "https://*.example.com" every subdomain at any depth, not the domain
// itself; everything else but for case, where a scheme's default port may be left out. "null"
// matches "*" and "null" only.
bool origin_is_allowed(
    std::string_view origin, const seen_as& own, std::span<const std::string> allowed) noexcept;

} // namespace websocket
