#include "gateway/core/session/applications.hpp"

#include <algorithm>
#include <array>

namespace gateway {

namespace {

// Spring's relay hands these on. Others, like /user and /app, are for the application itself.
constexpr std::array<std::string_view, 7> relayed_prefixes{
    "/topic/",      "/queue/",      "/exchange/",   "/amq/queue/",
    "/temp-queue/", "/temp-topic/", "/reply-queue/"};

bool is_relayed(std::string_view destination) noexcept
{
    return std::ranges::any_of(
        relayed_prefixes, [&](auto prefix) { return destination.starts_with(prefix); });
}

} // namespace

// O1: a simple broker has no name of its own.
endpoint_kind application_from(std::string_view head) noexcept
{
    constexpr std::string_view name = "server:";
    const bool named = head.starts_with(name) || head.find("\nserver:") != head.npos;
    return named ? endpoint_kind::relay : endpoint_kind::application;
}

bool may_overlap(
    std::string_view destination, bool to_many, endpoint_kind at, bool shared_backplane) noexcept
{
    switch (at) {
    case endpoint_kind::broker: return false;
    case endpoint_kind::application: return !to_many || !shared_backplane; // else paired (P1)
    case endpoint_kind::relay: return is_relayed(destination) ? to_many && !shared_backplane : true;
    }
    return false;
}

bool is_answered_once(std::string_view head) noexcept
{
    return head.starts_with("destination:/app/") || head.find("\ndestination:/app/") != head.npos;
}

} // namespace gateway
