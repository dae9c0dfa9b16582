#include "broker/websocket/upgrade.hpp"

#include "broker/websocket/handshake_key.hpp"
#include "broker/websocket/http_head.hpp"
#include "broker/websocket/origin.hpp"
#include "broker/websocket/subprotocol.hpp"

#include <algorithm>

// The server's side. Section numbers are RFC 6455's.

namespace websocket {
namespace {

constexpr std::size_t logged_origin_bytes_max = 200;
constexpr std::size_t told_bytes_max = 1024; // of a value in client_place
constexpr std::string_view line_end = "\r\n";
// Lists, which may come in several lines of a request (11.3.2, 11.3.4).
constexpr std::string_view list_fields[] = {"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"};

struct refusal {
    int status;
    std::string sentence;    // the response's body
    std::string_view fields; // more of the response's, each with its CR LF
    std::string detail = {}; // for the log only
};

using verdict = std::optional<refusal>; // nullopt: nothing against the request

constexpr std::string_view upgrade_required_fields =
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";

std::string_view phrase_of(int status) noexcept
{
    switch (status) {
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 426: return "Upgrade Required";
    case 503: return "Service Unavailable";
    default: return "Refused";
    }
}

std::string refusing_response(int status, std::string_view sentence, std::string_view fields)
{
    // Upgrade is a field of this hop, which Connection has to say (RFC 9110, 7.8).
    const std::string_view connection = status == 426 ? "close, Upgrade" : "close";
    std::string response = "HTTP/1.1 " + std::to_string(status) + ' ';
    response.append(phrase_of(status)).append("\r\nConnection: ").append(connection);
    response.append("\r\nContent-Type: text/plain\r\nContent-Length: ");
    response.append(std::to_string(sentence.size() + 1)).append("\r\n");
    response.append(fields).append("\r\n").append(sentence).append("\n");
    return response;
}

upgrade_answer refuse(refusal why)
{
    return {
        .status = why.status,
        .response = refusing_response(why.status, why.sentence, why.fields),
        .request = std::nullopt,
        .reason = why.detail.empty() ? why.sentence : why.sentence + ": " + why.detail,
    };
}

// The checks for every request, whatever it asks for.
verdict check_message(const http_head& head)
{
    if (head.count("Host") != 1)
        return refusal{400, "the request needs exactly one Host", {}};
    if (!is_host_and_port(*head.find("Host")))
        return refusal{400, "Host is malformed", {}};
    // A body would be read as frames, and a proxy before us may see the border elsewhere. One
    // Content-Length of 0 says that there is none, which some programs do.
    if (head.count("Transfer-Encoding") > 0 || head.count("Content-Length") > 1 ||
        head.find("Content-Length").value_or("0") != "0")
        return refusal{400, "the request must not have a body", {}};
    return std::nullopt;
}

std::string_view without_last_slash(std::string_view path) noexcept
{
    return path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

verdict check_resource(const http_head& head, std::string_view target, const upgrade_policy& policy)
{
    const std::string_view path = without_last_slash(target.substr(0, target.find('?')));
    const auto is_it = [path](std::string_view one) { return without_last_slash(one) == path; };
    if (!policy.any_path && std::none_of(policy.paths.begin(), policy.paths.end(), is_it))
        return refusal{404, "there is nothing at this path", {}};
    if (head.method != "GET")
        return refusal{405, "the method must be GET", "Allow: GET\r\n"};
    return std::nullopt;
}

bool is_draft(const http_head& head) noexcept
{
    const auto version = head.find("Sec-WebSocket-Version");
    return version == "7" || version == "8";
}

// 4.2.1, items 3 to 6.
verdict check_handshake(const http_head& head, bool drafts)
{
    if (const auto repeated = head.repeated_websocket_field(list_fields))
        return refusal{400, "a Sec-WebSocket field is repeated", {}, std::string{*repeated}};
    if (!head.lists("Upgrade", "websocket") || !head.lists("Connection", "upgrade"))
        return refusal{426, "this path speaks WebSocket only", upgrade_required_fields};
    if (head.find("Sec-WebSocket-Version") != "13" && !(drafts && is_draft(head)))
        return refusal{426, "the WebSocket version must be 13", upgrade_required_fields};
    if (!is_handshake_key(head.find("Sec-WebSocket-Key").value_or("")))
        return refusal{400, "Sec-WebSocket-Key must be 16 bytes in base64", {}};
    return std::nullopt;
}

// The place as the client sees it. A proxy adds its value to the end of a list.
seen_as place_of(const http_head& head, const upgrade_policy& policy, hop from)
{
    seen_as place{
        .host = head.find("Host").value_or(""), .scheme = policy.within_tls ? "https" : ""};
    if (from == hop::peer)
        return place;
    if (const auto hosts = head.items("X-Forwarded-Host"); !hosts.empty())
        place.host = hosts.front();
    if (const auto schemes = head.items("X-Forwarded-Proto"); !schemes.empty())
        place.scheme = schemes.front();
    return place;
}

verdict check_origin(const http_head& head, const upgrade_policy& policy, hop from)
{
    const std::string_view field = is_draft(head) && head.count("Origin") == 0
                                       ? "Sec-WebSocket-Origin" // the drafts' name of it
                                       : "Origin";
    const std::optional<std::string_view> origin = head.find(field);
    if (!origin)
        return std::nullopt;
    if (head.count(field) > 1)
        return refusal{400, "Origin is repeated", {}};
    if (!origin_is_allowed(*origin, place_of(head, policy, from), policy.allowed_origins))
        return refusal{
            403,
            "this origin is not allowed",
            {},
            std::string{origin->substr(0, logged_origin_bytes_max)}};
    return std::nullopt;
}

bool is_enabled(stomp::version v, const upgrade_policy& policy) noexcept
{
    switch (v) {
    case stomp::version::v10: return policy.stomp_v10;
    case stomp::version::v11: return policy.stomp_v11;
    case stomp::version::v12: return policy.stomp_v12;
    }
    return false;
}

std::optional<stomp::version>
highest_common(const std::vector<std::string_view>& offered, const upgrade_policy& policy) noexcept
{
    for (const stomp::version v : highest_first)
        if (is_enabled(v, policy) &&
            std::find(offered.begin(), offered.end(), subprotocol_name(v)) != offered.end())
            return v;
    return std::nullopt;
}

upgrade_answer accept(
    const http_head& head, std::string_view target, const upgrade_policy& policy, hop from,
    std::optional<stomp::version> subprotocol)
{
    std::string response = "HTTP/1.1 101 Switching Protocols\r\n"
                           "Upgrade: websocket\r\n"
                           "Connection: Upgrade\r\n"
                           "Sec-WebSocket-Accept: ";
    response.append(accept_value(*head.find("Sec-WebSocket-Key"))).append("\r\n");
    if (subprotocol)
        response.append("Sec-WebSocket-Protocol: ")
            .append(subprotocol_name(*subprotocol))
            .append("\r\n");
    response += "\r\n";
    return {
        .status = 101,
        .response = std::move(response),
        .request =
            upgrade_request{
                .host = std::string{*head.find("Host")},
                .target = std::string{target},
                .subprotocol = subprotocol,
                .forwarded = forwarded_fields(head, policy),
                .place = place_told(head, policy, from),
            },
        .reason = {},
    };
}

} // namespace

// 4.2.1, 1 also allows an absolute URI; its authority must not say another host than Host does.
std::optional<std::string_view> origin_form(std::string_view target, std::string_view host) noexcept
{
    if (target.starts_with('/'))
        return target;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!starts_with_but_for_case(target, scheme))
            continue;
        const std::string_view rest = target.substr(scheme.size());
        const std::size_t slash = rest.find('/');
        if (slash == std::string_view::npos ||
            !is_same_place(rest.substr(0, slash), host, scheme.substr(0, scheme.find(':'))))
            return std::nullopt;
        return rest.substr(slash);
    }
    return std::nullopt;
}

