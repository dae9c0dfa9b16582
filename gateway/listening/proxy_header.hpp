#pragma once

// The header that a proxy writes in front of a client's bytes to say who the client is: the PROXY
// protocol, version 1 (a line) and 2 (binary). Source: HAProxy's doc/proxy-protocol.txt, sections
// 2.1 and 2.2. No I/O: the caller keeps the bytes until the header is whole.
//
// Limits:     a version 1 line has at most 107 bytes (2.1). Of version 2 the part behind the fixed
//             16 bytes may say 65535; proxy_header_bytes_max is what any proxy comes near to (an
//             IPv6 address, a name of 255, a unique id of 128 and the TLS fields make 600).
// Invariants:
// (1) The outcome depends on the bytes and not on how they were split.
// (2) Bytes that cannot become a header any more fail at once, so that nobody waits for them.

#include "gateway/settings/config.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gateway {

inline constexpr std::size_t proxy_header_bytes_max = 1024;

struct proxy_header {
    enum class outcome : std::uint8_t {
        unfinished, // more bytes are needed
        whole,      // the first `size` bytes are the header
        failed,     // `why`
    };
    outcome came = outcome::unfinished;
    std::size_t size = 0;
    // The client, as net::peer_address() writes it: "203.0.113.7:40112", "[2001:db8::7]:40112",
    // "unix". Empty: the header says none (UNKNOWN, UNSPEC, LOCAL): the connection is the proxy's
    // own, or all that is known is its address.
    std::string source;
    std::string_view why; // a sentence's end: "is malformed"
};

// `taken` is not `none`.
proxy_header parse_proxy_header(std::string_view bytes, proxy_versions taken);

} // namespace gateway
