#pragma once

// A small synchronous HTTP client for the admin API. It opens one connection per request, and every
// wait is bounded.
//
// Threading:  the caller's thread. Nothing runs between calls.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cli {

struct address {
    bool local = false; // unix socket at `host`
    std::string host, port;
};
// "http://HOST:PORT" or "unix:PATH"; the string says what is wrong.
std::variant<address, std::string> address_from(std::string_view text);

struct unreachable {
    std::string why;
    bool interrupted = false; // SIGINT or SIGTERM, before an answer
};
struct reply {
    unsigned status = 0;
    std::string etag;
    std::string body;
};
struct request {
    std::string method, target;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

struct event {
    std::string name, data;
};
enum class stream_end : std::uint8_t {
    enough,      // the handler said so
    closed,      // the gateway ended the stream, or it broke: ask again with the last id
    refused,     // another status than 200
    unreachable, // no connection
    timeout,     // `until` came
    interrupted, // SIGINT or SIGTERM
};

class http_client {
public:
    http_client(address where, std::string token)
        : where_(std::move(where)), token_(std::move(token))
    {
    }

    std::variant<reply, unreachable> send(const request& what) const;
    std::string where() const; // "http://HOST:PORT" or "unix:PATH"
    // Follows an event stream from behind `last_id`, which moves on. The handler returns false for
    // "enough".
    stream_end follow(
        const std::string& target, std::uint64_t& last_id,
        std::optional<std::chrono::steady_clock::time_point> until,
        const std::function<bool(const event&)>& on_event) const;
    // false: SIGINT or SIGTERM came.
    static bool pause(std::chrono::milliseconds length);

private:
    address where_;
    std::string token_;
};

} // namespace cli