std::vector<std::pair<std::string, std::string>>
forwarded_fields(const http_head& head, const upgrade_policy& policy)
{
    std::vector<std::pair<std::string, std::string>> kept;
    for (const std::string& wanted : policy.forward_headers)
        for (const auto& [name, value] : head.fields)
            if (same_but_for_case(name, wanted) && may_be_forwarded(name, value))
                kept.emplace_back(name, value);
    return kept;
}

client_place place_told(const http_head& head, const upgrade_policy& policy, hop from)
{
    if (!policy.tells_place)
        return {};
    // What is too long to be one is not said again.
    const auto said = [](std::string_view value, std::size_t most) {
        return value.size() <= most && may_be_forwarded("X", value) ? std::string{value}
                                                                    : std::string{};
    };
    const seen_as seen = place_of(head, policy, from);
    client_place place{
        .host = said(seen.host, told_bytes_max),
        .forwarded_for = {},
        .origin = said(head.find("Origin").value_or(""), told_bytes_max),
        .https = same_but_for_case(seen.scheme, "https") || same_but_for_case(seen.scheme, "wss")};
    if (from == hop::trusted_proxy) {
        std::string all;
        for (const std::string_view one : head.items("X-Forwarded-For"))
            all.append(all.empty() ? "" : ", ").append(one);
        place.forwarded_for = said(all, told_bytes_max);
    }
    return place;
}

