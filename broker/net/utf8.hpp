#pragma once

// Whether bytes are valid UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above
// U+10FFFF. Pure.

#include <string_view>

namespace net {

bool is_utf8(std::string_view bytes) noexcept;

} // namespace net
