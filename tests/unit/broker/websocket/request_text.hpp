#pragma once

// A request's head that is accepted, to be made worse.

#include "broker/websocket/upgrade.hpp"

#include <string>
#include <utility>
#include <vector>

namespace websocket::test {

inline const std::string sample_key = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455, 1.3

using fields = std::vector<std::pair<std::string, std::string>>;

struct request_text {
    std::string line = "GET /ws HTTP/1.1";
    fields headers = {
        {"Host", "example.com"},         {"Upgrade", "websocket"},
        {"Connection", "Upgrade"},       {"Sec-WebSocket-Key", sample_key},
        {"Sec-WebSocket-Version", "13"},
    };

    request_text with(const std::string& name, const std::string& value) const
    {
        request_text changed = *this;
        for (auto& header : changed.headers)
            if (header.first == name) {
                header.second = value;
                return changed;
            }
        return changed.and_also(name, value);
    }
    request_text and_also(const std::string& name, const std::string& value) const
    {
        request_text changed = *this;
        changed.headers.emplace_back(name, value);
        return changed;
    }
    request_text without(const std::string& name) const
    {
        request_text changed = *this;
        std::erase_if(changed.headers, [&](const auto& header) { return header.first == name; });
        return changed;
    }
    request_text asking(const std::string& request_line) const
    {
        request_text changed = *this;
        changed.line = request_line;
        return changed;
    }
    std::string str() const
    {
        std::string head = line + "\r\n";
        for (const auto& [name, value] : headers)
            head += name + ": " + value + "\r\n";
        return head + "\r\n";
    }
};

inline const request_text plain;

inline int status_of(const request_text& request, const upgrade_policy& policy = {})
{
    return answer_upgrade(request.str(), policy).status;
}

} // namespace websocket::test