bool page_is_allowed(const http_head& head, const upgrade_policy& policy, hop from)
{
    return !check_origin(head, policy, from);
}

std::size_t empty_lines_in_front(std::string_view bytes) noexcept
{
    std::size_t size = 0;
    while (size < empty_lines_max * line_end.size() && bytes.substr(size).starts_with(line_end))
        size += line_end.size();
    return size;
}

std::optional<std::size_t> end_of_head(std::string_view bytes, std::size_t looked_at) noexcept
{
    constexpr std::string_view blank_line = "\r\n\r\n";
    const std::size_t first = looked_at - std::min(looked_at, blank_line.size() - 1);
    const std::size_t at = bytes.find(blank_line, std::max(first, empty_lines_in_front(bytes)));
    return at == std::string_view::npos ? std::nullopt : std::optional{at + blank_line.size()};
}

upgrade_answer answer_upgrade(std::string_view bytes, const upgrade_policy& policy, hop from)
{
    const http_head_result parsed = parse_request_head(bytes, policy.head_bytes_max);
    if (!parsed)
        return refuse({400, parsed.error(), {}});
    const http_head& head = *parsed;
    if (verdict against = check_message(head))
        return refuse(*std::move(against));
    const std::optional<std::string_view> target = origin_form(head.target, *head.find("Host"));
    if (!target)
        return refuse({400, "the request's target is malformed", {}});
    if (verdict against = check_resource(head, *target, policy))
        return refuse(*std::move(against));
    if (verdict against = check_handshake(head, policy.drafts))
        return refuse(*std::move(against));
    if (verdict against = check_origin(head, policy, from))
        return refuse(*std::move(against));
    const std::vector<std::string_view> offered = head.items("Sec-WebSocket-Protocol");
    const std::optional<stomp::version> subprotocol = highest_common(offered, policy);
    // A client that offers only what we do not speak would fail later and less clearly.
    if (!offered.empty() && !subprotocol)
        return refuse({400, "none of the subprotocols is spoken here", {}});
    return accept(head, *target, policy, from, subprotocol);
}

std::string service_unavailable(std::chrono::seconds retry_after, std::string_view sentence)
{
    const std::string field = "Retry-After: " + std::to_string(retry_after.count()) + "\r\n";
    return refusing_response(503, sentence, field);
}

} // namespace websocket
