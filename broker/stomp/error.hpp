#pragma once

// Why bytes are not STOMP.

#include <boost/system/error_code.hpp>

namespace stomp {

enum class errc {
    unknown_command = 1,  // the first line is none of STOMP's commands, or longer than any
    bad_header,           // a header line without ':' or with an empty name
    bad_escape,           // an escape that this version does not define
    bad_content_length,   // not a decimal number, or repeated with another value
    missing_nul,          // the byte behind a body of known length is not NUL
    unexpected_body,      // a body on a frame other than SEND, MESSAGE or ERROR
    frame_too_large,      // limits::frame_bytes
    too_many_headers,     // limits::header_count
    header_line_too_long, // limits::header_line_bytes
    stray_bytes,          // bytes between frames that are not EOL (a NUL, a CR without LF)
};
inline constexpr errc no_fault{};

const boost::system::error_category& error_category() noexcept;
inline boost::system::error_code make_error_code(errc e) noexcept
{
    return {static_cast<int>(e), error_category()};
}

} // namespace stomp

template <>
struct boost::system::is_error_code_enum<stomp::errc> : std::true_type {};
