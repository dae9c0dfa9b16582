#include "gateway/transports/sockjs/route.hpp"

#include <array>
#include <utility>

namespace gateway::sockjs {

namespace {

// What is behind the service's path: empty, or from a slash on.
std::optional<std::string_view> behind(std::string_view path, const service& s) noexcept
{
    if (!path.starts_with(s.path)) {
        return std::nullopt;
    }
    const std::string_view rest = path.substr(s.path.size());
    return rest.empty() || rest.front() == '/' ? std::optional{rest} : std::nullopt;
}

constexpr std::array<std::pair<std::string_view, resource>, 5> transports{{
    {"websocket", resource::framed_websocket},
    {"xhr", resource::xhr},
    {"xhr_streaming", resource::xhr_streaming},
    {"xhr_send", resource::xhr_send},
    {"eventsource", resource::eventsource},
}};

// Clients draw eight letters, or a UUID. A session keeps its word.
constexpr std::size_t word_bytes_max = 256;

// A word up to the next slash, without dots; takes both off the front.
std::optional<std::string_view> take_word(std::string_view& rest) noexcept
{
    const std::size_t slash = rest.find('/');
    const std::string_view word = rest.substr(0, slash);
    if (slash == std::string_view::npos || word.empty() || word.size() > word_bytes_max ||
        word.find('.') != std::string_view::npos) {
        return std::nullopt;
    }
    rest.remove_prefix(slash + 1);
    return word;
}

std::optional<route> beneath(std::string_view rest) noexcept
{
    if (rest.ends_with('/')) { // one more or less is the same
        rest.remove_suffix(1);
    }
    if (rest.empty()) {
        return route{.what = resource::greeting};
    }
    rest.remove_prefix(1);
    if (rest == "info") {
        return route{.what = resource::info};
    }
    if (rest == "websocket") {
        return route{.what = resource::raw_websocket};
    }
    const auto server = take_word(rest);
    const auto session = server ? take_word(rest) : std::nullopt;
    for (const auto& [name, what] : transports) {
        if (session && rest == name) {
            return route{.what = what, .session = *session};
        }
    }
    return std::nullopt;
}

} // namespace

std::string_view methods_of(resource r) noexcept
{
    switch (r) {
    case resource::greeting:
    case resource::raw_websocket:
    case resource::framed_websocket:
    case resource::eventsource: return "GET";
    case resource::info: return "OPTIONS, GET";
    case resource::xhr:
    case resource::xhr_streaming:
    case resource::xhr_send: break;
    }
    return "OPTIONS, POST";
}

bool is_method_of(resource r, std::string_view method) noexcept
{
    const std::string_view all = methods_of(r);
    return !method.empty() && all.find(method) != std::string_view::npos &&
           (method == "GET" || method == "POST" || method == "OPTIONS");
}

std::optional<route> find_route(std::string_view path, std::span<const service> services) noexcept
{
    path = path.substr(0, path.find('?'));
    for (std::size_t i = 0; i < services.size(); ++i) {
        if (const auto rest = behind(path, services[i])) {
            if (auto found = beneath(*rest)) {
                found->service = i;
                return found;
            }
        }
    }
    return std::nullopt;
}

bool is_beneath(std::string_view path, std::span<const service> services) noexcept
{
    path = path.substr(0, path.find('?'));
    for (const service& one : services) {
        if (behind(path, one)) {
            return true;
        }
    }
    return false;
}

} // namespace gateway::sockjs
