#include "gateway/transports/sockjs/door.hpp"

#include "gateway/transports/sockjs/request.hpp"

#include <algorithm>

namespace gateway::sockjs {

namespace {

std::string_view without_last_slash(std::string_view path) noexcept
{
    return path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

bool is_upgrade(const websocket::http_head& head)
{
    return head.method == "GET" && head.lists("Upgrade", "websocket") &&
           head.lists("Connection", "upgrade");
}

} // namespace

wish wish_of(const websocket::http_head& head, std::string_view path, const premises& at)
{
    path = path.substr(0, path.find('?'));
    const auto route = find_route(path, at.services);
    const bool upgrade = is_upgrade(head);
    if (route && route->what == resource::framed_websocket && upgrade) {
        return at.services[route->service].websocket ? wish::framed_websocket : wish::http;
    }
    const bool known = std::ranges::any_of(at.websocket_paths, [&](std::string_view one) {
        return without_last_slash(one) == without_last_slash(path);
    });
    if (known && (upgrade || !is_beneath(path, at.services))) {
        return wish::plain_websocket;
    }
    return is_beneath(path, at.services) ? wish::http : wish::plain_websocket;
}

wish wish_of(
    std::string_view so_far, std::size_t looked_at, std::size_t head_bytes_max, const premises& at)
{
    const auto head = read_head(so_far, looked_at, head_bytes_max);
    if (head.failed) {
        return wish::plain_websocket;
    }
    return head.done ? wish_of(head.done->head, head.done->path, at) : wish::unfinished;
}

} // namespace gateway::sockjs
