#include "control/protocol/log_sink.hpp"

namespace control {

std::string to_text(const log_event& event)
{
    std::string out = event.text;
    for (const auto& one : event.fields) {
        const bool quoted =
            !one.number &&
            (one.value.empty() || one.value.find_first_of(" =\"\\\n") != std::string::npos);
        out += " " + std::string(one.key) + "=" + (quoted ? "\"" : "");
        for (const char c : one.value) {
            const bool escaped = c == '"' || c == '\\';
            out += escaped ? std::string("\\") + c : c == '\n' ? "\\n" : std::string(1, c);
        }
        out += quoted ? "\"" : "";
    }
    return out;
}

} // namespace control
