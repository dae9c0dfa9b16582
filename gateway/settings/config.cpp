#include "gateway/settings/config.hpp"

#include "gateway/settings/value_text.hpp"
#include "gateway/settings/yaml_document.hpp"

#include <algorithm>
#include <fstream>

namespace gateway {

bool is_local(const bind_address& address)
{
    if (address.is_unix() || address.host == "::1" || address.host == "localhost") {
        return true;
    }
    // 127.0.0.0/8 as four numbers: "127.evil.example" is a name.
    return address.host.starts_with("127.") &&
           std::count(address.host.begin(), address.host.end(), '.') == 3 &&
           std::all_of(address.host.begin(), address.host.end(), [](char c) {
               return c == '.' || (c >= '0' && c <= '9');
           });
}

bool admin_config::all_local() const
{
    return std::ranges::all_of(binds, is_local);
}
bool admin_config::by_tcp() const
{
    return !std::ranges::all_of(binds, &bind_address::is_unix);
}

bool may_proxy(const listener_config& at, std::string_view peer) noexcept
{
    return at.trusted_proxies.empty()
               ? is_local(at.bind)
               : std::ranges::any_of(
                     at.trusted_proxies, [&](const auto& range) { return range.contains(peer); });
}

std::string_view to_string(endpoint_scheme s) noexcept
{
    switch (s) {
    case endpoint_scheme::stomp: return "stomp";
    case endpoint_scheme::stomps: return "stomps";
    case endpoint_scheme::ws: return "ws";
    case endpoint_scheme::wss: return "wss";
    }
    return "";
}

bool brokers_config::tells_place() const noexcept
{
    const auto asked_by_http = [](const color_config& of) {
        return std::ranges::any_of(
            of.endpoints, [](const auto& one) { return by_websocket(one.scheme); });
    };
    return (x_forwarded || origin == "preserve") &&
           (asked_by_http(colors.blue) || asked_by_http(colors.green));
}

control::prepare_settings timing_of(const switch_config& c) noexcept
{
    return {
        .linger = c.linger,
        .seam_timeout = c.seam_timeout,
        .seam_quiet = c.seam_quiet,
        .receipt_timeout = c.receipt_timeout,
        .marker_interval = c.marker_interval,
        .drain_timeout = c.drain_timeout,
        .pin_timeout = c.pin_timeout,
        .overlap = std::min(c.overlap, c.drain_timeout),
        .prepare_timeout = c.prepare_timeout,
        .hold_timeout = c.hold_timeout,
        .strict_queue_order = c.queue_order == stored_order::strict,
        .on_refused = c.on_refused};
}

std::vector<std::string> warnings_of(const config& c)
{
    const auto needed = std::chrono::seconds{(c.limits.clients + c.drain.pace - 1) / c.drain.pace};
    if (needed <= c.drain.timeout) {
        return {};
    }
    return {
        "drain.timeout: " + text_of(c.drain.timeout) + " is too short for " +
        std::to_string(c.limits.clients) + " clients (limits.clients): at drain.pace " +
        std::to_string(c.drain.pace) + "/s they take " + text_of(needed) +
        ", and who is left at the end is closed at once"};
}

std::string to_string(const config_error& e)
{
    std::string where = e.file;
    if (e.line > 0) {
        where += ':' + std::to_string(e.line) + ':' + std::to_string(e.column);
    }
    std::string out = where + ": " + (e.path.empty() ? "" : e.path + ": ") + e.sentence;
    // Keys of the file stand in it as they are; a message is one line all the same.
    std::replace_if(
        out.begin(), out.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
    return out;
}

config_result load_config(const std::string& path)
{
    std::ifstream in{path, std::ios::binary};
    std::string text(config_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    // A directory opens, and fails at the first read.
    if (!in.is_open() || in.bad()) {
        return std::vector{config_error{path, 0, 0, {}, "cannot be read"}};
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    return parse_config(text, path);
}

} // namespace gateway
