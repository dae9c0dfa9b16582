#pragma once

// Whether a page of some origin may open a connection (RFC 6454; RFC 6455, 10.2). Browsers always
// send Origin; programs mostly do not, and are allowed without one.

#include <span>
#include <string>
#include <string_view>

namespace websocket {

// Whether `text` is host[:port] as a Host field has it.
bool is_host_and_port(std::string_view text) noexcept;

// By `allowed`. Empty: the origin's host and port must be those of `host`, the Host field. Else one
// entry must match: "*" any; "https://*.example.com" every subdomain at any depth, not the domain
// itself; everything else but for case, where a scheme's default port may be left out. "null"
// matches "*" and "null" only.
bool origin_is_allowed(
    std::string_view origin, std::string_view host, std::span<const std::string> allowed) noexcept;

} // namespace websocket
