#include "gateway/settings/value_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <grp.h>
#include <limits>
#include <numeric>
#include <pwd.h>
#include <utility>

namespace gateway {
namespace {

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// N and what follows it; nullopt: no number, or too large.
struct amount {
    std::uint64_t number;
    std::string_view unit;
};
std::optional<amount> split_amount(std::string_view text)
{
    amount a{};
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), a.number);
    if (ec != std::errc{}) {
        return {};
    }
    a.unit = text.substr(static_cast<std::size_t>(end - text.data()));
    return a;
}

std::optional<std::uint64_t> times(std::uint64_t a, std::uint64_t b)
{
    constexpr auto top = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return a > top / b ? std::nullopt : std::optional{a * b};
}

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    const auto n = parse_count(text);
    return n && *n <= 65'535 && text.size() <= 5 ? std::optional{static_cast<std::uint16_t>(*n)}
                                                 : std::nullopt;
}

// The highest one means "no change" to chown.
std::optional<unsigned> id_number(std::string_view text)
{
    const auto n = parse_count(text);
    return n && *n < std::numeric_limits<unsigned>::max() ? std::optional{static_cast<unsigned>(*n)}
                                                          : std::nullopt;
}

// A name, an IPv4 address, or what stands between brackets.
bool is_host(std::string_view text, bool in_brackets)
{
    return !text.empty() && text.size() <= 253 &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return is_digit(c) || is_letter(c) || c == '.' ||
                      (in_brackets ? c == ':' || c == '%' : c == '-' || c == '_');
           });
}

struct host_port {
    std::string_view host;
    std::uint16_t port;
};
std::optional<host_port> split_host_port(std::string_view text)
{
    const bool brackets = text.starts_with('[');
    const auto end = brackets ? text.find(']') : text.rfind(':');
    if (end == std::string_view::npos) {
        return {};
    }
    const auto host = brackets ? text.substr(1, end - 1) : text.substr(0, end);
    const auto rest = text.substr(end + (brackets ? 1 : 0));
    if (!is_host(host, brackets) || !rest.starts_with(':')) {
        return {};
    }
    const auto port = parse_port(rest.substr(1));
    return port ? std::optional{host_port{host, *port}} : std::nullopt;
}

} // namespace

std::optional<unsigned> parse_file_mode(std::string_view text)
{
    unsigned mode = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
    const bool octal = error == std::errc{} && end == text.data() + text.size();
    return octal && text.size() >= 3 && text.size() <= 4 && mode <= 0777 ? std::optional{mode}
                                                                         : std::nullopt;
}

std::optional<unsigned> user_number(std::string_view text)
{
    const std::string name{text};
    if (const passwd* found = ::getpwnam(name.c_str())) {
        return found->pw_uid;
    }
    return id_number(text);
}

std::optional<unsigned> group_number(std::string_view text)
{
    const std::string name{text};
    if (const group* found = ::getgrnam(name.c_str())) {
        return found->gr_gid;
    }
    return id_number(text);
}

std::optional<std::uint64_t> parse_count(std::string_view text)
{
    const auto a = split_amount(text);
    return a && a->unit.empty() ? std::optional{a->number} : std::nullopt;
}

std::optional<milliseconds> parse_duration(std::string_view text)
{
    const auto value = text == "0" ? std::optional{net::duration{}} : control::duration_from(text);
    const auto whole = std::chrono::duration_cast<milliseconds>(value.value_or(net::duration{}));
    return value && *value == whole ? std::optional{whole} : std::nullopt;
}

std::optional<std::size_t> parse_size(std::string_view text)
{
    const auto a = split_amount(text);
    if (!a) {
        return {};
    }
    if (a->unit == "B" || (a->unit.empty() && a->number == 0)) {
        return times(a->number, 1);
    }
    return a->unit == "KiB"   ? times(a->number, 1ULL << 10)
           : a->unit == "MiB" ? times(a->number, 1ULL << 20)
           : a->unit == "GiB" ? times(a->number, 1ULL << 30)
                              : std::nullopt;
}

std::optional<unsigned> parse_rate(std::string_view text)
{
    const auto a = split_amount(text);
    return a && a->unit == "/s" && a->number <= std::numeric_limits<unsigned>::max()
               ? std::optional{static_cast<unsigned>(a->number)}
               : std::nullopt;
}

std::optional<unsigned> parse_percent(std::string_view text)
{
    const auto a = split_amount(text);
    return a && a->unit == "%" && a->number <= 100 ? std::optional{static_cast<unsigned>(a->number)}
                                                   : std::nullopt;
}

std::optional<memory_mark> parse_memory_mark(std::string_view text)
{
    if (const auto percent = parse_percent(text)) {
        return *percent != 0 ? std::optional{memory_mark{0, *percent}} : std::nullopt;
    }
    const auto bytes = parse_size(text);
    return bytes && *bytes != 0 ? std::optional{memory_mark{*bytes, 0}} : std::nullopt;
}

