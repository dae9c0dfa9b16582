#include "broker/net/error.hpp"
#include "broker/net/socket.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <sys/un.h>
#include <utility>

namespace net {

namespace {

using host_and_port = std::pair<std::string_view, std::string_view>;

constexpr std::string_view unix_prefix = "unix:";
constexpr std::size_t path_max = sizeof(sockaddr_un::sun_path) - 1;

// "[v6]:port", RFC 3986 section 3.2.2.
boost::system::result<host_and_port> split_brackets(std::string_view text)
{
    const auto close = text.find(']');
    if (close == std::string_view::npos || close == 1) {
        return make_error_code(errc::bad_brackets);
    }
    const std::string_view rest = text.substr(close + 1);
    if (rest.empty()) {
        return make_error_code(errc::address_without_port);
    }
    if (rest.front() != ':') {
        return make_error_code(errc::bad_brackets);
    }
    return host_and_port{text.substr(1, close - 1), rest.substr(1)};
}

boost::system::result<host_and_port> split_plain(std::string_view text)
{
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
        return make_error_code(errc::address_without_port);
    }
    if (text.find(':', colon + 1) != std::string_view::npos) {
        return make_error_code(errc::bare_ipv6);
    }
    return host_and_port{text.substr(0, colon), text.substr(colon + 1)};
}

} // namespace

std::string address::text() const
{
    if (is_unix()) {
        return std::string{unix_prefix} + path;
    }
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool address::is_loopback() const noexcept
{
    in_addr v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    return is_unix() || host == "::1" || host == "localhost";
}

boost::system::result<address> parse_address(std::string_view text)
{
    address parsed;
    if (text.starts_with(unix_prefix)) {
        parsed.path = text.substr(unix_prefix.size());
        if (parsed.path.empty() || parsed.path.size() > path_max) {
            return make_error_code(errc::bad_path);
        }
        return parsed;
    }
    const auto split = text.starts_with('[') ? split_brackets(text) : split_plain(text);
    if (!split) {
        return split.error();
    }
    const auto [host, port] = *split;
    if (host.empty()) {
        return make_error_code(errc::address_without_host);
    }
    parsed.host = host;
    const char* const port_end = port.data() + port.size();
    const auto [end, failed] = std::from_chars(port.data(), port_end, parsed.port);
    if (failed != std::errc{} || end != port_end) {
        return make_error_code(errc::bad_port);
    }
    return parsed;
}

} // namespace net
