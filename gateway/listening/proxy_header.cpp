#include "gateway/listening/proxy_header.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <optional>

namespace gateway {

namespace {

using outcome = proxy_header::outcome;

constexpr std::string_view v1_begin = "PROXY ";
constexpr std::size_t v1_bytes_max = 107; // with CR LF
constexpr std::string_view v2_begin{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t v2_fixed_bytes = 16;
constexpr std::size_t v4_bytes = 4, v6_bytes = 16, unix_path_bytes = 108;

proxy_header failed(std::string_view why)
{
    return {.came = outcome::failed, .why = why};
}

proxy_header malformed()
{
    return failed("is malformed");
}

// What inet_ntop says is the one form of an address: another spelling is no other client.
std::optional<std::string> host_of(int family, const void* binary)
{
    char text[INET6_ADDRSTRLEN] = {};
    if (::inet_ntop(family, binary, text, sizeof(text)) == nullptr) {
        return std::nullopt;
    }
    return family == AF_INET6 ? "[" + std::string{text} + "]" : std::string{text};
}

std::optional<std::string> host_of(int family, std::string_view written)
{
    if (written.find('\0') != std::string_view::npos) { // where inet_pton would end
        return std::nullopt;
    }
    std::array<unsigned char, v6_bytes> binary{};
    const std::string copy{written};
    return ::inet_pton(family, copy.c_str(), binary.data()) == 1 ? host_of(family, binary.data())
                                                                 : std::nullopt;
}

std::optional<std::uint16_t> port_of(std::string_view written)
{
    std::uint16_t port = 0;
    const auto [end, error] =
        std::from_chars(written.data(), written.data() + written.size(), port);
    const bool plain = !written.empty() && (written.size() == 1 || written.front() != '0');
    return plain && error == std::errc{} && end == written.data() + written.size()
               ? std::optional{port}
               : std::nullopt;
}

// ---- version 1: PROXY TCP4 SOURCE DESTINATION PORT PORT CR LF

// The line without CR LF.
proxy_header parse_line(std::string_view line)
{
    std::array<std::string_view, 6> words;
    std::size_t count = 0;
    for (std::string_view rest = line; count < words.size(); ++count) {
        const std::size_t space = rest.find(' ');
        words[count] = rest.substr(0, space);
        if (space == std::string_view::npos) {
            ++count;
            break;
        }
        rest.remove_prefix(space + 1);
        if (count + 1 == words.size()) { // a seventh word
            count = words.size() + 1;
            break;
        }
    }
    proxy_header header{.came = outcome::whole, .size = line.size() + 2};
    if (count >= 2 && words[1] == "UNKNOWN") { // 2.1: whatever follows is not looked at
        return header;
    }
    const int family = words[1] == "TCP4" ? AF_INET : words[1] == "TCP6" ? AF_INET6 : AF_UNSPEC;
    if (count != words.size() || family == AF_UNSPEC) {
        return malformed();
    }
    const auto source = host_of(family, words[2]), destination = host_of(family, words[3]);
    const auto port = port_of(words[4]), destination_port = port_of(words[5]);
    if (!source || !destination || !port || !destination_port) {
        return malformed();
    }
    header.source = *source + ":" + std::to_string(*port);
    return header;
}

proxy_header parse_v1(std::string_view bytes)
{
    const std::size_t line_end = bytes.substr(0, v1_bytes_max).find('\n');
    if (line_end == std::string_view::npos) {
        return bytes.size() < v1_bytes_max ? proxy_header{} : failed("has no end");
    }
    if (bytes[line_end - 1] != '\r') {
        return malformed();
    }
    return parse_line(bytes.substr(0, line_end - 1));
}

// ---- version 2

std::size_t byte_at(std::string_view bytes, std::size_t at) noexcept
{
    return static_cast<unsigned char>(bytes[at]);
}

// The addresses, of which `source` is the first. `length` bytes are behind the fixed part; more than
// the addresses are TLVs, which say nothing that is needed here.
proxy_header with_addresses(std::string_view behind, std::size_t family, bool stream)
{
    proxy_header header{.came = outcome::whole, .size = v2_fixed_bytes + behind.size()};
    const std::size_t address_bytes = family == 1 ? v4_bytes : family == 2 ? v6_bytes : 0;
    if (family == 3) {
        if (behind.size() < 2 * unix_path_bytes) {
            return malformed();
        }
        header.source = stream ? "unix" : "";
        return header;
    }
    if (address_bytes == 0) { // UNSPEC
        return header;
    }
    if (behind.size() < 2 * address_bytes + 4) {
        return malformed();
    }
    const auto host = host_of(family == 1 ? AF_INET : AF_INET6, behind.data());
    const std::size_t port_at = 2 * address_bytes;
    const std::size_t port = byte_at(behind, port_at) << 8 | byte_at(behind, port_at + 1);
    if (host && stream) {
        header.source = *host + ":" + std::to_string(port);
    }
    return header;
}

proxy_header parse_v2(std::string_view bytes)
{
    constexpr std::size_t local = 0, proxied = 1, families = 4, transports = 3,
                          transport_stream = 1;
    if (bytes.size() > v2_begin.size()) {
        const std::size_t version = byte_at(bytes, 12) >> 4, command = byte_at(bytes, 12) & 0xF;
        if (version != 2 || command > proxied) {
            return malformed();
        }
    }
    if (bytes.size() < v2_fixed_bytes) {
        return {};
    }
    const std::size_t length = byte_at(bytes, 14) << 8 | byte_at(bytes, 15);
    const std::size_t size = v2_fixed_bytes + length;
    if (size > proxy_header_bytes_max) {
        return failed("is too long");
    }
    if ((byte_at(bytes, 12) & 0xF) == local) { // the proxy's own connection, a health check say
        return bytes.size() < size ? proxy_header{}
                                   : proxy_header{.came = outcome::whole, .size = size};
    }
    const std::size_t family = byte_at(bytes, 13) >> 4, kind = byte_at(bytes, 13) & 0xF;
    if (family >= families || kind >= transports) {
        return malformed();
    }
    if (bytes.size() < size) {
        return {};
    }
    return with_addresses(bytes.substr(v2_fixed_bytes, length), family, kind == transport_stream);
}

bool begins_as(std::string_view bytes, std::string_view begin) noexcept
{
    const std::size_t both = std::min(bytes.size(), begin.size());
    return bytes.substr(0, both) == begin.substr(0, both);
}

} // namespace

proxy_header parse_proxy_header(std::string_view bytes, proxy_versions taken)
{
    if (taken != proxy_versions::v2 && begins_as(bytes, v1_begin)) {
        return bytes.size() < v1_begin.size() ? proxy_header{} : parse_v1(bytes);
    }
    if (taken != proxy_versions::v1 && begins_as(bytes, v2_begin)) {
        return bytes.size() < v2_begin.size() ? proxy_header{} : parse_v2(bytes);
    }
    return failed("is missing");
}

} // namespace gateway
