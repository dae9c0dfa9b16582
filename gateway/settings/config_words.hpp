#pragma once

// Values of the configuration as the file says them.
//
// Threading:  pure functions.

#include "gateway/settings/config.hpp"
#include "gateway/settings/value_text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::words {

inline std::string text(bool value)
{
    return value ? "true" : "false";
}
inline std::string text(const std::vector<std::string>& values)
{
    std::string all;
    for (const auto& one : values) {
        all += (all.empty() ? "" : ", ") + one;
    }
    return "[" + all + "]";
}
inline std::string rate(unsigned value)
{
    return std::to_string(value) + "/s";
}
inline std::string text(const memory_mark& mark)
{
    return mark.bytes != 0 ? text_of_size(mark.bytes) : std::to_string(mark.percent) + "%";
}
inline std::string text(control::failure_limit limit)
{
    std::string amount = std::to_string(limit.amount);
    amount.erase(amount.find_last_not_of('0') + 1);
    if (amount.ends_with('.')) {
        amount.pop_back();
    }
    return amount + (limit.percent ? "%" : "");
}
inline std::string text(const net::address_range& range)
{
    constexpr unsigned mapped_bits = 96; // of an IPv4 address within an IPv6 one
    std::array<char, INET6_ADDRSTRLEN> room{};
    if (range.unix_socket) {
        return "unix";
    }
    in6_addr address{};
    std::ranges::copy(range.first, address.s6_addr);
    const bool four = IN6_IS_ADDR_V4MAPPED(&address) && range.bits >= mapped_bits;
    const auto* from = four ? address.s6_addr + 12 : address.s6_addr;
    ::inet_ntop(four ? AF_INET : AF_INET6, from, room.data(), room.size());
    return std::string{room.data()} + "/" +
           std::to_string(four ? range.bits - mapped_bits : range.bits);
}
inline std::string text(tls::version version)
{
    return version == tls::version::v12 ? "1.2" : "1.3";
}
inline std::string_view text(broker::dialect what)
{
    switch (what) {
    case broker::dialect::automatic: return "auto";
    case broker::dialect::rabbitmq: return "rabbitmq";
    case broker::dialect::artemis: return "artemis";
    case broker::dialect::activemq: return "activemq";
    case broker::dialect::spring: return "spring";
    case broker::dialect::plain: return "plain";
    }
    return "";
}
inline std::string_view text(client_frames frames)
{
    switch (frames) {
    case client_frames::automatic: return "auto";
    case client_frames::text: return "text";
    case client_frames::binary: return "binary";
    }
    return "";
}
inline std::string_view text(proxy_versions versions)
{
    switch (versions) {
    case proxy_versions::none: return "false";
    case proxy_versions::v1: return "v1";
    case proxy_versions::v2: return "v2";
    case proxy_versions::any: return "true";
    }
    return "";
}
inline std::string_view text(tls::client_certificate what)
{
    switch (what) {
    case tls::client_certificate::none: return "";
    case tls::client_certificate::optional: return "optional";
    case tls::client_certificate::require: return "require";
    }
    return "";
}
inline std::string_view text(backplane_kind kind)
{
    switch (kind) {
    case backplane_kind::separate: return "separate";
    case backplane_kind::shared: return "shared";
    case backplane_kind::automatic: return "auto";
    }
    return "";
}
inline std::string_view text(control::refused_policy policy)
{
    switch (policy) {
    case control::refused_policy::fail: return "fail";
    case control::refused_policy::pin: return "pin";
    case control::refused_policy::close: return "close";
    }
    return "";
}
inline std::string text(const dedup_config& dedup)
{
    switch (dedup.by) {
    case dedup_by::nothing: return "off";
    case dedup_by::automatic: return "auto";
    case dedup_by::content: return "content";
    case dedup_by::header: return "header " + dedup.header;
    }
    return "";
}

} // namespace gateway::words
