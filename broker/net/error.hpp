#pragma once

// What this layer can say beyond the system's own error codes: addresses that cannot be read.

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>

namespace net {

enum class errc {
    address_without_port = 1, // "host"
    address_without_host,     // ":61613"
    bad_port,                 // not a number from 0 to 65535
    bad_brackets,             // "[::1", "[::1]61613"
    bare_ipv6,                // "::1:61613": where does the port begin?
    bad_path,                 // "unix:" without a path, or longer than a sockaddr_un takes
};

const boost::system::error_category& error_category() noexcept;
boost::system::error_code make_error_code(errc e) noexcept;

} // namespace net

template <>
struct boost::system::is_error_code_enum<net::errc> : std::true_type {};
