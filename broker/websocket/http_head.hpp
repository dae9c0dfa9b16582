#pragma once

// One HTTP/1.1 head, parsed by Beast, with guards against what Beast 1.81 lets through (design.md
// section 11). Only the .cpp file of this header includes Beast in this folder.

#include <boost/system/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace websocket {

struct http_head {
    std::string method, target;                              // of a request
    int status = 0;                                          // of a response
    bool http_1_0 = false;                                   // of a request, where it may be
    std::vector<std::pair<std::string, std::string>> fields; // as they came, repeats included

    std::size_t count(std::string_view name) const noexcept;
    // Value of the first field of that name.
    std::optional<std::string_view> find(std::string_view name) const noexcept;
    // Items of all fields of that name, which are comma-separated lists (RFC 9110, 5.6.1); empty
    // items left out.
    std::vector<std::string_view> items(std::string_view name) const;
    // Whether one item equals `token` but for case.
    bool lists(std::string_view name, std::string_view token) const;
    // Name of the first Sec-WebSocket-* field that is there more than once and is none of
    // `may_repeat`.
    std::optional<std::string_view>
    repeated_websocket_field(std::span<const std::string_view> may_repeat = {}) const noexcept;
};

// A head with its blank line at the end and nothing behind it; else a sentence that says what is
// wrong. Refused: other versions than HTTP/1.1 (and 1.0 where it is allowed), obs-fold, CR or LF alone, NUL, more than
// `bytes_max`, more than http_fields_max fields. In front of a request empty lines are skipped (RFC
// 9112, 2.2), as many as end_of_head() does.
inline constexpr std::size_t http_fields_max = 256;
using http_head_result = boost::system::result<http_head, std::string>;
enum class http_versions : std::uint8_t { only_1_1, from_1_0 };
http_head_result parse_request_head(
    std::string_view head, std::size_t bytes_max, http_versions allowed = http_versions::only_1_1);
http_head_result parse_response_head(std::string_view head, std::size_t bytes_max);

// Equal but for the case of ASCII letters. Beast 1.81's own iequals reads one byte too far.
bool same_but_for_case(std::string_view a, std::string_view b) noexcept;
bool starts_with_but_for_case(std::string_view text, std::string_view prefix) noexcept;
// RFC 9110, 5.6.2.
bool is_token(std::string_view text) noexcept;

} // namespace websocket
