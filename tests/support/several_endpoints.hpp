#pragma once

// Settings of a shard whose colors have several endpoints: b1, b2 ... and g1, g2 ...

#include "gateway/core/tables/shard_settings.hpp"
#include "gateway/settings/config.hpp"
#include "tests/support/word_aliases.hpp"

#include <string>
#include <utility>

namespace testing_support {

// How many endpoints each color has.
struct endpoint_counts {
    int blue = 1, green = 1;
};

inline gateway::shard_settings
with_endpoints(endpoint_counts counts, gateway::shard_settings settings)
{
    for (const auto c : broker::colors) {
        const std::string first{to_string(c).substr(0, 1)};
        const int count = c == broker::color::blue ? counts.blue : counts.green;
        settings.endpoints[c].clear();
        for (int i = 1; i <= count; ++i) {
            const auto n = std::to_string(i);
            settings.endpoints[c].push_back(
                {.name = first + n, .url = "stomp://" + first + ":" + n});
        }
    }
    return settings;
}

// Of a shard without a process around it: the defaults, and secrets that are known.
inline gateway::shard_settings several_endpoints(endpoint_counts counts, bool shared = true)
{
    auto settings = gateway::shard_settings_of({}, 1, 0, known_secrets);
    settings.connect_rate = 50'000;
    settings.shared = shared;
    settings.finds_backplane = false; // P9: its tests say otherwise
    return with_endpoints(counts, std::move(settings));
}

} // namespace testing_support
