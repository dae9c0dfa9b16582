#include "broker/websocket/origin.hpp"

#include "broker/websocket/http_head.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace websocket {
namespace {

constexpr std::string_view letters_and_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

bool consists_of(std::string_view text, std::string_view marks) noexcept
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [marks](char c) {
        return letters_and_digits.find(c) != std::string_view::npos ||
               marks.find(c) != std::string_view::npos;
    });
}

struct host_and_port {
    std::string_view host; // with its brackets where it is an IPv6 address
    std::optional<std::uint16_t> port;
};

struct parsed_origin {
    std::string_view scheme;
    host_and_port place;
    bool subdomains = false; // an entry "scheme://*.host"
};

std::optional<host_and_port> parse_host_and_port(std::string_view text) noexcept
{
    host_and_port parsed;
    const bool bracketed = text.starts_with('[');
    const std::size_t host_end =
        bracketed ? text.find(']') + 1 : std::min(text.find(':'), text.size());
    parsed.host = text.substr(0, host_end); // no bracket found: npos + 1 is 0, an empty host
    if (bracketed && (host_end < 2 || !consists_of(text.substr(1, host_end - 2), ":."))) {
        return std::nullopt;
    }
    // An underscore is no host name's, but containers' names have it.
    if (!bracketed && !consists_of(parsed.host, "-._~")) {
        return std::nullopt;
    }
    std::string_view left = text.substr(host_end);
    if (left.empty()) {
        return parsed;
    }
    if (!left.starts_with(':')) {
        return std::nullopt;
    }
    left.remove_prefix(1);
    if (left.empty()) { // RFC 3986, 3.2.3: the same as no port
        return parsed;
    }
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(left.data(), left.data() + left.size(), port);
    if (failed != std::errc{} || end != left.data() + left.size()) {
        return std::nullopt;
    }
    parsed.port = port;
    return parsed;
}

enum class kind { origin, entry }; // an entry of the configuration may have "*."

std::optional<parsed_origin> parse_origin(std::string_view text, kind what) noexcept
{
    const std::size_t colon = text.find("://");
    if (colon == std::string_view::npos || !consists_of(text.substr(0, colon), "+-.")) {
        return std::nullopt;
    }
    parsed_origin parsed{.scheme = text.substr(0, colon), .place = {}};
    std::string_view place = text.substr(colon + 3);
    if (what == kind::entry && place.starts_with("*.")) {
        parsed.subdomains = true;
        place.remove_prefix(2);
    }
    const std::optional<host_and_port> found = parse_host_and_port(place);
    if (!found) {
        return std::nullopt;
    }
    parsed.place = *found;
    return parsed;
}

constexpr std::uint16_t http_port = 80, https_port = 443;

bool is_secure(std::string_view scheme) noexcept
{
    return same_but_for_case(scheme, "https") || same_but_for_case(scheme, "wss");
}

bool is_plain(std::string_view scheme) noexcept
{
    return same_but_for_case(scheme, "http") || same_but_for_case(scheme, "ws");
}

// 0: the scheme has no default port that we know.
std::uint16_t default_port(std::string_view scheme) noexcept
{
    return is_secure(scheme) ? https_port : is_plain(scheme) ? http_port : std::uint16_t{0};
}

std::uint16_t port_of(const host_and_port& place, std::string_view scheme) noexcept
{
    return place.port.value_or(default_port(scheme));
}

bool is_same_origin(const parsed_origin& from, const seen_as& own) noexcept
{
    const std::optional<host_and_port> place = parse_host_and_port(own.host);
    if (!place || !same_but_for_case(from.place.host, place->host)) {
        return false;
    }
    const bool same_scheme =
        default_port(own.scheme) != 0 && default_port(own.scheme) == default_port(from.scheme);
    if (!own.scheme.empty() && !same_scheme) {
        return false;
    }
    const std::uint16_t port = port_of(from.place, from.scheme);
    const bool ends_tls_elsewhere = port != 0 && port == default_port(from.scheme) &&
                                    (place->port == http_port || place->port == https_port);
    return ends_tls_elsewhere || port == port_of(*place, from.scheme);
}

bool is_subdomain(std::string_view host, std::string_view domain) noexcept
{
    return host.size() > domain.size() + 1 && host[host.size() - domain.size() - 1] == '.' &&
           same_but_for_case(host.substr(host.size() - domain.size()), domain);
}

bool matches(const parsed_origin& origin, const parsed_origin& entry) noexcept
{
    return same_but_for_case(origin.scheme, entry.scheme) &&
           port_of(origin.place, origin.scheme) == port_of(entry.place, entry.scheme) &&
           (entry.subdomains ? is_subdomain(origin.place.host, entry.place.host)
                             : same_but_for_case(origin.place.host, entry.place.host));
}

} // namespace

bool is_host_and_port(std::string_view text) noexcept
{
    return parse_host_and_port(text).has_value();
}

bool is_same_place(std::string_view a, std::string_view b, std::string_view scheme) noexcept
{
    const std::optional<host_and_port> one = parse_host_and_port(a), other = parse_host_and_port(b);
    return one && other && same_but_for_case(one->host, other->host) &&
           port_of(*one, scheme) == port_of(*other, scheme);
}

bool origin_is_allowed(
    std::string_view origin, const seen_as& own, std::span<const std::string> allowed) noexcept
{
    const std::optional<parsed_origin> from = parse_origin(origin, kind::origin);
    if (allowed.empty()) {
        return from && is_same_origin(*from, own);
    }
    return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& entry) {
        if (entry == "*") {
            return true;
        }
        const std::optional<parsed_origin> parsed = parse_origin(entry, kind::entry);
        // "null" and schemes without a host are compared as they are.
        return parsed ? from && matches(*from, *parsed) : same_but_for_case(entry, origin);
    });
}

} // namespace websocket
