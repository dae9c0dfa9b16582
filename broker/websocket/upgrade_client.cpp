#include "broker/websocket/handshake_key.hpp"
#include "broker/websocket/http_head.hpp"
#include "broker/websocket/subprotocol.hpp"
#include "broker/websocket/upgrade.hpp"

#include <boost/assert.hpp>

#include <algorithm>

// The client's side. Section numbers are RFC 6455's.

namespace websocket {
namespace {

// Fields that are the handshake's own, or one hop's (RFC 9110, 7.6.1).
constexpr std::string_view own_fields[] = {
    "Host", "Upgrade", "Connection", "Content-Length",   "Transfer-Encoding",
    "TE",   "Trailer", "Keep-Alive", "Proxy-Connection", "Expect",
};

bool has_control_character(std::string_view text) noexcept
{
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t') || byte == 0x7F;
    });
}

bool is_one_word(std::string_view text) noexcept
{
    return !text.empty() && !has_control_character(text) &&
           text.find_first_of(" \t") == std::string_view::npos;
}

// The reason why the answer is no upgrade (4.1, "validate the server's response"); nullptr: none.
const char* fault_of_answer(const http_head& head, const pending_upgrade& pending)
{
    if (!head.lists("Upgrade", "websocket") || !head.lists("Connection", "upgrade"))
        return "the answer is 101 without Upgrade: websocket and Connection: Upgrade";
    if (head.repeated_websocket_field())
        return "the answer repeats a Sec-WebSocket field";
    if (head.find("Sec-WebSocket-Accept") != accept_value(pending.key))
        return "the answer's Sec-WebSocket-Accept does not belong to the request";
    if (head.count("Sec-WebSocket-Extensions") > 0)
        return "the answer has an extension and none was offered";
    // A 101 has no body (RFC 9110, 8.6); one that says so would put its bytes before the first
    // frame.
    if (head.count("Transfer-Encoding") > 0 || head.find("Content-Length").value_or("0") != "0")
        return "the answer is 101 with a body";
    return nullptr;
}

// Where a redirect leads, without what may be secret in it: no query, no session's id.
std::string place_of(std::string_view location)
{
    constexpr std::size_t shown_max = 200;
    location = location.substr(0, location.find_first_of("?#;"));
    if (const auto scheme = location.find("://"); scheme != location.npos) {
        const auto host = scheme + 3;
        const auto host_end = std::min(location.find('/', host), location.size());
        const auto user = location.substr(0, host_end).rfind('@');
        if (user != location.npos && user >= host)
            return std::string{location.substr(0, host)} +
                   std::string{location.substr(user + 1, shown_max)};
    }
    return std::string{location.substr(0, shown_max)};
}

bool is_login_page(std::string_view place)
{
    constexpr std::string_view words[] = {"login", "logon", "signin", "sign-in",
                                          "sso",   "auth",  "saml"};
    for (; !place.empty(); place.remove_prefix(1))
        if (std::any_of(std::begin(words), std::end(words), [place](std::string_view word) {
                return starts_with_but_for_case(place, word);
            }))
            return true;
    return false;
}

std::string why_refused(int status, std::string_view location)
{
    const std::string number = std::to_string(status);
    if (status == 401)
        return "the answer is 401: a login is needed at the handshake";
    if (status == 403)
        return "the answer is 403: the handshake is forbidden";
    if (status >= 300 && status < 400 && !location.empty()) {
        const std::string place = place_of(location);
        return "the answer is a redirect (" + number + ") to " +
               (is_login_page(place) ? "the login page " : "") + place;
    }
    return "the answer is " + number + ", not 101";
}

constexpr std::string_view http_begin = "HTTP/1.";

} // namespace

bool may_be_http(std::string_view bytes) noexcept
{
    const std::size_t known = std::min(bytes.size(), http_begin.size());
    return bytes.substr(0, known) == http_begin.substr(0, known);
}

bool says_not_ready(int status) noexcept
{
    return status >= 502 && status <= 504;
}

std::optional<upgrade_refusal> refusal_of(std::string_view head)
{
    // "HTTP/1.x NNN" and a blank or the end of the line (RFC 9112, 4).
    constexpr std::size_t digits_at = http_begin.size() + 2, digits_end = digits_at + 3;
    if (head.size() <= digits_end || !head.starts_with(http_begin) || head[digits_at - 1] != ' ' ||
        std::string_view{" \r\n"}.find(head[digits_end]) == std::string_view::npos)
        return std::nullopt;
    int status = 0;
    for (const char c : head.substr(digits_at, 3)) {
        if (c < '0' || c > '9')
            return std::nullopt;
        status = status * 10 + (c - '0');
    }
    if (status < 200)
        return std::nullopt;
    const http_head_result parsed = parse_response_head(head, http_head_bytes_max);
    const std::string location =
        parsed.has_value() ? std::string{parsed->find("Location").value_or("")} : std::string{};
    return upgrade_refusal{.status = status, .why = why_refused(status, location)};
}

bool may_be_forwarded(std::string_view name, std::string_view value) noexcept
{
    return is_token(name) && !has_control_character(value) &&
           !starts_with_but_for_case(name, "Sec-WebSocket-") &&
           std::none_of(std::begin(own_fields), std::end(own_fields), [name](std::string_view own) {
               return same_but_for_case(own, name);
           });
}

pending_upgrade start_upgrade(const upgrade_dial& dial)
{
    // Configuration and clients' heads are checked where they come in; a line more in a request to
    // a broker would be another user's.
    BOOST_ASSERT_MSG(is_one_word(dial.host), "a Host with blanks or control characters");
    BOOST_ASSERT_MSG(
        is_one_word(dial.target) && dial.target.front() == '/', "a target that is no path");
    pending_upgrade pending{.request = {}, .key = new_handshake_key()};
    std::string& request = pending.request;
    request.append("GET ").append(dial.target).append(" HTTP/1.1\r\nHost: ").append(dial.host);
    request.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13");
    request.append("\r\nSec-WebSocket-Key: ").append(pending.key).append("\r\n");
    std::string_view before = "Sec-WebSocket-Protocol: ";
    for (const stomp::version v : dial.subprotocols) {
        request.append(before).append(subprotocol_name(v));
        before = ", ";
    }
    if (!dial.subprotocols.empty())
        request += "\r\n";
    for (const auto& [name, value] : dial.headers) {
        BOOST_ASSERT_MSG(may_be_forwarded(name, value), "a header that may not be forwarded");
        request.append(name).append(": ").append(value).append("\r\n");
    }
    request += "\r\n";
    return pending;
}

boost::system::result<std::optional<stomp::version>, std::string> check_upgrade(
    std::string_view bytes, const pending_upgrade& pending, std::span<const stomp::version> offered)
{
    const http_head_result parsed = parse_response_head(bytes, http_head_bytes_max);
    if (!parsed)
        return parsed.error();
    const http_head& head = *parsed;
    if (head.status != 101)
        return "the answer is " + std::to_string(head.status) + ", not 101";
    if (const char* fault = fault_of_answer(head, pending))
        return std::string{fault};
    const std::optional<std::string_view> name = head.find("Sec-WebSocket-Protocol");
    if (!name)
        return std::optional<stomp::version>{};
    const std::optional<stomp::version> chosen = subprotocol_version(*name);
    if (!chosen || std::find(offered.begin(), offered.end(), *chosen) == offered.end())
        return std::string{"the answer's subprotocol was not offered"};
    return chosen;
}

} // namespace websocket
