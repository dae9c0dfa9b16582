// States of a session by name, and what it keeps until it is in.

#include "gateway/core/tables/client_session.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

std::string_view to_string(session_state s) noexcept
{
    switch (s) {
    case session_state::connecting: return "connecting";
    case session_state::waiting: return "waiting";
    case session_state::active: return "active";
    case session_state::quiescing: return "quiescing";
    case session_state::held: return "held";
    case session_state::rebinding: return "rebinding";
    case session_state::closing: return "closing";
    }
    return "";
}

std::string_view value_in(std::string_view head, std::string_view name) noexcept
{
    while (!head.empty()) {
        const auto line = head.substr(0, head.find('\n'));
        head.remove_prefix(std::min(head.size(), line.size() + 1));
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') {
            return line.substr(name.size() + 1);
        }
    }
    return {};
}

std::size_t
bytes_of(const std::vector<std::pair<std::string, std::string>>& handshake) noexcept
{
    std::size_t bytes = 0;
    for (const auto& [name, value] : handshake) {
        bytes += name.size() + value.size();
    }
    return bytes;
}

} // namespace gateway
