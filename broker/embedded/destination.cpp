#include "broker/embedded/destination.hpp"

#include <array>

namespace embedded {
namespace {

struct prefix {
    std::string_view text;
    destination_kind kind;
};
constexpr std::array<prefix, 6> prefixes{{
    {"/topic/", destination_kind::topic},
    {"/exchange/", destination_kind::topic},
    {"/queue/", destination_kind::queue},
    {"/amq/queue/", destination_kind::named_queue},
    {"/temp-queue/", destination_kind::temp_queue},
    {"/reply-queue/", destination_kind::reply_queue},
}};

} // namespace

destination parse_destination(std::string_view text) noexcept
{
    for (const prefix& p : prefixes) {
        if (text.size() > p.text.size() && text.substr(0, p.text.size()) == p.text) {
            return {p.kind, p.kind == destination_kind::topic ? text : text.substr(p.text.size())};
        }
    }
    return {};
}

bool is_gateways_own(std::string_view destination) noexcept
{
    const auto slash = destination.rfind('/');
    const std::string_view last =
        slash == std::string_view::npos ? destination : destination.substr(slash + 1);
    return last.starts_with("stomp-subscription-teal-");
}

} // namespace embedded
