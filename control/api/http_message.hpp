#pragma once

// Request and response of the admin API as plain values. The code that answers requests knows no
// socket and no HTTP library.

#include "control/protocol/switch_messages.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace control {

using http_headers = std::vector<std::pair<std::string, std::string>>;

struct http_request {
    std::string method, target;
    http_headers headers;
    std::string body;
    std::string peer; // "127.0.0.1:50312", or "unix uid=0"
    std::optional<std::string_view>
    header(std::string_view name) const; // names compare without case
    std::size_t count(std::string_view name) const;
};

// The response goes on as server-sent events of this switch.
struct event_stream {
    switch_number id = 0;
    std::uint64_t after = 0; // the newest sequence that the watcher has
};

struct http_response {
    unsigned status = 200;
    http_headers headers; // Content-Type among them
    std::string body;
    std::optional<event_stream> events;
};

http_response json_response(unsigned status, const boost::json::value& body);
http_response text_response(unsigned status, std::string_view type, std::string body);

// RFC 9457. `type` is stable: urn:teal:problem:NAME; scripts switch on it, people read title and
// detail.
struct problem {
    unsigned status = 400;
    std::string_view name;
    std::string_view title;
    std::string detail;
    std::string field;        // of the body or query, where one is bad
    boost::json::object more; // members of this problem's own
};
http_response problem_response(const problem& what, epoch_number epoch);

// The path's parts and the query, percent-decoded. nullopt: not a valid target.
struct request_target {
    std::vector<std::string> parts;
    std::vector<std::pair<std::string, std::string>> query;
    std::optional<std::string_view> parameter(std::string_view name) const;
};
std::optional<request_target> target_from(std::string_view text);

} // namespace control
