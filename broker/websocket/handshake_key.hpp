#pragma once

// Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455, 4.1 and 4.2.2).

#include <string>
#include <string_view>

namespace websocket {

// Base64 of 16 random bytes.
std::string new_handshake_key();
// Whether it has the form of base64 of 16 bytes.
bool is_handshake_key(std::string_view text) noexcept;
// What the server must answer to that key.
std::string accept_value(std::string_view key);

} // namespace websocket
