// What trials of SUBSCRIBEs found, remembered for a while. docs/switch.md E10 to E14.

#include "gateway/core/subscriptions/subscribe_trials.hpp"

#include <array>

namespace gateway {

digest128
subscribe_trials::key_of(const share_group& g, endpoint_ref at, std::string_view head) const
{
    const std::array<std::uint64_t, 2> secret{
        settings_.pairing.secret[0] ^ g.who->digest.low,
        settings_.pairing.secret[1] ^ g.who->digest.high};
    digest128 d = digest_of(secret, head);
    d.low += (static_cast<std::uint64_t>(at.index) * 2 + (at.color == color::green)) *
             0x9e3779b97f4a7c15ULL;
    return d;
}

// One message world is asked once (M2). A SUBSCRIBE that one endpoint of a color accepted is
// accepted by the others, until a marker shows that they are two worlds, or until this endpoint
// itself has answered otherwise.
std::optional<subscribe_trials::found> subscribe_trials::find_out(
    const share_group& g, std::string_view head, time_point now) const
{
    if (const auto here = memory_.find(key_of(g, g.at, head), now)) {
        return here;
    }
    const std::size_t endpoints = pool_of(g.at.color).size();
    for (std::size_t i = 0; i < endpoints; ++i) {
        const endpoint_ref other{g.at.color, static_cast<std::uint16_t>(i)};
        if (other != g.at && survey_.may_be_one_world(other, g.at)) {
            if (const auto there = memory_.find(key_of(g, other, head), now)) {
                return there;
            }
        }
    }
    return std::nullopt;
}

subscribe_trials::verdict
subscribe_trials::known(const share_group& g, std::string_view head, time_point now) const
{
    if (const auto what = find_out(g, head, now)) {
        switch (*what) {
        case found::tried:
        case found::tried_again: return verdict::tried;
        case found::refused: return verdict::refused;
        case found::doubted: break;
        }
    }
    const auto own = scratches_.find(g.key());
    return own != scratches_.end() && now < own->second.refused_until ? verdict::no_link
                                                                      : verdict::unknown;
}

void subscribe_trials::note_tried(const share_group& g, std::string_view head, time_point now)
{
    const auto before = find_out(g, head, now);
    const bool doubted = before == found::doubted || before == found::tried_again;
    note(key_of(g, g.at, head), doubted ? found::tried_again : found::tried, now);
}

// E12: tried once more, not twice.
bool subscribe_trials::doubt(const share_group& g, std::string_view head, time_point now)
{
    const bool first = find_out(g, head, now) == found::tried;
    forget(g, head, now);
    return first;
}

void subscribe_trials::forget(const share_group& g, std::string_view head, time_point now)
{
    note(key_of(g, g.at, head), found::doubted, now); // whatever its neighbours say
}

} // namespace gateway