std::optional<bind_address> parse_bind(std::string_view text)
{
    // sockaddr_un has 108 bytes for the path and its NUL (unix(7)).
    constexpr std::size_t unix_path_max = 107;
    bind_address address;
    address.text = text;
    if (text.starts_with("unix:")) {
        address.unix_path = text.substr(5);
        const bool fits = !address.unix_path.empty() && address.unix_path.size() <= unix_path_max;
        return fits && !has_control(text) ? std::optional{address} : std::nullopt;
    }
    const auto split = split_host_port(text);
    if (!split) {
        return {};
    }
    address.host = split->host;
    address.port = split->port;
    return address;
}

std::optional<endpoint_config> parse_endpoint_url(std::string_view text)
{
    static constexpr std::array schemes{
        endpoint_scheme::stomp, endpoint_scheme::stomps, endpoint_scheme::ws, endpoint_scheme::wss};
    const auto colon = text.find("://");
    const auto scheme = std::find_if(schemes.begin(), schemes.end(), [&](endpoint_scheme s) {
        return text.substr(0, colon) == to_string(s);
    });
    if (colon == std::string_view::npos || scheme == schemes.end()) {
        return {};
    }
    const auto rest = text.substr(colon + 3);
    const auto slash = std::min(rest.find('/'), rest.size());
    const auto split = split_host_port(rest.substr(0, slash));
    const auto path = rest.substr(slash);
    const bool websocket = *scheme == endpoint_scheme::ws || *scheme == endpoint_scheme::wss;
    if (!split || split->port == 0 ||
        (websocket ? !path.empty() && !is_http_path(path) : !path.empty())) {
        return {};
    }
    endpoint_config e;
    e.scheme = *scheme;
    e.host = split->host;
    e.port = split->port;
    e.path = websocket && path.empty() ? "/" : path;
    e.name = rest.substr(0, slash);
    e.url = text;
    return e;
}

bool is_origin_pattern(std::string_view text)
{
    if (text == "*" || text == "null") { // null: file:, sandboxed frames
        return true;
    }
    const auto colon = text.find("://");
    const auto scheme = text.substr(0, colon);
    if (colon == 0 || colon == std::string_view::npos || !is_letter(text.front()) ||
        !std::all_of(scheme.begin(), scheme.end(), [](char c) { // RFC 3986, 3.1
            return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
        })) {
        return false;
    }
    auto host = text.substr(colon + 3);
    if (host.empty()) { // file://
        const auto folded = lower_case(scheme);
        return folded != "http" && folded != "https";
    }
    if (host.starts_with("*.")) {
        host.remove_prefix(2);
    }
    return is_host(host, false) || split_host_port(host) ||
           (host.starts_with('[') && host.ends_with(']') &&
            is_host(host.substr(1, host.size() - 2), true));
}

bool is_header_name(std::string_view text)
{
    static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || is_letter(c) || marks.find(c) != std::string_view::npos;
    });
}

bool is_http_path(std::string_view text)
{
    return text.starts_with('/') && text.size() <= 1024 &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return c > ' ' && c < 0x7F && c != '?' && c != '#';
           });
}

bool is_endpoint_name(std::string_view text)
{
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || is_letter(c) || c == '.' || c == '_' || c == '-';
    });
}

bool has_control(std::string_view text)
{
    return std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    });
}

std::string lower_case(std::string_view text)
{
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    return out;
}

std::string text_of(milliseconds value)
{
    const auto ms = value.count();
    if (ms == 0 || ms % 1'000 != 0) {
        return std::to_string(ms) + "ms";
    }
    return ms % 3'600'000 == 0 ? std::to_string(ms / 3'600'000) + "h"
           : ms % 60'000 == 0  ? std::to_string(ms / 60'000) + "m"
                               : std::to_string(ms / 1'000) + "s";
}

std::string text_of_size(std::size_t bytes)
{
    static constexpr std::array<std::pair<unsigned, std::string_view>, 3> units{
        {{30, "GiB"}, {20, "MiB"}, {10, "KiB"}}};
    for (const auto& [bits, unit] : units) {
        if (bytes != 0 && bytes % (std::size_t{1} << bits) == 0) {
            return std::to_string(bytes >> bits) + std::string{unit};
        }
    }
    return std::to_string(bytes) + "B";
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known)
{
    constexpr std::size_t longest = 64; // a key is shorter; bounds the work for what is none
    std::string_view best;
    std::size_t best_edits = 3;
    for (const auto candidate : known) {
        if (word.size() > longest) {
            break;
        }
        std::vector<std::size_t> row(candidate.size() + 1);
        std::iota(row.begin(), row.end(), std::size_t{0});
        for (std::size_t i = 0; i < word.size(); ++i) {
            auto corner = std::exchange(row[0], i + 1);
            for (std::size_t j = 0; j < candidate.size(); ++j) {
                const auto edits = std::min(
                    {row[j + 1] + 1, row[j] + 1, corner + (word[i] == candidate[j] ? 0U : 1U)});
                corner = std::exchange(row[j + 1], edits);
            }
        }
        if (row.back() < best_edits && row.back() * 2 < candidate.size()) {
            best = candidate;
            best_edits = row.back();
        }
    }
    return best;
}

} // namespace gateway
