#include "broker/embedded/status.hpp"

#include "broker/net/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>
#include <vector>

namespace embedded {
namespace {

// RFC 8259, section 7. Bytes that are not UTF-8 can not stand in a JSON text: Latin-1 is what they
// look like.
void append_string(std::string& out, std::string_view text)
{
    const bool ascii =
        std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    const bool utf8 = ascii || net::is_utf8(text);
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || (byte >= 0x80 && !utf8)) {
            char escaped[7];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(byte));
            out += escaped;
        } else {
            out += c;
        }
    }
    out += '"';
}

void append_number(std::string& out, std::string_view name, std::uint64_t value)
{
    out.append(",\"").append(name).append("\":").append(std::to_string(value));
}

void append_time(std::string& out, std::string_view name, std::optional<std::int64_t> ns)
{
    out.append(",\"").append(name).append("\":").append(ns ? std::to_string(*ns) : "null");
}

std::string response(std::string_view status, std::string_view type, std::string_view body)
{
    std::string out = "HTTP/1.1 ";
    out.append(status).append("\r\nContent-Type: ").append(type);
    out.append("\r\nContent-Length: ").append(std::to_string(body.size()));
    out.append("\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n").append(body);
    return out;
}

std::optional<std::int64_t> nanoseconds(std::string_view text)
{
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{value}
                                                                    : std::nullopt;
}

} // namespace

std::string status_json(const broker_core& core, std::optional<std::int64_t> since)
{
    const counters& stats = core.stats();
    std::vector<std::pair<std::string_view, std::size_t>> named;
    std::size_t left_out = 0;
    std::size_t topic_backlog = 0;
    core.queues().each([&](const message_queue& q) {
        const std::size_t depth = q.ready.size() + q.unacked;
        if (q.kind == queue_kind::topic && !q.durable) {
            topic_backlog += depth;
        } else if (named.size() < status_queues_max) {
            named.emplace_back(q.name, depth);
        } else {
            ++left_out;
        }
    });
    std::ranges::sort(named);
    std::string out = "{\"name\":";
    append_string(out, core.options().name);
    append_number(out, "connections", core.sessions());
    append_number(out, "subscriptions", stats.clients.subscriptions + stats.gateway.subscriptions);
    out += ",\"queues\":{";
    for (std::size_t i = 0; i < named.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_string(out, named[i].first);
        out.append(":").append(std::to_string(named[i].second));
    }
    out += '}';
    append_number(out, "queues_left_out", left_out);
    append_number(out, "topic_backlog", topic_backlog);
    append_number(out, "sent", stats.clients.sent);
    append_number(out, "delivered", stats.clients.delivered);
    append_number(out, "acked", stats.clients.acked);
    append_time(out, "first_arrival_ns", stats.arrivals.first_ns(since));
    append_time(out, "last_arrival_ns", stats.arrivals.last_ns(since));
    append_number(out, "redelivered", stats.redelivered);
    append_number(out, "dropped", stats.dropped);
    append_number(out, "errors", stats.errors);
    append_number(out, "memory_bytes", stats.memory_bytes);
    out.append(",\"gateway\":{\"sent\":").append(std::to_string(stats.gateway.sent));
    append_number(out, "delivered", stats.gateway.delivered);
    append_number(out, "acked", stats.gateway.acked);
    append_number(out, "subscriptions", stats.gateway.subscriptions);
    out += "}}\n";
    return out;
}

std::string answer_status(const broker_core& core, std::string_view head)
{
    const std::string_view line = head.substr(0, head.find('\r'));
    const auto first_space = line.find(' ');
    const auto last_space = line.rfind(' ');
    if (first_space == std::string_view::npos || last_space == first_space ||
        line.substr(last_space + 1, 5) != "HTTP/") {
        return response("400 Bad Request", "text/plain", "That is not an HTTP request.\n");
    }
    const std::string_view method = line.substr(0, first_space);
    if (method == "HEAD") { // GET without its content
        std::string answer = answer_status(core, "GET" + std::string(head.substr(first_space)));
        answer.erase(answer.find("\r\n\r\n") + 4);
        return answer;
    }
    if (method != "GET") {
        return response("405 Method Not Allowed", "text/plain", "Only GET or HEAD.\n");
    }
    const std::string_view target = line.substr(first_space + 1, last_space - first_space - 1);
    const std::string_view path = target.substr(0, target.find('?'));
    if (path != "/status") {
        return response("404 Not Found", "text/plain", "Only /status.\n");
    }
    std::optional<std::int64_t> since;
    if (path.size() < target.size()) {
        const std::string_view query = target.substr(path.size() + 1);
        if (query.substr(0, 6) == "since=") {
            since = nanoseconds(query.substr(6));
        }
        if (!since) {
            return response("400 Bad Request", "text/plain", "since is a number of nanoseconds.\n");
        }
    }
    return response("200 OK", "application/json", status_json(core, since));
}

} // namespace embedded
