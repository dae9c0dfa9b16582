#pragma once

// The HTTP head of the upgrade, for both sides. Beast parses it. The guards against Beast 1.81's
// faults are here (design.md section 11): they refuse a body, Transfer-Encoding, any number of Host
// fields but one, HTTP/1.0, methods other than GET, repeated Sec-WebSocket-* fields that are not
// lists, and obs-fold. No I/O: the caller collects the bytes and writes the answer.

#include "broker/stomp/frame.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace websocket {

inline constexpr std::size_t http_head_bytes_max = 32 * 1024; // where nothing else is said

// Position behind the blank line, or nullopt while the head is incomplete. `looked_at`: of so many
// bytes nullopt was answered before. Empty lines in front of the head belong to it, up to
// empty_lines_max.
inline constexpr std::size_t empty_lines_max = 8;
std::optional<std::size_t>
end_of_head(std::string_view bytes, std::size_t looked_at = 0) noexcept;
// Bytes of them.
std::size_t empty_lines_in_front(std::string_view bytes) noexcept;

struct upgrade_policy {
    std::vector<std::string> paths{"/ws"}; // one slash more or less at the end is the same
    // Empty: same origin; "*": any; "https://*.example.com".
    std::vector<std::string> allowed_origins;
    std::vector<std::string> forward_headers; // names kept in upgrade_request::forwarded
    bool stomp_v10 = true, stomp_v11 = true, stomp_v12 = true; // subprotocols offered
    std::size_t head_bytes_max = http_head_bytes_max;
    bool within_tls = false; // the place is https, whatever stands before it
    // A request's place is wanted (client_place).
    bool tells_place = false;
    // For who has judged the path already.
    bool any_path = false;
    // Also the drafts 7 and 8, whose frames are those of 13 (SockJS 0.3.3 asks for them).
    bool drafts = false;
};

// Whose word the request is.
enum class hop : std::uint8_t {
    peer,          // the client's own, as far as we know
    trusted_proxy, // X-Forwarded-Host and -Proto say what the client asked for
};

struct http_head;
// Whether the page that a request comes from, where its Origin names one, may speak to this place.
bool page_is_allowed(const http_head& head, const upgrade_policy& policy, hop from);
// Those of policy.forward_headers, in their order.
std::vector<std::pair<std::string, std::string>>
forwarded_fields(const http_head& head, const upgrade_policy& policy);
// 4.2.1 also allows an absolute URI, whose authority must not say another host than Host does.
std::optional<std::string_view>
origin_form(std::string_view target, std::string_view host) noexcept;

// Where a client believes to be, and through whom it came: what is told of it to applications.
struct client_place {
    std::string host;          // empty: no HTTP
    std::string forwarded_for; // as a trusted proxy says it
    std::string origin;
    bool https = false;
};
// Empty unless policy.tells_place.
client_place place_told(const http_head& head, const upgrade_policy& policy, hop from);

struct upgrade_request {
    std::string host, target;
    std::optional<stomp::version> subprotocol;                  // echoed; none offered: none
    std::vector<std::pair<std::string, std::string>> forwarded; // by forward_headers, in order
    client_place place;
};

// What to do with a request head: `request` is set when it is accepted; `response` is to be written
// in both cases (101, or 400/403/404/405/426 with a one-line body, then close).
struct upgrade_answer {
    int status = 0;
    std::string response;
    std::optional<upgrade_request> request;
    std::string reason; // one sentence for the log when refused
};
upgrade_answer
answer_upgrade(std::string_view head, const upgrade_policy& policy, hop from = hop::peer);

// 503 with Retry-After, for limits.clients and draining.
std::string service_unavailable(std::chrono::seconds retry_after, std::string_view sentence);

// Client side.
struct upgrade_dial {
    std::string host, target; // Host header; path
    std::vector<stomp::version> subprotocols;
    std::vector<std::pair<std::string, std::string>> headers; // forwarded ones
};
struct pending_upgrade {
    std::string request; // bytes to write
    std::string key;     // kept for the check of Sec-WebSocket-Accept
};
// Whether a header may be put into a request of ours: the name is a token and none of the
// handshake's own, the value has no control characters. For the configuration's check;
// start_upgrade asserts it.
bool may_be_forwarded(std::string_view name, std::string_view value) noexcept;
// REQUIRES: may_be_forwarded of every header; host and target without blanks and control
// characters.
pending_upgrade start_upgrade(const upgrade_dial& dial);
// 101 with the right Accept and one of our subprotocols (or none); else a sentence that says what
// came instead.
boost::system::result<std::optional<stomp::version>, std::string> check_upgrade(
    std::string_view head, const pending_upgrade& pending, std::span<const stomp::version> offered);

// An HTTP answer that is no upgrade: who gave it lives, and has judged this request.
struct upgrade_refusal {
    int status = 0;
    std::string why; // "the answer is a redirect (302) to the login page /login"
};
// `head` may have no end, or be of HTTP/1.0. nullopt: it begins with no final status of HTTP/1, or
// with 101.
std::optional<upgrade_refusal> refusal_of(std::string_view head);
// Whether the first bytes of an answer can become HTTP/1.
bool may_be_http(std::string_view bytes) noexcept;
// 502, 503, 504: nobody who could judge a request has seen it, as a balancer says of what is behind.
bool says_not_ready(int status) noexcept;

} // namespace websocket
