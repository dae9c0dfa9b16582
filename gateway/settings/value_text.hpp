#pragma once

// The values of the configuration as text: units, addresses, URLs. Pure functions. An empty result
// means that the text is not such a value, and the caller says what is allowed.
//
// Source:     contract.md "All keys". Units: ms s m h; B KiB MiB GiB; N/s; N%.

#include "gateway/settings/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

std::optional<std::uint64_t> parse_count(std::string_view text); // decimal digits only
std::optional<milliseconds>
parse_duration(std::string_view text); // "500ms", "1.5s", "5m", "1h", "0"; whole milliseconds
std::optional<std::size_t> parse_size(std::string_view text); // "64KiB", "512B", "0"
std::optional<unsigned> parse_rate(std::string_view text);    // "500/s"
std::optional<unsigned> parse_percent(std::string_view text); // "25%", 0 to 100
std::optional<memory_mark> parse_memory_mark(std::string_view text); // a size, or a percentage
std::optional<bind_address> parse_bind(std::string_view text); // HOST:PORT, [V6]:PORT, unix:PATH
std::optional<unsigned> parse_file_mode(std::string_view text); // "0660", "660": octal, rwxrwxrwx
std::optional<unsigned>
user_number(std::string_view text); // a name that the system knows, or digits
std::optional<unsigned> group_number(std::string_view text);
// Fills scheme, host, port, path, url, and name as "H:P".
std::optional<endpoint_config> parse_endpoint_url(std::string_view text);

bool is_origin_pattern(
    std::string_view text); // "*", "null", https://example.com, https://*.example.com:8443, file://
bool is_header_name(std::string_view text); // a token (RFC 9110, 5.6.2)
bool is_http_path(std::string_view text);   // "/..." without query, fragment, space or control
bool is_endpoint_name(std::string_view text); // [A-Za-z0-9._-]{1,64}
bool has_control(std::string_view text);      // a byte below 20 hex, or 7F

std::string lower_case(std::string_view text); // of ASCII letters

std::string text_of(milliseconds value);     // as parse_duration() takes it
std::string text_of_size(std::size_t bytes); // as parse_size() takes it

// The word that was meant: at most two edits away, and fewer than half of its letters. Empty: none
// is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

} // namespace gateway
