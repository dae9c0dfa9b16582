#include "broker/net/address_range.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstddef>
#include <string>

namespace net {

namespace {

constexpr std::string_view unix_peer = "unix";
constexpr std::size_t mapped_bytes = 12; // ::ffff:0:0/96
constexpr std::uint8_t all_bits = 128, v4_bits = 32;

struct host {
    std::array<std::uint8_t, 16> bytes{};
    bool v4 = false;
};

std::optional<host> parse_host(std::string_view text)
{
    const std::string copy{text.substr(0, text.find('%'))}; // a zone is this machine's own matter
    host parsed;
    if (::inet_pton(AF_INET, copy.c_str(), parsed.bytes.data() + mapped_bytes) == 1) {
        parsed.bytes[10] = parsed.bytes[11] = 0xFF;
        parsed.v4 = true;
        return parsed;
    }
    parsed = {};
    return ::inet_pton(AF_INET6, copy.c_str(), parsed.bytes.data()) == 1 ? std::optional{parsed}
                                                                         : std::nullopt;
}

std::string_view without_port(std::string_view peer) noexcept
{
    if (peer.starts_with('[')) {
        return peer.substr(1, peer.find(']') - 1);
    }
    const std::size_t colon = peer.find(':');
    return colon != std::string_view::npos && colon == peer.rfind(':') ? peer.substr(0, colon)
                                                                       : peer;
}

bool same_front(
    const std::array<std::uint8_t, 16>& a, const std::array<std::uint8_t, 16>& b,
    std::size_t bits) noexcept
{
    const std::size_t whole = bits / 8, rest = bits % 8;
    return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin()) &&
           (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

} // namespace

bool address_range::contains(std::string_view peer) const noexcept
{
    if (unix_socket || peer == unix_peer) {
        return unix_socket && peer == unix_peer;
    }
    const auto parsed = parse_host(without_port(peer));
    return parsed && same_front(parsed->bytes, first, bits);
}

std::optional<address_range> parse_address_range(std::string_view text)
{
    if (text == unix_peer) {
        return address_range{.unix_socket = true};
    }
    const std::size_t slash = std::min(text.find('/'), text.size());
    const auto parsed = parse_host(text.substr(0, slash));
    if (!parsed || text.substr(0, slash).find('%') != std::string_view::npos) {
        return std::nullopt;
    }
    const std::uint8_t most = parsed->v4 ? v4_bits : all_bits;
    std::uint8_t length = most;
    if (slash < text.size()) {
        const std::string_view digits = text.substr(slash + 1);
        const auto [end, failed] =
            std::from_chars(digits.data(), digits.data() + digits.size(), length);
        if (failed != std::errc{} || end != digits.data() + digits.size() || length > most) {
            return std::nullopt;
        }
    }
    address_range range{.first = parsed->bytes};
    range.bits = static_cast<std::uint8_t>(length + (all_bits - most));
    return range;
}

} // namespace net
